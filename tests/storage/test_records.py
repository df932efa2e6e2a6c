"""The records table on both databases: long lists, deep pages, counters, and values that databases like to change."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from sheetport.config import QuotaSettings
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.quotas import service as quotas
from sheetport.features.records import store
from sheetport.features.records.codec import (
    RecordIds,
    RowTemplate,
    StoredRow,
    decode_insert,
    decode_update,
    render_rows,
)
from sheetport.features.records.model import Counts, RecordRow, Scope
from sheetport.features.records.service import insert_records, update_records
from sheetport.features.sheets import store as sheets
from sheetport.features.sheets.model import Sheet
from sheetport.kernel.actor import system_actor
from sheetport.kernel.ids import routing_tag
from sheetport.kernel.paging import Page
from sheetport.storage.unit_of_work import Database, UnitOfWork

ENV = "us_env_AbCd000000000000"
ACTOR = system_actor("us_acc_x")
LIMITS = QuotaSettings()
ERROR = {"type": "error", "message": "No"}
EVERYTHING = Scope(ENV, 7)


@pytest.fixture
async def sheet(db: Database) -> Sheet:
    """An empty sheet with one field, and a neighbour in the table."""
    made = [
        Sheet(
            environment_id=ENV,
            id=f"us_sh_{number}",
            account_id="us_acc_x",
            space_id="us_sp_x",
            workbook_id="us_wb_x",
            sheet_no=number,
            ordinal=0,
            name="S",
            slug=f"s{number}",
            config={"name": "S", "slug": f"s{number}", "fields": [{"key": "a", "type": "string"}]},
            created_at=1,
            updated_at=1,
            slots={"a": 0},
            next_slot=1,
            next_seq=1_000_000,  # whatever a test writes is published
        )
        for number in (7, 8)
    ]

    async def furnish(uow: UnitOfWork) -> None:
        await events.begin_log(uow, ENV)
        await quotas.open_counts(uow, ENV)
        await sheets.insert_sheets(uow, made)
        for one in made:
            await places.add_place(uow, one.place)

    await db.write(furnish)
    await insert(db, made[1], "neighbour")
    return made[0]


def rows_of(*values: Any, error: Callable[[int], bool] = lambda _: False) -> list[StoredRow]:
    body = [{"a": {"value": v, "messages": [ERROR] if error(i) else []}} for i, v in enumerate(values)]
    return decode_insert(json.dumps(body).encode(), {"a": 0}, limit=len(values))


async def insert(db: Database, sheet: Sheet, *values: Any, **options: Any) -> list[RecordRow]:
    rows = rows_of(*values, **options)
    return (await db.write(lambda uow: insert_records(uow, ACTOR, sheet, rows, LIMITS), bulk=True)).rows


async def page(db: Database, sheet: Sheet, scope: Scope, number: int = 1, size: int = 10_000) -> list[int]:
    rows = await db.read(lambda uow: store.find_page(uow, sheet, scope, Page(number, size)))
    return [row.seq for row in rows]


async def counts(db: Database, sheet: Sheet, scope: Scope = EVERYTHING) -> Counts:
    return await db.read(lambda uow: store.count(uow, sheet, scope))


async def test_deep_pages_of_each_scope_are_slices_of_the_whole(db: Database, sheet: Sheet) -> None:
    await insert(db, sheet, *range(700), error=lambda index: index % 3 == 0)
    gone = list(range(100, 160))
    await db.write(lambda uow: store.delete_rows(uow, sheet, gone))
    for scope in (
        EVERYTHING,
        replace(EVERYTHING, valid=False),
        replace(EVERYTHING, valid=True, excluded=frozenset({2, 3, 601})),
        replace(EVERYTHING, first=90, last=400),
        replace(EVERYTHING, listed=tuple(range(650, 50, -1)), valid=True),
        replace(EVERYTHING, since=0),
    ):
        whole = await page(db, sheet, scope)
        assert whole == [seq for seq in range(1, 701) if seq not in gone and belongs(scope, seq)]
        parts = [await page(db, sheet, scope, number, 130) for number in range(1, 7)]
        assert [seq for part in parts for seq in part] == whole
        assert (await counts(db, sheet, scope)).total == len(whole)
        assert (await counts(db, sheet, scope)).invalid == sum((seq - 1) % 3 == 0 for seq in whole)


def belongs(scope: Scope, seq: int) -> bool:
    """By the table made above: every third record has an error."""
    return scope.admits(seq, (seq - 1) % 3 != 0, 1) and (scope.listed is None or seq in scope.listed)


async def test_lists_longer_than_one_statement_takes(db: Database, sheet: Sheet) -> None:
    made = await insert(db, sheet, *range(450))
    found = await db.read(lambda uow: store.find_rows(uow, sheet, [row.seq for row in reversed(made)]))
    assert found == made
    gone, size = await db.write(lambda uow: store.delete_rows(uow, sheet, [*range(400, 0, -1), 9_999]))
    assert gone == dict.fromkeys(range(1, 401), True)
    assert size == sum(row.size for row in made[:400]) == sum(len(row.vals) for row in made[:400])
    assert await page(db, sheet, EVERYTHING) == list(range(401, 451))


async def test_what_fails_after_the_counters_moved_leaves_them(db: Database, sheet: Sheet) -> None:
    async def fail(uow: UnitOfWork) -> None:
        await insert_records(uow, ACTOR, sheet, rows_of("x", "y"), LIMITS)
        raise LookupError

    with pytest.raises(LookupError):
        await db.write(fail)
    made = await insert(db, sheet, "z")
    assert [row.seq for row in made] == [1]
    assert await counts(db, sheet) == Counts(1, 0)


async def test_the_counters_say_what_the_table_holds(db: Database, sheet: Sheet) -> None:
    made = await insert(db, sheet, *range(300), error=lambda index: index < 10)
    ids = decode_update(_update(range(5, 15), sheet), sheet.slots, limit=100)
    await db.write(lambda uow: update_records(uow, ACTOR, sheet, ids, None, LIMITS))
    counter = await db.write(lambda uow: store.advance(uow, sheet))
    assert (counter["next_seq"], counter["total"], counter["commit_no"]) == (len(made) + 1, 300, 2)
    assert Counts(counter["total"], counter["invalid"]) == await counts(db, sheet) == Counts(300, 4)


def _update(seqs: range, sheet: Sheet) -> bytes:
    """An update that takes the messages off these records."""
    ids = RecordIds(routing_tag(sheet.environment_id), sheet.sheet_no)
    return json.dumps([{"id": ids.of(seq), "values": {"a": {"value": "new"}}} for seq in seqs]).encode()


async def test_invalid_records_are_gone_through_in_parts_without_a_gap(db: Database, sheet: Sheet) -> None:
    await insert(db, sheet, *range(5_003), error=lambda _: True)
    sizes, after = [], -1
    while True:
        last = after
        after, exts = await db.read(lambda uow, last=last: store.invalid_exts(uow, sheet, last))
        if not exts:
            break
        sizes.append(len(exts))
    assert sizes == [5_000, 3]


async def test_values_come_back_as_they_were(db: Database, sheet: Sheet) -> None:
    values = [
        *(0, -1, 1.5, 0.1, 1e22, 1e300, 5e-324, 2**53 + 1, 2**64, -(2**70)),
        *("", " ", "null", "1", "é", "😀", "\u2028", "\x01", '"\\/', "%b %s %%", "a" * 100_000),
        *(True, False, None, [], ["a", ""], ["[", "]"]),
    ]
    made = await insert(db, sheet, *values)
    read = await db.read(lambda uow: store.find_page(uow, sheet, EVERYTHING, Page(1, 100)))
    for rows in (made, read):
        wire = json.loads(render_rows([(str(r.seq), r.vals, r.ext, r.valid) for r in rows], RowTemplate([("a", 0)])))
        told = [record["values"]["a"]["value"] for record in wire]
        # JSON has one kind of number: 1e300 may come back with all its digits
        same = [float(new) if isinstance(old, float) else new for new, old in zip(told, values, strict=True)]
        assert same == values
        assert [type(value) is bool for value in told] == [type(value) is bool for value in values]
