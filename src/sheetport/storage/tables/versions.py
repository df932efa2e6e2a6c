"""Versions: names under which clients group what they write to a sheet."""

from __future__ import annotations

from sqlalchemy import Table

from sheetport.storage.tables.base import key, metadata, moment, text

versions = Table(
    "versions",
    metadata,
    key("environment_id"),
    key("id"),
    text("sheet_id"),
    text("parent_version_id", optional=True),
    text("created_by"),
    moment("created_at"),
)
