"""A version: an id that a client takes before it writes to a sheet."""

from __future__ import annotations

from dataclasses import dataclass

from sheetport.features.places.model import Place


@dataclass(frozen=True, slots=True)
class Version:
    """``parent_version_id`` is an earlier version or a commit of the same sheet."""

    id: str
    sheet: Place
    parent_version_id: str | None
    created_by: str
    created_at: int

    @property
    def place(self) -> Place:
        """Where the version lies: inside its sheet."""
        sheet = self.sheet
        return Place(sheet.environment_id, self.id, "vr", sheet.account_id, sheet.space_id, sheet.workbook_id, sheet.id)
