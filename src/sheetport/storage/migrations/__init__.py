"""The schema's history: one for both databases, applied by Alembic.

Alembic and what it needs are loaded only when a schema must change, in a process of their own, so that a
server starts quickly and stays small.
"""

from sheetport.storage.migrations.version import HEAD, SchemaError, migrate, schema_version

__all__ = ["HEAD", "SchemaError", "migrate", "schema_version"]
