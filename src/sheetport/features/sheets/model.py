"""A sheet, and the slots in which its records keep their values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sheetport.features.places.model import Place


@dataclass(frozen=True, slots=True)
class Sheet:
    """``config`` is the wire object as clients sent it.

    ``slots`` maps a field key to its place in a record's array of values. A slot is never given twice:
    the slot of a removed field stays empty, and a field that comes back under its old key begins anew.
    """

    environment_id: str
    id: str
    account_id: str
    space_id: str
    workbook_id: str
    sheet_no: int
    ordinal: int
    name: str
    slug: str
    config: dict[str, Any]
    created_at: int
    updated_at: int
    slots: dict[str, int] = field(default_factory=dict)
    next_slot: int = 0
    namespace: str | None = None
    metadata: Any = None
    locked_by: str | None = None
    locked_at: int | None = None
    total: int = 0
    invalid: int = 0

    @property
    def place(self) -> Place:
        """Where the sheet lies."""
        return Place(
            self.environment_id,
            self.id,
            "sh",
            self.account_id,
            self.space_id,
            self.workbook_id,
            self.id,
            self.slug,
            self.namespace,
        )


def with_slots(slots: dict[str, int], next_slot: int, fields: list[dict[str, Any]]) -> tuple[dict[str, int], int]:
    """The slots of ``fields``: known keys keep theirs, new keys get the next ones. Returns (slots, next slot)."""
    made = {}
    for item in fields:
        key = item["key"]
        if key in slots:
            made[key] = slots[key]
        else:
            made[key], next_slot = next_slot, next_slot + 1
    return made, next_slot
