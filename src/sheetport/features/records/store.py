"""SQL of records, their counters and commits."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    insert,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from sheetport.features.records.codec import StoredRow, size_of
from sheetport.features.records.model import Commit, Counts, RecordRow, Scope
from sheetport.features.sheets.model import Sheet
from sheetport.kernel.errors import NotFound
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.paging import Page
from sheetport.storage.statements import Statement, statement
from sheetport.storage.tables.records import commits, records, sheet_counters
from sheetport.storage.tables.workbooks import workbooks
from sheetport.storage.unit_of_work import Row, UnitOfWork

#: The layout of the codec; rows of other layouts may come to stand beside these.
FORMAT = 1
#: How many row numbers one IN list holds; a shorter list is filled up, so that the statement stays the same.
LIST = 200
#: How many invalid rows are looked at in one go.
_CHUNK = 5_000

_BULK_COLUMNS = (
    "environment_id",
    "sheet_no",
    "seq",
    "format",
    "valid",
    "vals",
    "ext",
    "commit_no",
    "updated_at",
    "size",
)
_COUNTER = (
    sheet_counters.c.environment_id == bindparam("environment"),
    sheet_counters.c.sheet_no == bindparam("sheet"),
)
_ADVANCE = statement(
    update(sheet_counters)
    .where(*_COUNTER)
    .values(
        next_seq=sheet_counters.c.next_seq + bindparam("seqs", type_=BigInteger),
        total=sheet_counters.c.total + bindparam("more", type_=BigInteger),
        invalid=sheet_counters.c.invalid + bindparam("more_invalid", type_=BigInteger),
        commit_no=sheet_counters.c.commit_no + bindparam("commits", type_=BigInteger),
        bytes=sheet_counters.c.bytes + bindparam("more_bytes", type_=BigInteger),
    )
    .returning(sheet_counters.c.next_seq, sheet_counters.c.total, sheet_counters.c.invalid, sheet_counters.c.commit_no)
)
_SHEET = (records.c.environment_id == bindparam("environment"), records.c.sheet_no == bindparam("sheet"))
_LISTED = records.c.seq.in_([bindparam(f"s{number}", type_=BigInteger) for number in range(LIST)])
#: Records from the sheet's next number on are staged: nobody sees them.
_PUBLISHED = (*_SHEET, records.c.seq < bindparam("end", type_=BigInteger))
_COLUMNS = (records.c.seq, records.c.vals, records.c.ext, records.c.valid)
_SIZE = func.coalesce(records.c.size, 0).label("size")
_BY_LIST = statement(select(*_COLUMNS, _SIZE).where(*_PUBLISHED, _LISTED).order_by(records.c.seq))
_HEADS_BY_LIST = statement(select(records.c.seq, records.c.valid, records.c.commit_no).where(*_PUBLISHED, _LISTED))
_DELETE = statement(delete(records).where(*_PUBLISHED, _LISTED).returning(records.c.seq, records.c.valid, _SIZE))
_swept = records.alias("swept")
_SWEEP = statement(
    delete(records).where(
        *_SHEET,
        records.c.seq.in_(
            select(_swept.c.seq)
            .where(_swept.c.environment_id == bindparam("environment"), _swept.c.sheet_no == bindparam("sheet"))
            .order_by(_swept.c.seq)
            .limit(bindparam("most"))
        ),
    )
)
_UPDATE = statement(
    update(records)
    .where(*_SHEET, records.c.seq == bindparam("row"))
    .values({name: bindparam(f"new_{name}") for name in ("valid", "vals", "ext", "commit_no", "updated_at", "size")})
)
_INVALID_EXTS = statement(
    select(records.c.seq, records.c.ext)
    .where(*_PUBLISHED, records.c.valid == false(), records.c.seq > bindparam("after"))
    .order_by(records.c.seq)
    .limit(_CHUNK)
)
#: Some of what is staged: of one sheet, and of any.
_STAGED = (
    select(sheet_counters.c.environment_id, sheet_counters.c.sheet_no, records.c.seq)
    .join(
        records,
        and_(
            records.c.environment_id == sheet_counters.c.environment_id,
            records.c.sheet_no == sheet_counters.c.sheet_no,
            records.c.seq >= sheet_counters.c.next_seq,
        ),
    )
    .limit(1)
)
_STAGED_ANYWHERE = statement(_STAGED)
_STAGED_IN_SHEET = statement(_STAGED.where(*_COUNTER))
_COMMIT_COLUMNS = tuple(column.name for column in commits.columns)
_INSERT_COMMIT = statement(insert(commits).values({name: bindparam(name) for name in _COMMIT_COLUMNS}))
_COMMIT = statement(select(commits).where(commits.c.id == bindparam("id")))
_COMPLETE = statement(
    update(commits)
    .where(
        commits.c.environment_id == bindparam("environment"),
        commits.c.id == bindparam("commit"),
        commits.c.completed_at.is_(None),
    )
    .values(completed_by=bindparam("by"), completed_at=bindparam("at"))
)
_HEAD = statement(select(sheet_counters.c.next_seq, sheet_counters.c.commit_no).where(*_COUNTER))
_CLEAR = statement(
    delete(records).where(
        *_SHEET, records.c.seq >= bindparam("first"), records.c.seq < bindparam("end", type_=BigInteger)
    )
)
_LEFT = statement(
    select(records.c.sheet_no, records.c.seq)
    .where(records.c.environment_id == bindparam("environment"))
    .order_by(records.c.sheet_no, records.c.seq)
    .limit(1)
)
_SETTINGS = statement(
    select(workbooks.c.settings).where(
        workbooks.c.environment_id == bindparam("environment"), workbooks.c.id == bindparam("workbook")
    )
)


# ---- writing -------------------------------------------------------------------------------------


async def advance(
    uow: UnitOfWork, sheet: Sheet, *, seqs: int = 0, total: int = 0, invalid: int = 0, commits: int = 0, size: int = 0
) -> Row:
    """Add to a sheet's counters and lock them until the commit, so that writers of one sheet are serial.

    Returns the row after it: next_seq, total, invalid, commit_no. Raises NotFound when the sheet was deleted while
    this waited for it.
    """
    params = {**_of(sheet), "seqs": seqs, "more": total, "more_invalid": invalid, "commits": commits}
    row = await uow.fetch_one(_ADVANCE, params | {"more_bytes": size})
    if row is None:
        raise NotFound("The sheet has just been deleted.", "sheetId")
    return row


async def insert_rows(
    uow: UnitOfWork, sheet: Sheet, rows: list[StoredRow], first_seq: int, commit_no: int
) -> list[RecordRow]:
    """Insert records in order, the first as number ``first_seq``."""
    made = [RecordRow(seq, *row, size_of(row.vals, row.ext)) for seq, row in enumerate(rows, first_seq)]
    environment, sheet_no, now = sheet.environment_id, sheet.sheet_no, uow.now
    table = [(environment, sheet_no, r.seq, FORMAT, r.valid, r.vals, r.ext, commit_no, now, r.size) for r in made]
    await uow.bulk_insert("records", _BULK_COLUMNS, table)
    return made


async def place_rows(uow: UnitOfWork, environment_id: str, sheet_no: int, rows: list[RecordRow]) -> None:
    """Insert records under numbers of their own; the sheet's counters are not told."""
    now = uow.now
    table = [
        (environment_id, sheet_no, r.seq, FORMAT, r.valid, r.vals, r.ext, 0, now, size_of(r.vals, r.ext)) for r in rows
    ]
    await uow.bulk_insert("records", _BULK_COLUMNS, table)


