"""SQL of documents."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, insert, select, update

from sheetport.features.documents.model import Document
from sheetport.features.places.model import Place
from sheetport.kernel.json import dumps, loads
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import places
from sheetport.storage.tables.documents import documents
from sheetport.storage.unit_of_work import Row, UnitOfWork

_COLUMNS = tuple(column.name for column in documents.columns if column.name != "deleted_at")
_JSON = ("treatments", "actions")
_THIS = (documents.c.environment_id == bindparam("environment"), documents.c.id == bindparam("document"))
_INSERT = statement(insert(documents).values({name: bindparam(name) for name in _COLUMNS}))
_UPDATE = statement(
    update(documents)
    .where(*_THIS)
    .values(title=bindparam("new_title"), body=bindparam("new_body"), updated_at=bindparam("at"))
)
_DELETE = statement(update(documents).where(*_THIS).values(deleted_at=bindparam("at")))
#: What lies in something deleted has a deleted place.
_LIVE = (
    select(*(documents.c[name] for name in _COLUMNS))
    .join(places, and_(places.c.environment_id == documents.c.environment_id, places.c.id == documents.c.id))
    .where(places.c.deleted_at.is_(None), documents.c.environment_id == bindparam("environment"))
)
_BY_ID = statement(_LIVE.where(documents.c.id == bindparam("document")))
_OF_SPACE = statement(
    _LIVE.where(documents.c.space_id == bindparam("space")).order_by(documents.c.created_at, documents.c.id)
)


def _document(row: Row) -> Document:
    values = {name: row[name] for name in _COLUMNS}
    for name in _JSON:
        values[name] = loads(row[name] or "null")
    return Document(**values)


def _row(document: Document) -> dict[str, Any]:
    values: dict[str, Any] = {name: getattr(document, name) for name in _COLUMNS}
    for name in _JSON:
        values[name] = None if values[name] is None else dumps(values[name])
    return values


async def insert_document(uow: UnitOfWork, document: Document) -> None:
    await uow.execute(_INSERT, _row(document))


async def insert_documents(uow: UnitOfWork, made: list[Document]) -> None:
    await uow.execute_many(_INSERT, [_row(document) for document in made])


async def update_document(uow: UnitOfWork, document: Document) -> None:
    """Write title and body."""
    where = {"environment": document.environment_id, "document": document.id, "at": document.updated_at}
    await uow.execute(_UPDATE, {**where, "new_title": document.title, "new_body": document.body})


async def delete_document(uow: UnitOfWork, document: Document) -> None:
    await uow.execute(_DELETE, {"environment": document.environment_id, "document": document.id, "at": uow.now})


async def find_document(uow: UnitOfWork, environment_id: str, document_id: str) -> Document | None:
    row = await uow.fetch_one(_BY_ID, {"environment": environment_id, "document": document_id})
    return None if row is None else _document(row)


async def list_of_space(uow: UnitOfWork, space: Place) -> list[Document]:
    """The documents of a space, oldest first."""
    rows = await uow.fetch_all(_OF_SPACE, {"environment": space.environment_id, "space": space.id})
    return [_document(row) for row in rows]
