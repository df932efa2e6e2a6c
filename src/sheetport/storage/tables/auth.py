"""Credentials: keys, tokens and client secrets, all looked up by fingerprint."""

from __future__ import annotations

from sqlalchemy import Column, Index, Table
from sqlalchemy import text as sql

from sheetport.storage.tables.base import TEXT, binary, json, key, metadata, moment, number, text

_LASTING = sql("kind <> 'access'")

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
    text("created_by", optional=True),  # the id of the caller that made it
    json("scope"),  # what it is narrowed to: a space, a workbook, reading, networks
    moment("rotate_by", optional=True),  # imported ones only: by when its old keeper should know it no more
    moment("rotated_at", optional=True),
    text("replaced_by", optional=True),  # the credential that it was rotated to
    text("ended_by", optional=True),  # the id of the caller that ended or rotated it
    text("ended_as", optional=True),  # revoked, rotated, reused, exposed
    number("told_days", optional=True),  # the last warning of its end: 30, 7 or 1 days before, 0 after it
    moment("told_idle_at", optional=True),
    Index("uq_credentials_fingerprint", "fingerprint", unique=True),
    Index("ix_credentials_environment_id", "environment_id", "created_at"),
    Index("ix_credentials_user_id", "user_id", "created_at"),
    Index("ix_credentials_parent_id", "parent_id"),
    Index(
        "ix_credentials_account_id",
        "account_id",
        "created_at",
        sqlite_where=_LASTING,
        postgresql_where=_LASTING,
    ),
)

#: What a rotation answered, for its repetition: the new token is sealed, and wiped after some minutes.
rotations = Table(
    "rotations",
    metadata,
    key("credential_id"),  # the one that was replaced
    text("successor_id"),
    binary("idempotency", optional=True),  # the fingerprint of the caller's Idempotency-Key
    binary("nonce", optional=True),
    binary("ciphertext", optional=True),
    moment("wipe_at", optional=True),
    Index("ix_rotations_wipe_at", "wipe_at"),
)

#: One-time links by which a user chooses a password; ``purpose`` is setup or invitation.
setup_links = Table(
    "setup_links",
    metadata,
    key("id"),
    text("account_id"),
    text("user_id"),
    binary("fingerprint"),
    moment("expires_at"),
    moment("used_at", optional=True),
    Column("purpose", TEXT, nullable=False, server_default="setup"),
    Index("uq_setup_links_fingerprint", "fingerprint", unique=True),
)

#: Proofs of possession (DPoP) that were used, by fingerprint (hexadecimal) of their key and id.
spent_proofs = Table(
    "spent_proofs",
    metadata,
    key("fingerprint"),
    moment("expires_at"),
    Index("ix_spent_proofs_expires_at", "expires_at"),
)

#: Sign-ins that a program asked for and a person decides on (RFC 8628). Neither code is here, only their fingerprints
#: (hexadecimal). ``state`` is pending, approved, denied or used; who decided is there once somebody has.
device_logins = Table(
    "device_logins",
    metadata,
    key("fingerprint"),
    text("user_code"),
    text("client_id"),
    json("permissions", optional=False),
    text("address", optional=True),
    text("agent", optional=True),
    text("state"),
    moment("created_at"),
    moment("expires_at"),
    moment("polled_at", optional=True),
    number("poll_seconds"),
    text("account_id", optional=True),
    text("user_id", optional=True),
    text("session_id", optional=True),
    Index("uq_device_logins_user_code", "user_code", unique=True),
    Index("ix_device_logins_expires_at", "expires_at"),
)