async def clear_rows(uow: UnitOfWork, environment_id: str, most: int) -> bool:
    """Delete about ``most`` records of an environment, whatever their sheet; False when there are none."""
    first = await uow.fetch_one(_LEFT, {"environment": environment_id})
    if first is None:
        return False
    seq = first["seq"]
    await uow.execute(
        _CLEAR, {"environment": environment_id, "sheet": first["sheet_no"], "first": seq, "end": seq + most}
    )
    return True


async def update_rows(uow: UnitOfWork, sheet: Sheet, rows: list[RecordRow], commit_no: int) -> None:
    params = [
        {
            **_of(sheet),
            "row": row.seq,
            "new_valid": row.valid,
            "new_vals": row.vals,
            "new_ext": row.ext,
            "new_commit_no": commit_no,
            "new_updated_at": uow.now,
            "new_size": row.size,
        }
        for row in rows
    ]
    await uow.execute_many(_UPDATE, params)


async def delete_rows(uow: UnitOfWork, sheet: Sheet, seqs: list[int]) -> tuple[dict[int, bool], int]:
    """Delete records; whether each that was there was valid, by its number, and their bytes."""
    found: dict[int, bool] = {}
    size = 0
    for listed in _lists(seqs):
        rows = await uow.fetch_all(_DELETE, {**_of(sheet), **listed})
        found |= {row["seq"]: bool(row["valid"]) for row in rows}
        size += sum(row["size"] for row in rows)
    return found, size


