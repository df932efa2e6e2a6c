"""Routes of records, counts and commits.

Bodies are decoded before the unit of work and replies written after it, beside the event loop when they are large.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from typing import Annotated, Any, ParamSpec, TypeVar

from litestar import MediaType, Request, Response, Router, delete, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter, RawBody, SkipValidation
from litestar.response import Stream

from sheetport.features.records import service
from sheetport.features.records.codec import StoredRow, decode_insert, decode_update, piecework
from sheetport.features.records.codec.piecework import Piece
from sheetport.features.records.model import RecordQuery
from sheetport.features.records.schemas import (
    CommitShape,
    RecordCountsShape,
    RecordsShape,
    VersionShape,
    encode_order,
    order_of,
    piece_of,
    render_echo,
    render_found,
    to_commit,
    to_counts,
)
from sheetport.features.sheets.model import Sheet
from sheetport.http.dependencies import Call, Caller
from sheetport.http.envelope import OK, Data, Success
from sheetport.http.parameters import PageNumber, PageSize
from sheetport.http.processes import frames_of
from sheetport.kernel.errors import Invalid
from sheetport.kernel.paging import page_of

T = TypeVar("T")
P = ParamSpec("P")

#: From here on work is done in a thread: bytes of a body, records of a page, records of a write.
LARGE_BODY = 64 * 1024
#: From here on an insert is many turns of the one writer, and its body is read by a process of its own: bytes.
STAGED_BODY = 128 * 1024
VERY_LARGE_BODY = 4 * 1024 * 1024
LARGE_PAGE = 200
LARGE_WRITE = 2_000

#: Parameters of the API that this version has not got: refused, never ignored.
NOT_YET = ("sortField", "sortDirection", "filterField", "searchValue", "searchField", "q", "for")
NOT_YET_IN_COUNTS = (*NOT_YET, "versionId", "sinceVersionId", "commitId", "sinceCommitId")

Ids = Annotated[list[str] | None, QueryParameter(name="ids", description="Record ids: repeat the parameter.")]
Fields = Annotated[list[str] | None, QueryParameter(name="fields", description="Only these fields.")]
Status = Annotated[str | None, QueryParameter(name="filter", description="valid, error, all or none.")]
CommitId = Annotated[str | None, QueryParameter(name="commitId", description="Only the records of this commit.")]
VersionId = Annotated[str | None, QueryParameter(name="versionId", description="The old name of commitId.")]
SinceCommit = Annotated[
    str | None, QueryParameter(name="sinceCommitId", description="Only records changed after this commit.")
]
SinceVersion = Annotated[
    str | None, QueryParameter(name="sinceVersionId", description="The old name of sinceCommitId.")
]
Answered = Annotated[str | None, QueryParameter(name="commitId", description="The commit that this update answers.")]
IncludeMessages = Annotated[bool, QueryParameter(name="includeMessages")]
IncludeLinks = Annotated[bool, QueryParameter(name="includeLinks")]
IncludeCounts = Annotated[bool, QueryParameter(name="includeCounts", description="Count the whole sheet.")]
IncludeLength = Annotated[bool, QueryParameter(name="includeLength", description="Count what the query finds.")]
ByField = Annotated[bool, QueryParameter(name="byField", description="Count errors and empty cells by field.")]

Wanted = NamedDependency[SkipValidation[RecordQuery]]
_RECORDS = {200: ResponseSpec(Data[RecordsShape], generate_examples=False)}


async def provide_query(
    page_number: PageNumber = None,
    page_size: PageSize = None,
    status: Status = None,
    ids: Ids = None,
    fields: Fields = None,
    commit_id: CommitId = None,
    version_id: VersionId = None,
    since_commit_id: SinceCommit = None,
    since_version_id: SinceVersion = None,
    include_messages: IncludeMessages = True,
    include_links: IncludeLinks = False,
    include_counts: IncludeCounts = False,
    include_length: IncludeLength = False,
) -> RecordQuery:
    """The query of a read. Raises Invalid."""
    return RecordQuery(
        page_of(page_number, page_size, service.PAGE_LIMIT, service.PAGE_LIMIT),
        status,
        tuple(ids or ()),
        commit_id or version_id,
        since_commit_id or since_version_id,
        None if fields is None else tuple(fields),
        include_messages,
        include_links,
        include_counts,
        include_length,
    )


def refuse(request: Request[Any, Any, Any], names: tuple[str, ...]) -> None:
    """Raise Invalid when the request has one of these parameters."""
    for name in names:
        if name in request.query_params:
            raise Invalid(f"{name} is not supported yet by this version: leave it out.", name)


async def beside(large: bool, work: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Do ``work``, in a thread when it is ``large``."""
    return await asyncio.to_thread(work, *args, **kwargs) if large else work(*args, **kwargs)


