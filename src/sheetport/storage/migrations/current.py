"""Whether the schema that a running server finds is one it can go on with."""

from __future__ import annotations

from sqlalchemy import column, select, table

from sheetport.storage.migrations.version import Schema, SchemaError
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import schema_info
from sheetport.storage.unit_of_work import UnitOfWork

_REVISION = statement(select(column("version_num")).select_from(table("alembic_version")))
_READABLE_FROM = statement(select(schema_info.c.readable_from))


async def is_current(uow: UnitOfWork) -> bool:
    """Whether the schema is this version's, or newer and still good for it."""
    revision, readable = await uow.fetch_one(_REVISION), await uow.fetch_one(_READABLE_FROM)
    if revision is None:
        return False
    found = Schema(revision["version_num"], readable["readable_from"] if readable else None)
    try:
        found.require_usable()
    except SchemaError:
        return False
    return not found.is_behind
