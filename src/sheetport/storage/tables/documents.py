"""Documents."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import json, key, metadata, moment, text

documents = Table(
    "documents",
    metadata,
    key("environment_id"),
    key("id"),
    text("account_id"),
    text("space_id"),
    text("title"),
    text("body"),
    json("treatments"),
    json("actions"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", optional=True),
    Index("ix_documents_space_id", "environment_id", "space_id", "created_at"),
)
