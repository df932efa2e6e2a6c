"""The schema's history: one for both databases, applied by Alembic."""

from sheetport.storage.migrations.runner import HEAD, SchemaError, migrate, schema_version

__all__ = ["HEAD", "SchemaError", "migrate", "schema_version"]
