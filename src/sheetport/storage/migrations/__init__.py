"""The schema's history: one for both databases, applied by Alembic.

Alembic and what it needs are loaded only when a schema must change, in a process of their own, so that a
server starts quickly and stays small.
"""

from sheetport.storage.migrations.version import (
    HEAD,
    Schema,
    SchemaError,
    migrate,
    read_schema,
    schema_version,
    upgrade_lock,
)

__all__ = ["HEAD", "Schema", "SchemaError", "migrate", "read_schema", "schema_version", "upgrade_lock"]
