"""Apps."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import json, key, metadata, moment, text

apps = Table(
    "apps",
    metadata,
    key("id"),
    text("account_id"),
    text("name"),
    text("namespace"),
    text("type"),
    text("entity"),
    text("entity_plural"),
    text("icon", optional=True),
    json("metadata"),
    json("environment_filters"),
    json("blueprint"),
    moment("created_at"),
    moment("updated_at"),
    moment("activated_at", optional=True),
    moment("deleted_at", optional=True),
    Index("ix_apps_account_id", "account_id", "created_at"),
)
