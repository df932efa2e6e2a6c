"""Sealed values: secrets and environment variables, and the data keys that seal them."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import binary, key, metadata, moment, number, text

data_keys = Table(
    "data_keys",
    metadata,
    key("environment_id"),
    key("id"),
    text("kek_id"),
    binary("nonce"),
    binary("ciphertext"),
    moment("created_at"),
)

#: ``kind`` is "secret" or "variable"; an absent scope is the empty text, so that it is unique with the name.
secrets = Table(
    "secrets",
    metadata,
    key("environment_id"),
    key("id"),
    text("kind"),
    text("space_id"),
    text("actor_id"),
    text("name"),
    number("version"),
    text("key_id"),
    binary("nonce"),
    binary("ciphertext"),
    text("created_by"),
    moment("created_at"),
    moment("updated_at"),
    Index("uq_secrets_scope_name", "environment_id", "kind", "space_id", "actor_id", "name", unique=True),
)
