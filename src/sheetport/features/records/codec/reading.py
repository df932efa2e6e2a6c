"""Records from request bodies."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn

import msgspec
from msgspec import Raw
from msgspec.structs import astuple

from sheetport.features.records.codec.layout import (
    Cell,
    Ext,
    Message,
    RecordChange,
    RecordConfig,
    Slots,
    StoredRow,
    Value,
    packed,
    set_extras,
    width_of,
)
from sheetport.kernel.errors import Invalid, TooLarge
from sheetport.kernel.storable import json_path, refuse_unstorable

_WHOLE_RECORD = {"id", "values", "valid", "messages", "metadata", "config", "versionId", "commitId"}
_NO_STRUCT_KEY = re.compile(r'["\\\x00-\x1f]')
_NUL = b"\\u0000"
_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder().decode
_decode_raws = msgspec.json.Decoder(list[Raw]).decode
_decode_object = msgspec.json.Decoder(dict[str, Any] | None).decode
_decode_raw_members = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_cell = msgspec.json.Decoder(Cell | None).decode
_decode_change = msgspec.json.Decoder(RecordChange).decode
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def decode_insert(body: bytes, slots: Slots, *, limit: int) -> list[StoredRow]:
    """The rows of an insert's body: a JSON array of ``{fieldKey: Cell}``.

    A record may also come whole, ``{"values": {…}, "metadata"?, "config"?}``, when no field is called
    ``values``. ``limit`` is the most records of one call (TooLarge). Raises Invalid keyed
    ``records[2].email``.
    """
    raws = _split(body, limit)
    may_hold_nul = _NUL in body
    blank: list[Value] = [None] * width_of(slots)
    decode, order = _record_decoder(tuple(slots)), tuple(slots.values())
    rows = []
    for index, raw in enumerate(raws):
        if decode is None:
            rows.append(_row_any_form(raw, index, slots))
            continue
        notes: dict[int, list[Message]] | None = None
        values = blank.copy()
        try:
            for slot, cell in zip(order, astuple(decode(raw)), strict=True):
                if cell is not None:
                    values[slot] = cell.value
                    if cell.messages:
                        notes = notes or {}
                        notes[slot] = cell.messages
        except _BROKEN:
            rows.append(_row_any_form(raw, index, slots))
            continue
        if may_hold_nul:
            _refuse_nul(raw, f"records[{index}]")
        plain = notes is None
        rows.append(StoredRow(_encode(values).decode(), None, True) if plain else packed(values, notes or {}, Ext()))
    return rows


def decode_update(body: bytes, slots: Slots, *, limit: int) -> list[RecordChange]:
    """The changes of an update's body: a JSON array of records with ids. Raises Invalid, TooLarge."""
    may_hold_nul = _NUL in body
    changes = []
    for index, raw in enumerate(_split(body, limit)):
        at = f"records[{index}]"
        try:
            change = _decode_change(raw)
        except _BROKEN as fault:
            _refuse_change(raw, at, fault)
        for key in change.values:
            if key not in slots:
                _refuse_field(key, json_path(at, "values"), slots)
        if may_hold_nul:
            _refuse_nul(raw, at)
        _check_extras(change.metadata, change.config, at)
        changes.append(change)
    return changes


class _WholeRecord(msgspec.Struct):
    """A record as it is rendered; what follows from its messages is not looked at."""

    id: str
    values: dict[str, Cell]
    metadata: dict[str, Any] = {}
    config: dict[str, Any] = {}


_decode_whole = msgspec.json.Decoder(_WholeRecord).decode


def decode_rendered(raw: bytes, slots: Slots, at: str) -> tuple[str, StoredRow]:
    """(id, row) of a record as ``render_rows`` writes it. Raises Invalid keyed by the path below ``at``."""
    try:
        record = _decode_whole(raw)
    except _BROKEN as fault:
        raise Invalid(f"{at}: {_reason(fault)}.", at) from None
    if _NUL in raw:
        _refuse_nul(Raw(raw), at)
    _check_extras(record.metadata, record.config, at)
    values: list[Value] = [None] * width_of(slots)
    notes: dict[int, list[Message]] = {}
    for key, cell in record.values.items():
        slot = slots.get(key)
        if slot is None:
            _refuse_field(key, json_path(at, "values"), slots)
        values[slot] = cell.value
        if cell.messages:
            notes[slot] = cell.messages
    ext = Ext()
    set_extras(ext, record.metadata, record.config)
    return record.id, packed(values, notes, ext)


