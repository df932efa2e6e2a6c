"""SQL of versions."""

from __future__ import annotations

from sqlalchemy import bindparam, insert

from sheetport.features.versions.model import Version
from sheetport.storage.statements import statement
from sheetport.storage.tables.versions import versions
from sheetport.storage.unit_of_work import UnitOfWork

_INSERT = statement(insert(versions).values({column.name: bindparam(column.name) for column in versions.columns}))


async def insert_version(uow: UnitOfWork, version: Version) -> None:
    values = {
        "environment_id": version.sheet.environment_id,
        "id": version.id,
        "sheet_id": version.sheet.id,
        "parent_version_id": version.parent_version_id,
        "created_by": version.created_by,
        "created_at": version.created_at,
    }
    await uow.execute(_INSERT, values)
