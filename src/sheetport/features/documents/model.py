"""A document: a page of Markdown in a space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sheetport.features.places.model import Place


@dataclass(frozen=True, slots=True)
class Document:
    environment_id: str
    id: str
    account_id: str
    space_id: str
    title: str
    body: str
    created_at: int
    updated_at: int
    treatments: list[str] | None = None
    actions: list[dict[str, Any]] | None = None

    @property
    def place(self) -> Place:
        """Where the document lies."""
        return Place(self.environment_id, self.id, "dc", self.account_id, self.space_id)


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """What a request names; None stays as it is."""

    title: str | None = None
    body: str | None = None
    treatments: list[str] | None = None
    actions: list[dict[str, Any]] | None = None
