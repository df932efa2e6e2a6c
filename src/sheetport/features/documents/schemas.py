"""Wire shapes of documents."""

from __future__ import annotations

from typing import Any

from sheetport.features.actions.schemas import Action, check_placement
from sheetport.features.documents.model import Document, DocumentChange
from sheetport.http.checking import members
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso
from sheetport.kernel.storable import json_path


class DocumentConfig(Wire):
    """A new document. ``body`` is Markdown."""

    title: str
    body: str
    treatments: list[str] | None = None
    actions: list[Action] | None = None


class DocumentUpdate(Wire):
    """What an update changes; the rest of a document sent back whole is passed over."""

    title: str | None = None
    body: str | None = None


class DocumentShape(Wire):
    """A document as it is returned; ``actions`` are as sent."""

    id: str
    space_id: str
    environment_id: str
    title: str
    body: str
    created_at: str
    updated_at: str
    treatments: list[str] | None = None
    actions: list[dict[str, Any]] | None = None


def parse_document(body: Any, at: str = "") -> DocumentChange:
    """The body of a create; ``at`` is its path in the request. Raises Invalid."""
    named = members(DocumentConfig, body, at)
    check_placement(named.get("actions", []), "document", json_path(at, "actions"))
    return DocumentChange(**named)


def parse_document_update(body: Any) -> DocumentChange:
    """The body of an update. Raises Invalid."""
    return DocumentChange(**members(DocumentUpdate, body))


def to_shape(document: Document) -> DocumentShape:
    return DocumentShape(
        id=document.id,
        space_id=document.space_id,
        environment_id=document.environment_id,
        title=document.title,
        body=document.body,
        created_at=iso(document.created_at),
        updated_at=iso(document.updated_at),
        treatments=document.treatments or [],
        actions=document.actions or [],
    )
