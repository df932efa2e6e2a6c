"""Workbooks and sheets."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import json, key, metadata, moment, number, text

workbooks = Table(
    "workbooks",
    metadata,
    key("environment_id"),
    key("id"),
    text("account_id"),
    text("space_id"),
    text("name", optional=True),
    text("namespace", optional=True),
    text("folder", optional=True),
    json("labels"),
    json("actions"),
    json("settings"),
    json("metadata"),
    json("treatments"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", optional=True),
    Index("ix_workbooks_space_id", "environment_id", "space_id", "created_at"),
)

#: ``slots`` maps a field key to its place in a record's array of values; a slot is never reused.
sheets = Table(
    "sheets",
    metadata,
    key("environment_id"),
    key("id"),
    text("account_id"),
    text("space_id"),
    text("workbook_id"),
    number("sheet_no"),
    number("ordinal"),
    text("name"),
    text("slug"),
    text("namespace", optional=True),
    json("config", optional=False),
    json("slots", optional=False),
    number("next_slot"),
    json("metadata"),
    text("locked_by", optional=True),
    moment("locked_at", optional=True),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", optional=True),
    Index("ix_sheets_workbook_id", "environment_id", "workbook_id", "ordinal"),
)
