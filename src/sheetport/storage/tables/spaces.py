"""Spaces."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import flag, json, key, metadata, moment, number, text

spaces = Table(
    "spaces",
    metadata,
    key("environment_id"),
    key("id"),
    text("account_id"),
    text("name"),
    number("display_order", optional=True),
    text("space_config_id", optional=True),
    text("primary_workbook_id", optional=True),
    json("metadata"),
    json("settings"),
    json("actions"),
    json("access"),
    json("labels"),
    json("guest_authentication"),
    flag("auto_configure"),
    text("namespace", optional=True),
    text("translations_path", optional=True),
    text("language_override", optional=True),
    text("app_id", optional=True),
    flag("is_app_template"),
    flag("is_collaborative"),
    number("workbooks_count"),
    number("files_count"),
    number("token_generation"),
    text("created_by_user_id", optional=True),
    text("created_by_user_name", optional=True),
    text("external_actor_id", optional=True),
    moment("created_at"),
    moment("updated_at"),
    moment("archived_at", optional=True),
    moment("expired_at", optional=True),
    moment("upgraded_at", optional=True),
    moment("last_activity_at", optional=True),
    moment("deleted_at", optional=True),
    moment("sweep_at", optional=True),  # when an embedded space expires unless submitted; once expired, goes
    Index("ix_spaces_created_at", "environment_id", "created_at"),
)
#: The few spaces that wait for the sweep.
Index(
    "ix_spaces_sweep_at",
    spaces.c.sweep_at,
    sqlite_where=spaces.c.sweep_at.is_not(None),
    postgresql_where=spaces.c.sweep_at.is_not(None),
)
