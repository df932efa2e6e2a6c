"""SQL of audit records."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, insert

from sheetport.storage.statements import statement
from sheetport.storage.tables.audit import audit_records
from sheetport.storage.unit_of_work import UnitOfWork

_COLUMNS = tuple(
    column.name for column in audit_records.columns if column.name not in {"chain_position", "chain_hash", "sealed_at"}
)
_INSERT = statement(insert(audit_records).values({name: bindparam(name) for name in _COLUMNS}))


async def insert_record(uow: UnitOfWork, row: dict[str, Any]) -> None:
    await uow.execute(_INSERT, row)
