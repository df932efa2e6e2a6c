"""A place: one id of an environment and what it lies in."""

from __future__ import annotations

from dataclasses import dataclass

from sheetport.kernel.actor import Path


@dataclass(frozen=True, slots=True)
class Place:
    """``kind`` is the id's type word: env, sp, wb, sh, jb, fl, dc, …"""

    environment_id: str
    id: str
    kind: str
    account_id: str
    space_id: str | None = None
    workbook_id: str | None = None
    sheet_id: str | None = None
    slug: str | None = None
    namespace: str | None = None

    @property
    def path(self) -> Path:
        """Its environment, space, workbook and sheet, as a caller's grants name them."""
        return self.environment_id, self.space_id, self.workbook_id, self.sheet_id
