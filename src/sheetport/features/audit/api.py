"""Routes of the audit log: for administrators."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from litestar import Request, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, QueryParameter
from litestar.response import Stream

from sheetport.features.audit import service
from sheetport.features.audit.schemas import AuditRecordShape, CheckpointShape, to_checkpoint, to_filter, to_shape
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import Listed, pagination_of
from sheetport.http.parameters import EnvironmentId, PageNumber, PageSize
from sheetport.kernel.errors import NotFound
from sheetport.kernel.paging import page_of

_JSON_LINES = "application/x-ndjson"
ActorId = Annotated[str | None, QueryParameter(name="actor", description="Id of who acted: a user, a key, a space.")]
Action = Annotated[
    str | None, QueryParameter(name="action", description="An action such as secret:read, or all of a noun: secret.")
]
Since = Annotated[str | None, QueryParameter(name="since", description="An ISO time, inclusive.")]
Until = Annotated[str | None, QueryParameter(name="until", description="An ISO time, exclusive.")]


@get("/")
async def list_audit_records(
    call: Caller,
    actor: ActorId = None,
    action: Action = None,
    target: FromQuery[str | None] = None,
    environment_id: EnvironmentId = None,
    since: Since = None,
    until: Until = None,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[AuditRecordShape]:
    """Who did what, newest first."""
    chosen = to_filter(actor, action, target, environment_id, since, until)
    paged = await service.list_records(call.db, call.actor, chosen, page_of(page_number, page_size, 50))
    return Listed(data=[to_shape(each) for each in paged.items], pagination=pagination_of(paged))


@get(
    "/export",
    media_type=_JSON_LINES,
    responses={200: ResponseSpec(data_container=str, media_type=_JSON_LINES, generate_examples=False)},
)
async def export_audit_records(
    request: Request[Any, Any, Any], call: Caller, environment_id: EnvironmentId = None
) -> Stream:
    """All sealed records of the account, or of one environment, as JSON lines that anybody can verify."""
    await request.app.state.sealer.seal_all()
    chains = await call.db.log.read(lambda uow: service.list_chains(uow, call.actor))
    if environment_id:
        chains = [each for each in chains if each.head.chain == environment_id]
        if not chains:
            raise NotFound("Nothing has been recorded of such an environment of your account.", "environmentId")

    async def lines() -> AsyncIterator[bytes]:
        async for line in service.export_lines(call.db, chains):
            yield line

    return Stream(lines(), media_type=_JSON_LINES)


@get("/checkpoints")
async def list_audit_checkpoints(
    call: Caller, page_number: PageNumber = None, page_size: PageSize = None
) -> Listed[CheckpointShape]:
    """The signed places of the account's chains that are kept, newest first."""
    page = page_of(page_number, page_size, 50)
    paged = await call.db.log.read(lambda uow: service.list_checkpoints(uow, call.actor, page))
    key = call.db.keys.audit_public_key
    return Listed(data=[to_checkpoint(each, key) for each in paged.items], pagination=pagination_of(paged))


router = Router(
    "/v1/audit",
    route_handlers=[list_audit_records, export_audit_records, list_audit_checkpoints],
    response_headers={"Cache-Control": "no-store"},
    tags=["audit"],
)
