"""Actions of spaces, workbooks, sheets and documents."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import json, key, metadata, moment, number, text

#: What the ``actions`` of their targets are made of: each target keeps, beside itself, what these rows say.
actions = Table(
    "actions",
    metadata,
    key("environment_id"),
    key("id"),
    text("account_id"),
    text("space_id"),
    text("workbook_id", optional=True),
    text("sheet_id", optional=True),
    text("target_id"),
    number("ordinal"),
    json("config", optional=False),
    moment("created_at"),
    moment("updated_at"),
    text("schedule", optional=True),  # as the configuration says: what the clock looks for
    Index("ix_actions_space_id", "environment_id", "space_id"),
    Index("ix_actions_target_id", "environment_id", "target_id", "ordinal"),
)
Index(
    "ix_actions_schedule",
    actions.c.schedule,
    actions.c.environment_id,
    actions.c.id,
    sqlite_where=actions.c.schedule.is_not(None),
    postgresql_where=actions.c.schedule.is_not(None),
)
