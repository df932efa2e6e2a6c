"""Wire shapes of records, counts and commits."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from sheetport.features.records.codec import RecordIds, RowTemplate, render_rows
from sheetport.features.records.model import Commit, Counts, Found
from sheetport.http.envelope import Data
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none
from sheetport.kernel.ids import routing_tag


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