@lru_cache(maxsize=256)
def _record_decoder(keys: tuple[str, ...]) -> Callable[[Raw], msgspec.Struct] | None:
    """Decodes one record into a struct of the cells of ``keys``, in this order, None where it has none.

    A struct made for the sheet decodes a third faster than a dict, and refuses unknown keys on the way. None
    for a sheet with a key that no struct can have.
    """
    if any(_NO_STRUCT_KEY.search(key) for key in keys):
        return None
    members = [(f"f{number}", Cell | None, None) for number in range(len(keys))]
    names = {f"f{number}": key for number, key in enumerate(keys)}
    struct = msgspec.defstruct("Record", members, rename=names, forbid_unknown_fields=True, gc=False)
    return msgspec.json.Decoder(struct).decode


def _split(body: bytes, limit: int) -> list[Raw]:
    try:
        raws = _decode_raws(body)
    except msgspec.ValidationError:
        raise Invalid("Send a JSON array of records.", "records") from None
    except _BROKEN as fault:
        raise Invalid(f"The body is not JSON: {_reason(fault)}.", "records") from None
    if len(raws) > limit:
        raise TooLarge(f"Send at most {limit} records a call, not {len(raws)}.", "records")
    return raws


def _row_any_form(raw: Raw, index: int, slots: Slots) -> StoredRow:
    """The row of a record that the sheet's struct does not fit: a whole one, odd field keys, or a fault."""
    at = path = f"records[{index}]"
    members = _parts(raw, at)
    ext = Ext()
    if "values" in members and "values" not in slots and members.keys() <= _WHOLE_RECORD:
        metadata = _object(members.get("metadata"), json_path(at, "metadata"))
        config = _object(members.get("config"), json_path(at, "config"))
        _check_extras(metadata, config, at)
        set_extras(ext, metadata, config)
        path = json_path(at, "values")
        members = _parts(members["values"], path)
    cells = _cells(members, path, slots)
    _refuse_nul(raw, at)
    values: list[Value] = [None] * width_of(slots)
    notes: dict[int, list[Message]] = {}
    for key, cell in cells.items():
        if cell is not None:
            values[slots[key]] = cell.value
            if cell.messages:
                notes[slots[key]] = cell.messages
    return packed(values, notes, ext)


def _object(raw: Raw | None, at: str) -> dict[str, Any] | None:
    try:
        return None if raw is None else _decode_object(raw)
    except _BROKEN as fault:
        raise Invalid(f"{at}: {_reason(fault)}.", at) from None


def _refuse_nul(raw: Raw, at: str) -> None:
    try:
        refuse_unstorable(_decode_any(raw), at)
    except _BROKEN as fault:
        raise Invalid(f"{at}: {_reason(fault)}.", at) from None


def _parts(raw: Raw, at: str) -> dict[str, Raw]:
    try:
        return _decode_raw_members(raw)
    except _BROKEN as fault:
        raise Invalid(
            f'{at}: expected an object such as {{"field": {{"value": "x"}}}} ({_reason(fault)}).', at
        ) from None


def _cells(members: dict[str, Raw], at: str, slots: Slots) -> dict[str, Cell | None]:
    """The cells of a record. Raises Invalid keyed by the first at fault."""
    cells = {}
    for key, raw in members.items():
        if key not in slots:
            _refuse_field(key, at, slots)
        try:
            cells[key] = _decode_cell(raw)
        except _BROKEN as fault:
            path = json_path(at, key)
            raise Invalid(f'{path}: expected a cell such as {{"value": "x"}}: {_reason(fault)}.', path) from None
    return cells


def _refuse_change(raw: Raw, at: str, fault: Exception) -> NoReturn:
    members = _parts(raw, at)
    if "values" in members:
        inner = json_path(at, "values")
        cells = _parts(members["values"], inner)
        _cells(cells, inner, dict.fromkeys(cells, 0))
    raise Invalid(f"{at}: {_reason(fault)}.", at) from None


def _refuse_field(key: str, at: str, slots: Slots) -> NoReturn:
    near = {known: None for known in slots if known.casefold() == key.casefold()}
    near |= dict.fromkeys(difflib.get_close_matches(key, list(slots), n=3))
    if near:
        advice = f"did you mean {' or '.join(map(repr, near))}?"
    else:
        advice = f"its fields are {', '.join(list(slots)[:20]) or 'none yet'}{', …' if len(slots) > 20 else ''}."
    path = json_path(at, key)
    raise Invalid(f"{path}: the sheet has no field {key!r}; {advice}", path)


def _check_extras(metadata: Any, config: Any, at: str) -> None:
    if metadata:
        refuse_unstorable(metadata, json_path(at, "metadata"))
    if config:
        path = json_path(at, "config")
        refuse_unstorable(config, path)
        try:
            msgspec.convert(config, RecordConfig)
        except msgspec.ValidationError as fault:
            raise Invalid(f"{path}: {_reason(fault)}.", path) from None


def _reason(fault: Exception) -> str:
    if isinstance(fault, RecursionError):
        return "nested too deeply"
    return str(fault)
