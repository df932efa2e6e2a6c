"""The mail outbox."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import binary, key, metadata, moment, number, text

#: ``status``: waiting, sent or dead. The sealed columns are what the mail says; empty once it has been sent.
mails = Table(
    "mails",
    metadata,
    key("account_id"),
    key("id"),
    text("recipient"),
    text("template"),
    text("status"),
    number("attempts"),
    moment("created_at"),
    moment("due_at"),  # of one that is being sent: when its lease ends
    moment("ended_at", optional=True),
    text("error", optional=True),
    text("lease", optional=True),
    text("kek_id", optional=True),
    binary("key_nonce", optional=True),
    binary("key_ciphertext", optional=True),
    binary("nonce", optional=True),
    binary("ciphertext", optional=True),
    Index("ix_mails_created_at", "account_id", "created_at"),
)
#: The few mails that wait.
Index(
    "ix_mails_due_at",
    mails.c.due_at,
    sqlite_where=mails.c.status == "waiting",
    postgresql_where=mails.c.status == "waiting",
)
