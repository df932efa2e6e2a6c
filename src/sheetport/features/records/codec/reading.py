"""Records from request bodies."""

from __future__ import annotations

import difflib
from typing import Any, NoReturn

import msgspec
from msgspec import Raw

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


class _WholeRecord(msgspec.Struct):
    values: dict[str, Cell | None]
    metadata: dict[str, Any] | None = None
    config: dict[str, Any] | None = None


_WHOLE_RECORD = {"id", "values", "valid", "messages", "metadata", "config", "versionId", "commitId"}
_NUL = b"\\u0000"
_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder().decode
_decode_raws = msgspec.json.Decoder(list[Raw]).decode
_decode_raw_members = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_cell = msgspec.json.Decoder(Cell | None).decode
_decode_cells = msgspec.json.Decoder(dict[str, Cell | None]).decode
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
    rows = []
    for index, raw in enumerate(raws):
        notes: dict[int, list[Message]] | None = None
        try:
            values = blank.copy()
            for key, cell in _decode_cells(raw).items():
                slot = slots[key]
                if cell is None:
                    continue
                values[slot] = cell.value
                if cell.messages:
                    notes = notes or {}
                    notes[slot] = cell.messages
        except (KeyError, *_BROKEN):
            rows.append(_insert_whole(raw, index, slots))
            continue
        if may_hold_nul:
            refuse_unstorable(_decode_any(raw), f"records[{index}]")
        rows.append(StoredRow(_encode(values).decode(), None, True) if notes is None else packed(values, notes, Ext()))
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
            refuse_unstorable(_decode_any(raw), at)
        _check_extras(change.metadata, change.config, at)
        changes.append(change)
    return changes


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


def _insert_whole(raw: Raw, index: int, slots: Slots) -> StoredRow:
    """The row of a whole record; refuses what :func:`decode_insert` could not read as cells."""
    at = f"records[{index}]"
    members = _parts(raw, at)
    if "values" not in members or "values" in slots or not members.keys() <= _WHOLE_RECORD:
        _cells(members, at, slots)
        raise Invalid(f"{at}: the record cannot be read: does it name a field twice?", at)
    try:
        record = msgspec.json.decode(raw, type=_WholeRecord)
    except _BROKEN as fault:
        _cells(_parts(members["values"], json_path(at, "values")), json_path(at, "values"), slots)
        raise Invalid(f"{at}: {_reason(fault)}.", at) from None
    refuse_unstorable(_decode_any(raw), at)
    _check_extras(record.metadata, record.config, at)
    values: list[Value] = [None] * width_of(slots)
    notes = {}
    for key, cell in record.values.items():
        if key not in slots:
            _refuse_field(key, json_path(at, "values"), slots)
        if cell is None:
            continue
        values[slots[key]] = cell.value
        if cell.messages:
            notes[slots[key]] = cell.messages
    ext = Ext()
    set_extras(ext, record.metadata, record.config)
    return packed(values, notes, ext)


def _parts(raw: Raw, at: str) -> dict[str, Raw]:
    try:
        return _decode_raw_members(raw)
    except _BROKEN as fault:
        raise Invalid(
            f'{at}: expected an object such as {{"field": {{"value": "x"}}}} ({_reason(fault)}).', at
        ) from None


def _cells(members: dict[str, Raw], at: str, slots: Slots) -> None:
    """Refuse the first cell at fault. Raises Invalid; returns when there is none."""
    for key, raw in members.items():
        if key not in slots:
            _refuse_field(key, at, slots)
        try:
            _decode_cell(raw)
        except _BROKEN as fault:
            path = json_path(at, key)
            raise Invalid(f'{path}: expected a cell such as {{"value": "x"}}: {_reason(fault)}.', path) from None


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
