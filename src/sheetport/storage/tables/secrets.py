"""Sealed values: secrets and environment variables, their versions, the data keys that seal them and their root."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from sheetport.storage.tables.base import binary, json, key, metadata, moment, number, text

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
    json("refs"),  # the names that the value refers to; null when there are none
    number("rotate_days", optional=True),
    moment("rotate_at", optional=True),
    moment("reminded_at", optional=True),
    Index("uq_secrets_scope_name", "environment_id", "kind", "space_id", "actor_id", "name", unique=True),
)

#: Every version of a secret, the current one among them. A value that was wiped has an empty nonce and ciphertext.
secret_versions = Table(
    "secret_versions",
    metadata,
    key("environment_id"),
    key("secret_id"),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    text("name"),
    text("space_id"),
    text("actor_id"),
    text("label"),
    text("key_id"),
    binary("nonce"),
    binary("ciphertext"),
    text("created_by"),
    moment("created_at"),
    moment("current_at", optional=True),
    moment("ended_at", optional=True),
    moment("served_until", optional=True),
    text("request_key", optional=True),
    binary("request_digest", optional=True),
)

#: What an environment's sealed rows add up to: a row that was taken away or put back is missed.
secret_roots = Table(
    "secret_roots",
    metadata,
    key("environment_id"),
    number("sequence"),
    binary("total"),
    binary("mac"),
)