@get("/sheets/{sheet_id:str}/records", responses=_RECORDS, dependencies={"wanted": Provide(provide_query)})
async def get_records(
    call: Caller, request: Request[Any, Any, Any], sheet_id: FromPath[str], wanted: Wanted
) -> Response[bytes]:
    refuse(request, NOT_YET)
    large = wanted.page.size > LARGE_PAGE
    page = await (call.read_much if large else call.read)(service.read_records, sheet_id, wanted)
    body = await beside(len(page.rows) > LARGE_PAGE, render_found, page, wanted.fields, wanted.include_messages)
    return Response(body, media_type=MediaType.JSON)


@post("/sheets/{sheet_id:str}/records", status_code=200, responses=_RECORDS)
async def insert_records(call: Caller, sheet_id: FromPath[str], body: RawBody) -> Response[Any]:
    sheet = await call.read(service.get_writable, sheet_id)
    if len(body) > STAGED_BODY and not call.db.shared:  # it goes on when its caller goes away
        return await asyncio.shield(asyncio.ensure_future(insert_in_pieces(call, sheet, body)))
    large = len(body) > LARGE_BODY
    rows = await beside(large, decode_insert, body, sheet.slots, limit=service.WRITE_LIMIT)
    async with service.turn_of(sheet_id):
        made = await call.write(service.insert_records, sheet, rows, call.settings.quotas)
    return Response(await beside(large, render_found, made), media_type=MediaType.JSON)


async def insert_in_pieces(call: Call, sheet: Sheet, body: bytes) -> Response[Any]:
    """Insert a large body's records over many turns; what is sent back was made on the way."""
    echo: list[bytes] = []

    async def pieces(found: Sheet) -> AsyncGenerator[list[StoredRow], None]:
        async with aclosing(pieces_of(found, body)) as given:
            async for piece in given:
                echo.append(piece.rendered)
                yield piece.rows

    async with service.turn_of(sheet.id):
        found = await service.insert_staged(call.db, call.actor, sheet, pieces, call.settings.quotas)
    return Stream(one_by_one(render_echo(found, echo)), media_type=MediaType.JSON)


async def one_by_one(parts: Iterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The parts without a thread for each."""
    for part in parts:
        yield part


async def pieces_of(sheet: Sheet, body: bytes) -> AsyncGenerator[Piece, None]:
    """The rows of a body, read beside the event loop, or beside this process when they are very many."""
    order = order_of(sheet, service.WRITE_LIMIT, service.STAGED_FROM)
    if len(body) > VERY_LARGE_BODY:
        async with aclosing(frames_of(piecework.__name__, encode_order(order) + b"\n", body)) as given:
            async for frame in given:
                yield piece_of(frame)
    else:
        for frame in await asyncio.to_thread(piecework.frames, order, body):
            yield piece_of(frame)


@put("/sheets/{sheet_id:str}/records")
async def update_records(
    call: Caller, sheet_id: FromPath[str], body: RawBody, commit_id: Answered = None, version_id: VersionId = None
) -> Data[VersionShape]:
    sheet, large = await call.read(service.get_writable, sheet_id), len(body) > LARGE_BODY
    changes = await beside(large, decode_update, body, sheet.slots, limit=service.WRITE_LIMIT)
    write = call.write_much if len(changes) > LARGE_WRITE else call.write
    async with service.turn_of(sheet_id):
        commit = await write(service.update_records, sheet, changes, commit_id or version_id, call.settings.quotas)
    return Data(data=VersionShape(version_id=commit.id, commit_id=commit.id))


@delete("/sheets/{sheet_id:str}/records", status_code=200)
async def delete_records(call: Caller, sheet_id: FromPath[str], ids: Ids = None) -> Success:
    async with service.turn_of(sheet_id):
        await call.write(service.delete_records, sheet_id, ids or [])
    return OK


@get("/sheets/{sheet_id:str}/counts")
async def count_records(
    call: Caller,
    request: Request[Any, Any, Any],
    sheet_id: FromPath[str],
    status: Status = None,
    by_field: ByField = False,
) -> Data[RecordCountsShape]:
    refuse(request, NOT_YET_IN_COUNTS)
    counts = await (call.read_much if by_field else call.read)(service.count_records, sheet_id, status, by_field)
    return Data(data=RecordCountsShape(counts=to_counts(counts), success=True))


@get("/commits/{commit_id:str}")
async def get_commit(call: Caller, commit_id: FromPath[str]) -> Data[CommitShape]:
    return Data(data=to_commit(await call.read(service.get_commit, commit_id)))


@post("/commits/{commit_id:str}/complete", status_code=200)
async def complete_commit(call: Caller, commit_id: FromPath[str]) -> Success:
    await call.write(service.complete_commit, commit_id)
    return OK


router = Router(
    "/v1",
    route_handlers=[
        get_records,
        insert_records,
        update_records,
        delete_records,
        count_records,
        get_commit,
        complete_commit,
    ],
    tags=["records"],
)
