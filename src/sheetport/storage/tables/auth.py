"""Credentials: keys, tokens and client secrets, all looked up by fingerprint."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import binary, json, key, metadata, moment, text

#: ``kind``: secret_key, publishable_key, personal, access (a 24-hour sign-in), client (legacy credentials).
credentials = Table(
    "credentials",
    metadata,
    key("id"),
    text("kind"),
    text("account_id"),
    text("environment_id", optional=True),
    text("user_id", optional=True),
    text("name"),
    text("origin", optional=True),  # how an access token came to be: "password sign-in", "client credentials", "page"
    text("parent_id", optional=True),  # the credential it was exchanged from, revoked with it
    binary("fingerprint"),
    text("readable", optional=True),  # publishable keys only, which are public
    text("masked"),
    json("operations"),
    moment("created_at"),
    moment("updated_at"),
    moment("expires_at", optional=True),
    moment("last_used_at", optional=True),
    moment("deleted_at", optional=True),
    json("origins"),  # publishable keys only: the pages that may use it, any when absent
    Index("uq_credentials_fingerprint", "fingerprint", unique=True),
    Index("ix_credentials_environment_id", "environment_id", "created_at"),
    Index("ix_credentials_user_id", "user_id", "created_at"),
    Index("ix_credentials_parent_id", "parent_id"),
)

#: One-time links that let the first administrator choose a password.
setup_links = Table(
    "setup_links",
    metadata,
    key("id"),
    text("account_id"),
    text("user_id"),
    binary("fingerprint"),
    moment("expires_at"),
    moment("used_at", optional=True),
    Index("uq_setup_links_fingerprint", "fingerprint", unique=True),
)
