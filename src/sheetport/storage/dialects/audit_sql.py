"""How audit records are written, and how the file is made that their chains lie in on SQLite."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.dialects.sqlite import dialect as SqliteDialect  # noqa: N812
from sqlalchemy.schema import CreateIndex, CreateTable

from sheetport.storage.statements import statement
from sheetport.storage.tables.audit import LOG_TABLES, audit_records, names

#: What the chain gives a record, and its order of commit where one writer gives that.
_GIVEN = frozenset({"chain_position", "chain_hash", "sealed_at", "seq"})
_VALUES: dict[str, Any] = {name: bindparam(name) for name in names(audit_records) if name not in _GIVEN}
_other = audit_records.alias("other")
_newest = select(func.coalesce(func.max(_other.c.seq), 0)).where(_other.c.chain_position.is_(None)).scalar_subquery()
#: Of two arguments SQLite's max is the greater one. ``floor`` is the newest number that the log has sealed: a database
#: that was set back must not give numbers anew.
_NEXT = func.max(_newest, bindparam("floor")) + 1

INSERT = statement(insert(audit_records).values(_VALUES))
#: With the next number in the order of commit: for the one writer.
INSERT_ORDERED = statement(insert(audit_records).values({**_VALUES, "seq": _NEXT}))

_dialect = SqliteDialect()
#: Makes the log's own file on SQLite; running it again changes nothing.
LOG_SCHEMA = tuple(
    sql
    for table in LOG_TABLES
    for sql in (
        str(CreateTable(table, if_not_exists=True).compile(dialect=_dialect)),
        *(str(CreateIndex(each, if_not_exists=True).compile(dialect=_dialect)) for each in table.indexes),
    )
)
