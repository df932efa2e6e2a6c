"""Reads the body of a large insert in a process of its own, and gives rows and their echo piece by piece.

Standard input: one line of JSON, an :class:`Order`, and the body. Standard output: frames of MessagePack, each a
:class:`Piece`, or one :class:`Fault` when the body is refused.
"""

from __future__ import annotations

import os
import sys

import msgspec

from sheetport.features.records.codec.ids import RecordIds
from sheetport.features.records.codec.layout import StoredRow
from sheetport.features.records.codec.reading import decode_insert
from sheetport.features.records.codec.rendering import RowTemplate, render_each
from sheetport.kernel.errors import SheetportError
from sheetport.kernel.memory import forbid_dumps

_LENGTH = 4


class Order(msgspec.Struct):
    """What to do with a body: its sheet's slots and fields to render, and the number of its first record."""

    slots: dict[str, int]
    fields: list[tuple[str, int]]
    tag: str
    sheet_no: int
    first: int
    limit: int
    piece: int


class Piece(msgspec.Struct, tag=True):
    """Some rows in order, and their wire JSON without the brackets of the array."""

    rows: list[StoredRow]
    rendered: bytes


class Fault(msgspec.Struct, tag=True):
    """Why the body is refused: the kernel error's class, key, message and further pairs."""

    kind: str
    key: str
    message: str
    more: list[tuple[str, str]]


_decoder: msgspec.msgpack.Decoder[Piece | Fault] = msgspec.msgpack.Decoder(Piece | Fault)
_encode = msgspec.msgpack.Encoder().encode


def frames(order: Order, body: bytes) -> list[bytes]:
    """The frames of a body."""
    try:
        rows = decode_insert(body, order.slots, limit=order.limit)
    except SheetportError as error:
        return [_encode(Fault(type(error).__name__, error.key, error.message, list(error.more)))]
    ids, template = RecordIds(order.tag, order.sheet_no), RowTemplate(order.fields)
    made = []
    for start in range(0, len(rows), order.piece):
        chunk = rows[start : start + order.piece]
        named = [(ids.of(seq), *row) for seq, row in enumerate(chunk, order.first + start)]
        made.append(_encode(Piece(chunk, b",".join(render_each(named, template)))))
    return made


def decode_frame(frame: bytes) -> Piece | Fault:
    """What :func:`frames` made."""
    return _decoder.decode(frame)


def main() -> None:
    forbid_dumps()
    os.nice(5)  # whoever waits for a small answer comes first
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    for frame in frames(order, sys.stdin.buffer.read()):
        sys.stdout.buffer.write(len(frame).to_bytes(_LENGTH, "big") + frame)


if __name__ == "__main__":
    main()
