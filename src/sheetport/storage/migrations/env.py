"""Alembic's entry point: runs the scripts on the connection that ``runner`` opened."""

from alembic import context

from sheetport.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
