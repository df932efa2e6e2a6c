"""Targets that may be called though they are not in the public internet."""

from __future__ import annotations

from sqlalchemy import Table

from sheetport.storage.tables.base import key, metadata, moment

egress_allowances = Table(
    "egress_allowances",
    metadata,
    key("account_id"),
    key("environment_id"),  # empty: every environment of the account
    key("target"),
    moment("created_at"),
)
