"""Stored records as wire JSON."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw

from sheetport.features.records.codec.layout import Ext, decode_ext

_NULL = Raw(b"null")
_NO_MESSAGES = Raw(b"[]")
_encode = msgspec.json.Encoder().encode
_decode_raws = msgspec.json.Decoder(list[Raw]).decode


class RowTemplate:
    """How the records of one sheet read on the wire: ``fields`` as (key, slot), in their order.

    Build it once for a sheet's configuration; give only some fields to render only these.
    """

    def __init__(self, fields: Sequence[tuple[str, int]]) -> None:
        self.slots = [slot for _, slot in fields]
        self.width = max(self.slots, default=-1) + 1
        self.heads = [_encode(key) + b':{"value":' for key, _ in fields]
        cells = b",".join(head.replace(b"%", b"%%") + b'%b,"messages":[],"valid":true}' for head in self.heads)
        self.plain = b'{"id":"%b","values":{' + cells + b'},"valid":true,"metadata":{},"config":{}}'
        self.in_order = self.slots == list(range(self.width))


def render_rows(
    rows: Iterable[tuple[str, str, str | None, bool]], template: RowTemplate, *, include_messages: bool = True
) -> bytes:
    """The JSON array of records for ``rows`` of (id, vals, ext, valid); values are copied, not decoded.

    Without ``include_messages`` every cell's messages are [], its ``valid`` is still told.
    """
    return b"[" + b",".join(render_each(rows, template, include_messages=include_messages)) + b"]"


def render_each(
    rows: Iterable[tuple[str, str, str | None, bool]], template: RowTemplate, *, include_messages: bool = True
) -> list[bytes]:
    """The JSON of each record, as :func:`render_rows` joins it; none holds a line break."""
    width, slots, plain, in_order = template.width, template.slots, template.plain, template.in_order
    made = []
    for record_id, vals, ext, valid in rows:
        raws = _decode_raws(vals)
        if len(raws) < width:
            raws.extend([_NULL] * (width - len(raws)))
        if ext is not None or not valid:
            made.append(_rendered(record_id, raws, ext, valid, template, include_messages))
        elif in_order and len(raws) == width:
            made.append(plain % (record_id.encode(), *raws))
        else:
            made.append(plain % (record_id.encode(), *[raws[slot] for slot in slots]))
    return made


def _rendered(
    record_id: str, raws: list[Raw], ext: str | None, valid: bool, template: RowTemplate, include_messages: bool
) -> bytes:
    notes = decode_ext(ext) if ext is not None else Ext()
    cells = []
    for head, slot in zip(template.heads, template.slots, strict=True):
        messages = notes.m.get(slot, _NO_MESSAGES) if include_messages else _NO_MESSAGES
        end = b',"valid":false}' if slot in notes.e else b',"valid":true}'
        cells.append(b"".join((head, raws[slot], b',"messages":', messages, end)))
    parts = (
        b'{"id":"' + record_id.encode() + b'","values":{' + b",".join(cells),
        b'},"valid":true,"metadata":' if valid else b'},"valid":false,"metadata":',
        notes.md,
        b',"config":',
        notes.c,
        b"}",
    )
    return b"".join(parts)
