"""Records as they are asked for and found, and commits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from sheetport.features.sheets.model import Sheet
from sheetport.kernel.paging import Page

#: Beyond every record number that an id can hold.
NO_LIMIT = 2**53


class RecordRow(NamedTuple):
    """A stored record; ``vals`` and ``ext`` are the codec's columns, ``size`` their bytes where it matters."""

    seq: int
    vals: str
    ext: str | None
    valid: bool
    size: int = 0


@dataclass(frozen=True, slots=True)
class Added:
    """What an insert adds to its sheet: records, how many of them are invalid, and bytes."""

    rows: int = 0
    invalid: int = 0
    size: int = 0

    def __add__(self, more: Added) -> Added:
        return Added(self.rows + more.rows, self.invalid + more.invalid, self.size + more.size)


@dataclass(frozen=True, slots=True)
class Commit:
    """What one call wrote to a sheet.

    ``kind`` is insert, update or delete. An insert's rows are ``first_seq`` to ``last_seq``, any other's ``rows``.
    A commit is complete when a listener has said that it is done with it.
    """

    environment_id: str
    id: str
    sheet_id: str
    commit_no: int
    kind: str
    created_by: str
    created_at: int
    first_seq: int | None = None
    last_seq: int | None = None
    rows: tuple[int, ...] | None = None
    completed_by: str | None = None
    completed_at: int | None = None

    def holds(self, seq: int) -> bool:
        """Whether the record of this number is one of the commit's."""
        if self.first_seq is not None and self.last_seq is not None:
            return self.first_seq <= seq <= self.last_seq
        return seq in (self.rows or ())


@dataclass(frozen=True, slots=True)
class RecordQuery:
    """Which records a caller wants and what of them.

    ``ids`` names the records wanted, or those left out when ``filter`` is valid, error or all. ``fields`` None is
    every field.
    """

    page: Page
    filter: str | None = None
    ids: tuple[str, ...] = ()
    commit_id: str | None = None
    since_commit_id: str | None = None
    fields: tuple[str, ...] | None = None
    include_messages: bool = True
    include_links: bool = False
    include_counts: bool = False
    include_length: bool = False


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows a query means, in the terms of the table: those of ``listed``, or of ``first`` to ``last``."""

    environment_id: str
    sheet_no: int
    valid: bool | None = None
    since: int | None = None
    first: int = 0
    last: int = NO_LIMIT
    listed: tuple[int, ...] | None = None
    excluded: frozenset[int] = frozenset()

    def admits(self, seq: int, valid: bool, commit_no: int) -> bool:
        """Whether a row that is listed belongs to the scope."""
        return (
            self.first <= seq <= self.last
            and seq not in self.excluded
            and self.valid in {None, valid}
            and (self.since is None or commit_no > self.since)
        )


@dataclass(frozen=True, slots=True)
class FieldCounts:
    """How many records have an error in one field, and in how many it is empty."""

    error: int
    empty: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How many records there are; ``by_field`` only where it was asked for."""

    total: int
    invalid: int
    by_field: dict[str, FieldCounts] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Found:
    """Records of a sheet, as read or as just written."""

    sheet: Sheet
    rows: list[RecordRow]
    counts: Counts | None = None
    commit_id: str | None = None
