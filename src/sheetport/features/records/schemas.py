"""Wire shapes of records, counts and commits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import msgspec

from sheetport.features.records.codec import (
    RecordIds,
    RowTemplate,
    Slots,
    decode_rendered,
    parse_record_id,
    render_each,
    render_rows,
)
from sheetport.features.records.codec.piecework import Fault, Order, Piece, decode_frame
from sheetport.features.records.model import Commit, Counts, Found, RecordRow
from sheetport.features.sheets.model import Sheet
from sheetport.http.envelope import Data
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none
from sheetport.kernel.errors import Invalid, SheetportError, TooLarge
from sheetport.kernel.ids import routing_tag
from sheetport.kernel.json import dumps, loads

#: What a body may be refused with while it is read.
_REFUSALS: dict[str, type[SheetportError]] = {kind.__name__: kind for kind in (Invalid, TooLarge)}


class CellShape(Wire, omit_defaults=False):
    """``value`` is a string, number, boolean, list of strings or null."""

    value: Any
    messages: list[dict[str, Any]]
    valid: bool


class RecordShape(Wire, omit_defaults=False):
    """Exactly these members: listeners take a record with others for a changed one."""

    id: str
    values: dict[str, CellShape]
    valid: bool
    metadata: dict[str, Any]
    config: dict[str, Any]


class FieldCountsShape(Wire):
    total: int
    valid: int
    error: int
    empty: int


class CountsShape(Wire):
    total: int
    valid: int
    error: int
    errors_by_field: dict[str, int] | None = None
    by_field: dict[str, FieldCountsShape] | None = None


class RecordsShape(Wire):
    success: bool
    records: list[RecordShape]
    counts: CountsShape | None = None
    version_id: str | None = None
    commit_id: str | None = None


class RecordCountsShape(Wire):
    counts: CountsShape
    success: bool


class VersionShape(Wire):
    version_id: str
    commit_id: str


class CommitShape(Wire):
    id: str
    sheet_id: str
    created_by: str
    created_at: str
    completed_by: str | None = None
    completed_at: str | None = None


def render_found(found: Found, fields: tuple[str, ...] | None = None, include_messages: bool = True) -> bytes:
    """The JSON of ``Data[RecordsShape]``; the records' values are copied as they are stored."""
    slots = found.sheet.slots
    keys = [item["key"] for item in found.sheet.config["fields"] if fields is None or item["key"] in fields]
    ids = RecordIds(routing_tag(found.sheet.environment_id), found.sheet.sheet_no)
    rows = [(ids.of(row.seq), row.vals, row.ext, row.valid) for row in found.rows]
    records = render_rows(rows, RowTemplate([(key, slots[key]) for key in keys]), include_messages=include_messages)
    shape = RecordsShape(
        success=True,
        records=cast("list[RecordShape]", msgspec.Raw(records)),
        counts=None if found.counts is None else to_counts(found.counts),
        version_id=found.commit_id,
        commit_id=found.commit_id,
    )
    return msgspec.json.encode(Data(data=shape))


def render_echo(found: Found, pieces: list[bytes]) -> Iterator[bytes]:
    """:func:`render_found` of records that were rendered before, piece by piece."""
    head, array, tail = render_found(found).partition(b"[]")
    yield head + array[:1]
    for index, piece in enumerate(pieces):
        yield b"," + piece if index else piece
    yield array[1:] + tail


def order_of(sheet: Sheet, limit: int, piece: int) -> Order:
    """What to do with the body of an insert whose first record gets the sheet's next number."""
    return Order(
        slots=sheet.slots,
        fields=[(item["key"], sheet.slots[item["key"]]) for item in sheet.config["fields"]],
        tag=routing_tag(sheet.environment_id),
        sheet_no=sheet.sheet_no,
        first=sheet.next_seq,
        limit=limit,
        piece=piece,
    )


def encode_order(order: Order) -> bytes:
    """One line."""
    return msgspec.json.encode(order)


def piece_of(frame: bytes) -> Piece:
    """The piece in a frame. Raises what the body was refused with."""
    found = decode_frame(frame)
    if isinstance(found, Fault):
        raise _REFUSALS[found.kind](found.message, found.key, tuple((key, text) for key, text in found.more))
    return found


def render_lines(sheet: Sheet, rows: list[RecordRow]) -> tuple[list[bytes], list[list[Any]]]:
    """Whole records: the JSON of each, and the values of each in the order of the sheet's fields.

    Values are written anew, so that both databases give the same bytes.
    """
    slots = [sheet.slots[item["key"]] for item in sheet.config["fields"]]
    template = RowTemplate([(item["key"], slot) for item, slot in zip(sheet.config["fields"], slots, strict=True)])
    ids = RecordIds(routing_tag(sheet.environment_id), sheet.sheet_no)
    decoded = [loads(row.vals) for row in rows]
    made = [(ids.of(row.seq), dumps(vals), row.ext, row.valid) for row, vals in zip(rows, decoded, strict=True)]
    values = [[vals[slot] if slot < len(vals) else None for slot in slots] for vals in decoded]
    return render_each(made, template), values


def parse_line(raw: bytes, slots: Slots, at: str) -> tuple[tuple[str, int, int], RecordRow]:
    """((routing tag, sheet number, record number) of the id, row) of one line of :func:`render_lines`.

    Raises Invalid.
    """
    record_id, row = decode_rendered(raw, slots, at)
    parts = parse_record_id(record_id)
    if parts is None:
        raise Invalid(f"{at}.id: {record_id[:60]!r} is no record's id.", f"{at}.id")
    return parts, RecordRow(parts[2], *row)


def to_counts(counts: Counts) -> CountsShape:
    shape = CountsShape(total=counts.total, valid=counts.total - counts.invalid, error=counts.invalid)
    if counts.by_field:
        shape.errors_by_field = {key: item.error for key, item in counts.by_field.items()}
        shape.by_field = {
            key: FieldCountsShape(
                total=counts.total, valid=counts.total - item.error, error=item.error, empty=item.empty
            )
            for key, item in counts.by_field.items()
        }
    return shape


def to_commit(commit: Commit) -> CommitShape:
    return CommitShape(
        id=commit.id,
        sheet_id=commit.sheet_id,
        created_by=commit.created_by,
        created_at=iso(commit.created_at),
        completed_by=commit.completed_by,
        completed_at=iso_or_none(commit.completed_at),
    )
