"""A sheet, and the slots in which its records keep their values."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sheetport.features.places.model import Place
from sheetport.kernel.errors import Invalid
from sheetport.kernel.storable import json_path


@dataclass(frozen=True, slots=True)
class Sheet:
    """``config`` is the wire object as clients sent it.

    ``slots`` maps a field key to its place in a record's array of values. A slot is never given twice:
    the slot of a removed field stays empty, and a field that comes back under its old key begins anew.
    ``next_seq`` is the number of the next record: records from there on are not published yet.
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
    next_seq: int = 1

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


def with_slugs(sheets: list[dict[str, Any]], at: str = "sheets", taken: Iterable[str] = ()) -> list[dict[str, Any]]:
    """``sheets`` each with a slug: its own, else one made of its name.

    ``taken`` are slugs of the workbook's other sheets. Raises Invalid keyed ``sheets[1].slug`` when a slug is
    given twice.
    """
    used = set(taken)
    for index, sheet in enumerate(sheets):
        slug = sheet.get("slug")
        if slug is not None and slug in used:
            key = json_path(json_path(at, index), "slug")
            raise Invalid(f"{key}: the workbook already has a sheet {slug!r}; give each sheet its own slug.", key)
        if slug is not None:
            used.add(slug)
    made = []
    for sheet in sheets:
        slug = sheet["slug"] if "slug" in sheet else slug_of(sheet["name"], used)
        used.add(slug)
        made.append({**sheet, "slug": slug})
    return made


def slug_of(name: str, taken: Iterable[str] = ()) -> str:
    """``First Aid (2024)`` → ``first-aid-2024``, with ``-2``, ``-3`` … when that is taken."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or "sheet"
    used = set(taken)
    slug, number = base, 1
    while slug in used:
        number += 1
        slug = f"{base}-{number}"
    return slug
