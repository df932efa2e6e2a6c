"""Single sign-on: the identity provider of an account, and who of its users is whom there."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import binary, flag, json, key, metadata, moment, text

#: One identity provider an account. The client secret is sealed under the key file's current key.
sso_connections = Table(
    "sso_connections",
    metadata,
    key("id"),
    text("account_id"),
    text("name"),
    text("issuer"),
    text("client_id"),
    text("kek_id"),
    binary("nonce"),
    binary("ciphertext"),
    json("domains", optional=False),
    text("new_users", optional=True),  # the built-in role of users made at their first sign-in; none are made without
    flag("trusts_mfa"),
    flag("only_sso"),
    moment("created_at"),
    moment("updated_at"),
    Index("uq_sso_connections_account_id", "account_id", unique=True),
)

#: A person at an issuer, and the one user of the account that this is.
sso_identities = Table(
    "sso_identities",
    metadata,
    key("account_id"),
    key("issuer"),
    key("subject"),
    text("user_id"),
    moment("created_at"),
    Index("uq_sso_identities_user_id", "user_id", "issuer", unique=True),
)