async def sweep_rows(uow: UnitOfWork, environment_id: str, sheet_no: int, most: int) -> int:
    """Delete the first ``most`` records of a sheet that nobody finds any more; how many there were."""
    return await uow.execute(_SWEEP, {"environment": environment_id, "sheet": sheet_no, "most": most})


async def insert_commit(uow: UnitOfWork, commit: Commit) -> None:
    values = {name: getattr(commit, name) for name in _COMMIT_COLUMNS}
    await uow.execute(_INSERT_COMMIT, values | {"rows": None if commit.rows is None else dumps(commit.rows)})


async def complete_commit(uow: UnitOfWork, commit: Commit, by: str) -> bool:
    """Mark a commit complete; False when it already was."""
    params = {"environment": commit.environment_id, "commit": commit.id, "by": by, "at": uow.now}
    return await uow.execute(_COMPLETE, params) > 0


async def clear_staged(uow: UnitOfWork, most: int, sheet: Sheet | None = None) -> bool:
    """Delete about ``most`` staged records, of one sheet or of any; False when there are none."""
    if sheet is None:
        found = await uow.fetch_one(_STAGED_ANYWHERE)
    else:
        found = await uow.fetch_one(_STAGED_IN_SHEET, {"environment": sheet.environment_id, "sheet": sheet.sheet_no})
    if found is None:
        return False
    first = {"environment": found["environment_id"], "sheet": found["sheet_no"], "first": found["seq"]}
    await uow.execute(_CLEAR, {**first, "end": found["seq"] + most})
    return True


# ---- reading -------------------------------------------------------------------------------------


async def find_head(uow: UnitOfWork, sheet: Sheet) -> tuple[int, int]:
    """(number of the next record, number of the newest commit) of a sheet."""
    row = await uow.fetch_one(_HEAD, _of(sheet))
    return (int(row["next_seq"]), int(row["commit_no"])) if row else (1, 0)


async def find_commit(uow: UnitOfWork, commit_id: str) -> Commit | None:
    row = await uow.fetch_one(_COMMIT, {"id": commit_id})
    if row is None:
        return None
    values = {name: row[name] for name in _COMMIT_COLUMNS}
    return Commit(**values | {"rows": None if row["rows"] is None else tuple(loads(row["rows"]))})


async def find_settings(uow: UnitOfWork, sheet: Sheet) -> dict[str, Any]:
    """The settings of the sheet's workbook."""
    params = {"environment": sheet.environment_id, "workbook": sheet.workbook_id}
    row = await uow.fetch_one(_SETTINGS, params)
    return loads(row["settings"] or "null") or {} if row else {}


async def find_rows(uow: UnitOfWork, sheet: Sheet, seqs: list[int]) -> list[RecordRow]:
    """The records of these numbers that exist, in their order."""
    found: list[RecordRow] = []
    for listed in _lists(sorted(set(seqs))):
        rows = await uow.fetch_all(_BY_LIST, {**_of(sheet), **listed})
        found += [_record(row)._replace(size=row["size"]) for row in rows]
    return found


async def find_page(uow: UnitOfWork, sheet: Sheet, scope: Scope, page: Page) -> list[RecordRow]:
    """One page of a scope's records, in their order."""
    if scope.listed is not None:
        seqs = [seq for seq, _ in await _listed(uow, sheet, scope)]
        return await find_rows(uow, sheet, seqs[page.offset : page.offset + page.size])
    query = _page(scope.valid, scope.since is not None, bool(scope.excluded), page.offset > 0)
    rows = await uow.fetch_all(query, _scope_params(scope) | {"size": page.size, "offset": page.offset})
    return [_record(row) for row in rows]


async def count(uow: UnitOfWork, sheet: Sheet, scope: Scope) -> Counts:
    """How many records a scope has."""
    if scope.listed is not None:
        valid = [valid for _, valid in await _listed(uow, sheet, scope)]
        return Counts(len(valid), valid.count(False))
    query = _count(scope.valid, scope.since is not None, bool(scope.excluded))
    row = await uow.fetch_one(query, _scope_params(scope))
    return Counts(int(row["total"]), int(row["invalid"] or 0)) if row else Counts(0, 0)


