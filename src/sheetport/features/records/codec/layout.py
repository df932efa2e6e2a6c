"""The columns of a stored record, and changing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

Value = str | int | float | bool | list[str] | None
Slots = Mapping[str, int]


class StoredRow(NamedTuple):
    """The columns of a record that hold what a client sees, without its id."""

    vals: str
    ext: str | None
    valid: bool


class Message(msgspec.Struct, omit_defaults=True, gc=False):
    """A remark on a cell. One without a type is an error, and is stored as one."""

    field: str | None = None
    type: Literal["error", "warn", "info"] | None = None
    source: (
        Literal["required-constraint", "unique-constraint", "custom-logic", "unlinked", "invalid-option", "is-artifact"]
        | None
    ) = None
    message: str | None = None
    path: str | None = None


class Cell(msgspec.Struct, gc=False):
    """A cell of a record to insert."""

    value: Value = None
    messages: list[Message] | None = None


class ChangedCell(msgspec.Struct, gc=False):
    """A cell of an update: without ``value`` the value stays, without ``messages`` there are none any more."""

    value: Value | UnsetType = UNSET
    messages: list[Message] | None = None


class CellConfig(msgspec.Struct):
    """Configuration of one cell."""

    readonly: bool | None = None


class RecordConfig(msgspec.Struct, rename="camel"):
    """Configuration of a record; what is stored is the object as sent."""

    readonly: bool | None = None
    fields: dict[str, CellConfig] | None = None
    marked_for_deletion: bool | None = None


class RecordChange(msgspec.Struct, rename="camel"):
    """One record of an update. ``metadata`` and ``config`` replace what is stored, {} clears it."""

    id: str
    values: dict[str, ChangedCell | None] = {}
    metadata: dict[str, Any] | None = None
    config: dict[str, Any] | None = None
    commit_id: str | None = None
    version_id: str | None = None


class Ext(msgspec.Struct, omit_defaults=True):
    """The ``ext`` column, its parts undecoded."""

    m: dict[int, Raw] = {}
    e: list[int] = []
    md: Raw = Raw(b"{}")
    c: Raw = Raw(b"{}")


class _Errors(msgspec.Struct):
    """Only what of ``ext`` counting needs."""

    e: list[int] = []


_NO_OBJECT = b"{}"

_encode = msgspec.json.Encoder().encode
_decode_values = msgspec.json.Decoder(list[Any]).decode
decode_ext = msgspec.json.Decoder(Ext).decode
_decode_errors = msgspec.json.Decoder(_Errors).decode


def size_of(vals: str, ext: str | None) -> int:
    """The bytes of a row's columns, in UTF-8."""
    size = len(vals) if vals.isascii() else len(vals.encode())
    return size if ext is None else size + len(ext.encode())


def merge_update(row: StoredRow, change: RecordChange, slots: Slots) -> tuple[StoredRow, bool]:
    """``row`` after ``change``, and whether any value (not only messages, metadata or config) changed.

    Values and messages of the cells given are replaced, those of other cells stay.
    """
    values = _decode_values(row.vals)
    ext = decode_ext(row.ext) if row.ext is not None else Ext()
    notes: dict[int, list[Message]] = {}
    changed = False
    for key, cell in change.values.items():
        if cell is None:
            continue
        slot = slots[key]
        ext.m.pop(slot, None)
        if slot in ext.e:
            ext.e.remove(slot)
        if cell.messages:
            notes[slot] = cell.messages
        if cell.value is UNSET:
            continue
        if slot >= len(values):
            values.extend([None] * (slot + 1 - len(values)))
        changed = changed or not _same(values[slot], cell.value)
        values[slot] = cell.value
    set_extras(ext, change.metadata, change.config)
    return packed(values, notes, ext), changed


def _same(old: Value, new: Value | UnsetType) -> bool:
    """Equal as JSON: true is not 1, but 1 is 1.0."""
    return old == new and isinstance(old, bool) == isinstance(new, bool)


def width_of(slots: Slots) -> int:
    """The length of a new row's array."""
    return max(slots.values(), default=-1) + 1


def set_extras(ext: Ext, metadata: dict[str, Any] | None, config: dict[str, Any] | None) -> None:
    """Replace what is given; None leaves what is there."""
    if metadata is not None:
        ext.md = Raw(_encode(metadata))
    if config is not None:
        ext.c = Raw(_encode(config))


def packed(values: Sequence[Value], notes: dict[int, list[Message]], ext: Ext) -> StoredRow:
    """The row of ``values`` with ``notes`` added to what ``ext`` already holds."""
    for slot, messages in notes.items():
        for message in messages:
            message.type = message.type or "error"
        if any(message.type == "error" for message in messages):
            ext.e.append(slot)
        ext.m[slot] = Raw(_encode(messages))
    out: dict[str, Any] = {}
    if ext.m:
        out["m"] = dict(sorted(ext.m.items()))
    if ext.e:
        out["e"] = sorted(ext.e)
    if bytes(ext.md) != _NO_OBJECT:
        out["md"] = ext.md
    if bytes(ext.c) != _NO_OBJECT:
        out["c"] = ext.c
    return StoredRow(_encode(values).decode(), _encode(out).decode() if out else None, not ext.e)


def error_slots(ext: str) -> list[int]:
    """The slots of a stored row's ``ext`` that hold an error."""
    return _decode_errors(ext).e
