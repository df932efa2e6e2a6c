"""The audit log, with the columns its chain will fill."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import binary, json, key, metadata, moment, number, text

audit_records = Table(
    "audit_records",
    metadata,
    key("environment_id"),  # the empty text for what belongs to the account as a whole
    key("id"),
    text("account_id"),
    text("actor_kind"),
    text("actor_id"),
    text("token_id"),
    text("action"),
    text("target", optional=True),
    json("detail"),
    moment("created_at"),
    number("chain_position", optional=True),
    binary("chain_hash", optional=True),
    moment("sealed_at", optional=True),
    Index("ix_audit_records_created_at", "account_id", "created_at"),
)
