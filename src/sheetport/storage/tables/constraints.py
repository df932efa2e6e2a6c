"""Stored constraints of apps, and their versions."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from sheetport.storage.tables.base import json, key, metadata, moment, number, text

#: ``version`` is the newest.
constraints = Table(
    "constraints",
    metadata,
    key("account_id"),
    key("id"),
    text("app_id"),
    text("validator"),
    number("version"),
    moment("created_at"),
    Index("uq_constraints_validator", "account_id", "app_id", "validator", unique=True),
)

#: Written once and never changed.
constraint_versions = Table(
    "constraint_versions",
    metadata,
    key("account_id"),
    key("constraint_id"),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    text("label", optional=True),
    text("description", optional=True),
    text("function", optional=True),
    json("options"),
    moment("made_at"),
)
