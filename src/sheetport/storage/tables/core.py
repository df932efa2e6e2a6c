"""Accounts, users, environments and places."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from sheetport.storage.tables.base import flag, json, key, metadata, moment, number, text

#: One row: which key file this database belongs to. ``security_epoch`` is the time of the newest restore, 0 before any.
server = Table(
    "server",
    metadata,
    key("id"),
    text("key_check"),
    moment("created_at"),
    Column("security_epoch", BigInteger, nullable=False, server_default="0"),
    text("kek_id", optional=True),  # the key-encryption key of the last rotation: new data keys are sealed under it
)

#: One row, written by migrations: the oldest revision whose versions still work with this schema.
schema_info = Table("schema_info", metadata, key("id"), text("readable_from"))

accounts = Table(
    "accounts",
    metadata,
    key("id"),
    text("name"),
    text("subdomain", optional=True),
    text("default_app_id", optional=True),
    json("embedded_domains"),
    json("metadata"),
    number("auth_generation"),
    moment("created_at"),
    moment("updated_at"),
    number("key_max_age_days", optional=True),  # how old a key may become; the server's setting when absent
)

users = Table(
    "users",
    metadata,
    key("id"),
    text("account_id"),
    text("email"),
    text("email_key"),  # case-folded; unique on the server, or in the account for one who is only invited
    text("name"),
    text("password_hash", optional=True),
    json("metadata"),
    number("dashboard", optional=True),
    moment("last_seen_at", optional=True),
    moment("disabled_at", optional=True),
    moment("created_at"),
    moment("updated_at"),
    moment("invited_at", optional=True),  # while the newest invitation has not been accepted
    moment("deleted_at", optional=True),
    Index("uq_users_email_key", "email_key", unique=True),
    Index("ix_users_account_id", "account_id", "created_at"),
)

environments = Table(
    "environments",
    metadata,
    key("id"),
    text("account_id"),
    text("name"),
    flag("is_prod"),
    json("guest_authentication", optional=False),
    json("features", optional=False),
    json("metadata", optional=False),
    text("translations_path", optional=True),
    json("namespaces"),
    text("language_override", optional=True),
    number("next_sheet_no"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", optional=True),
    Index("ix_environments_account_id", "account_id", "created_at"),
)

#: One row per id of an environment: the one look-up for ownership, 404, context and cascading deletes.
places = Table(
    "places",
    metadata,
    key("environment_id"),
    key("id"),
    text("kind"),
    text("account_id"),
    text("space_id", optional=True),
    text("workbook_id", optional=True),
    text("sheet_id", optional=True),
    text("slug", optional=True),
    text("namespace", optional=True),
    moment("deleted_at", optional=True),
    Index("ix_places_id", "id"),
    Index("ix_places_space_id", "environment_id", "space_id"),
)