async def count_empty(uow: UnitOfWork, sheet: Sheet) -> dict[str, int]:
    """How many records have nothing in a field, by field key. Reads the whole sheet."""
    if not sheet.slots:
        return {}
    # A slot is a number of ours; both databases read item N of a JSON array by ``->> N``, null as NULL.
    columns = [
        func.count(func.nullif(records.c.vals.op("->>")(literal_column(str(int(slot)))), "")).label(f"c{slot}")
        for slot in sheet.slots.values()
    ]
    row = await uow.fetch_one(select(func.count().label("total"), *columns).where(*_PUBLISHED), _of(sheet))
    return {key: row["total"] - row[f"c{slot}"] for key, slot in sheet.slots.items()} if row else {}


async def invalid_exts(uow: UnitOfWork, sheet: Sheet, after: int) -> tuple[int, list[str]]:
    """The ``ext`` of the next invalid records after number ``after``, and the last's number; none at the end."""
    rows = await uow.fetch_all(_INVALID_EXTS, {**_of(sheet), "after": after})
    return (rows[-1]["seq"] if rows else after), [row["ext"] for row in rows]


async def _listed(uow: UnitOfWork, sheet: Sheet, scope: Scope) -> list[tuple[int, bool]]:
    """(seq, valid) of a list's rows that are there and in the scope, in order."""
    found: list[tuple[int, bool]] = []
    for listed in _lists(list(scope.listed or ())):
        rows = await uow.fetch_all(_HEADS_BY_LIST, {**_of(sheet), **listed})
        heads = [(int(row["seq"]), bool(row["valid"]), int(row["commit_no"])) for row in rows]
        found += [(seq, valid) for seq, valid, commit_no in heads if scope.admits(seq, valid, commit_no)]
    return sorted(found)


def _conditions(table: Any, valid: bool | None, since: bool, excluding: bool, start: Any = None) -> ColumnElement[bool]:
    """The rows of a scope that is a range, from ``start`` if given; the parameters are :func:`_scope_params`."""
    parts = [
        table.c.environment_id == bindparam("environment"),
        table.c.sheet_no == bindparam("sheet"),
        table.c.seq >= (bindparam("first", type_=BigInteger) if start is None else start),
        table.c.seq <= bindparam("last", type_=BigInteger),
    ]
    if valid is not None:
        parts.append(table.c.valid == (true() if valid else false()))
    if since:
        parts.append(table.c.commit_no > bindparam("since", type_=BigInteger))
    if excluding:
        parts.append(table.c.seq.not_in([bindparam(f"s{number}", type_=BigInteger) for number in range(LIST)]))
    return and_(*parts)


@cache
def _page(valid: bool | None, since: bool, excluding: bool, skipping: bool) -> Statement:
    start = None
    if skipping:  # the rows skipped are walked by their numbers, their columns never read
        skipped = records.alias("skipped")
        passed = select(skipped.c.seq).where(_conditions(skipped, valid, since, excluding)).order_by(skipped.c.seq)
        start = passed.limit(1).offset(bindparam("offset")).scalar_subquery()
    query = select(*_COLUMNS).where(_conditions(records, valid, since, excluding, start))
    return statement(query.order_by(records.c.seq).limit(bindparam("size")))


@cache
def _count(valid: bool | None, since: bool, excluding: bool) -> Statement:
    invalid = func.sum(case((records.c.valid == false(), 1), else_=0)).label("invalid")
    return statement(select(func.count().label("total"), invalid).where(_conditions(records, valid, since, excluding)))


def _scope_params(scope: Scope) -> dict[str, Any]:
    params = {
        "environment": scope.environment_id,
        "sheet": scope.sheet_no,
        "first": scope.first,
        "last": scope.last,
        "since": scope.since,
    }
    return params | next(iter(_lists(list(scope.excluded))), {})


def _of(sheet: Sheet) -> dict[str, Any]:
    return {"environment": sheet.environment_id, "sheet": sheet.sheet_no, "end": sheet.next_seq}


def _lists(seqs: list[int]) -> list[dict[str, int]]:
    """The parameters of IN lists that hold these numbers, each filled up with one of its own."""
    made = []
    for start in range(0, len(seqs), LIST):
        chunk = seqs[start : start + LIST]
        chunk += chunk[:1] * (LIST - len(chunk))
        made.append({f"s{number}": seq for number, seq in enumerate(chunk)})
    return made


def _record(row: Row) -> RecordRow:
    return RecordRow(row["seq"], row["vals"], row["ext"], bool(row["valid"]))
