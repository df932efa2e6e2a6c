"""Documents of a space."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.actions import service as actions
from sheetport.features.audit import service as audit
from sheetport.features.documents import store
from sheetport.features.documents.model import Document, DocumentChange
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def create_document(uow: UnitOfWork, actor: Actor, space_id: str, change: DocumentChange) -> Document:
    """A new document, last in its space."""
    actor = require(actor, Permission.DOCUMENT_WRITE)
    return await add_document(uow, actor, await places.get_place(uow, actor, space_id, "sp"), change)


async def add_document(uow: UnitOfWork, actor: Actor, space: Place, change: DocumentChange) -> Document:
    """:func:`create_document` in a space that the caller has been found to reach."""
    document = Document(
        environment_id=space.environment_id,
        id=new_id("dc", space.environment_id),
        account_id=space.account_id,
        space_id=space.id,
        title=_title(change.title or ""),
        body=change.body or "",
        created_at=uow.now,
        updated_at=uow.now,
        treatments=change.treatments,
        actions=change.actions,
    )
    await store.insert_document(uow, document)
    await places.add_place(uow, document.place)
    await _tell(uow, actor, document, "create")
    await actions.add_actions(uow, actor, document.place, document.actions)
    return document


async def place_documents(uow: UnitOfWork, actor: Actor, made: list[Document]) -> None:
    """Put whole documents into an environment that is being made, telling nobody."""
    actor = require(actor, Permission.ENVIRONMENT_CREATE)
    await store.insert_documents(uow, made)
    await places.add_places(uow, [document.place for document in made])


async def get_document(uow: UnitOfWork, actor: Actor, space_id: str, document_id: str) -> Document:
    """One document of a space. Raises NotFound."""
    actor = require(actor, Permission.DOCUMENT_READ)
    return await _find(uow, actor, space_id, document_id)


async def list_documents(uow: UnitOfWork, actor: Actor, space_id: str) -> list[Document]:
    """The documents of a space, oldest first. Raises NotFound."""
    actor = require(actor, Permission.DOCUMENT_READ)
    return await store.list_of_space(uow, await places.get_place(uow, actor, space_id, "sp"))


async def update_document(
    uow: UnitOfWork, actor: Actor, space_id: str, document_id: str, change: DocumentChange
) -> Document:
    """Change title and body; treatments stay as they were made, and actions change by themselves."""
    actor = require(actor, Permission.DOCUMENT_WRITE)
    before = await _find(uow, actor, space_id, document_id)
    after = replace(
        before,
        title=before.title if change.title is None else _title(change.title),
        body=before.body if change.body is None else change.body,
        updated_at=uow.now,
    )
    await store.update_document(uow, after)
    await _tell(uow, actor, after, "update")
    return after


async def delete_document(uow: UnitOfWork, actor: Actor, space_id: str, document_id: str) -> None:
    """Delete a document with its actions."""
    actor = require(actor, Permission.DOCUMENT_WRITE)
    document = await _find(uow, actor, space_id, document_id)
    await _tell(uow, actor, document, "delete")
    await actions.delete_actions_of(uow, document.place)
    await store.delete_document(uow, document)
    await places.delete_place(uow, document.place)


async def _find(uow: UnitOfWork, actor: Actor, space_id: str, document_id: str) -> Document:
    space = await places.get_place(uow, actor, space_id, "sp")
    document = await store.find_document(uow, space.environment_id, document_id)
    if document is None or document.space_id != space.id:
        raise places.not_found(document_id, "dc")
    return document


def _title(title: str) -> str:
    if not 1 <= len(title.strip()) <= 255:
        raise Invalid("title must have 1 to 255 characters.", "title")
    return title


async def _tell(uow: UnitOfWork, actor: Actor, document: Document, verb: str) -> None:
    await events.emit(uow, actor, f"document:{verb}d", document.place)
    await audit.record(uow, actor, f"document:{verb}", document.id, environment_id=document.environment_id)
