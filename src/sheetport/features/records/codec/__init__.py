"""The compact layout of stored records, and its way from and to the wire.

A stored row is three columns:

``vals``
    JSON array text of the cell values by *slot*. Slots are numbered per sheet and never reused: a field
    added later lies beyond the end of older arrays and reads as null, the slot of a removed field is not
    rendered.
``ext``
    JSON object text, or None for the plain record. ``m``: slot → messages of that cell; ``e``: the slots
    that hold a message of type error; ``md``: the record's metadata; ``c``: its config. Each only when not
    empty.
``valid``
    False iff ``e`` is not empty.

On the wire a record has exactly id, values, valid, metadata and config and a cell exactly value, messages
and valid: record hooks compare key sets, so one more or one less makes every record look changed. A cell's
``metadata``, ``layer``, ``updatedAt`` and ``valid`` are accepted and not kept, nor are record ``messages``.
"""

from sheetport.features.records.codec.ids import RecordIds, parse_record_id, record_id
from sheetport.features.records.codec.layout import (
    Cell,
    ChangedCell,
    Message,
    RecordChange,
    Slots,
    StoredRow,
    Value,
    error_slots,
    merge_update,
    size_of,
)
from sheetport.features.records.codec.reading import decode_insert, decode_rendered, decode_update
from sheetport.features.records.codec.rendering import RowTemplate, render_each, render_rows

__all__ = [
    "Cell",
    "ChangedCell",
    "Message",
    "RecordChange",
    "RecordIds",
    "RowTemplate",
    "Slots",
    "StoredRow",
    "Value",
    "decode_insert",
    "decode_rendered",
    "decode_update",
    "error_slots",
    "merge_update",
    "parse_record_id",
    "record_id",
    "render_each",
    "render_rows",
    "size_of",
]
