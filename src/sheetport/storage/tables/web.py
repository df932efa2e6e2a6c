"""What the first page remembers."""

from __future__ import annotations

from sqlalchemy import Table

from sheetport.storage.tables.base import key, metadata, moment, text

#: How far an account's first walk through the authentication guide has come.
guide_marks = Table(
    "guide_marks",
    metadata,
    key("account_id"),
    key("step"),
    text("state"),  # "seen" or "failed"
    text("reason", optional=True),
    moment("at"),
)
