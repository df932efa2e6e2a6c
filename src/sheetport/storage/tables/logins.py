"""What a sign-in stands on besides the password: second factors, what is known of sessions, failures that count."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import binary, flag, json, key, metadata, moment, number, text

#: One row per sign-in by a person, beside its credential. ``way`` is how they proved themselves.
sessions = Table(
    "sessions",
    metadata,
    key("credential_id"),
    text("account_id"),
    text("user_id"),
    text("address", optional=True),
    text("agent", optional=True),
    text("way"),  # "password", "password+totp", "password+recovery", "passkey", "reset", "sso"
    moment("authenticated_at"),  # of the last proof: factors are changed within some minutes of it
    Index("ix_sessions_user_id", "user_id", "authenticated_at"),
)

#: One authenticator app a user. The secret is a random key sealed under the key file's; ``last_step`` was used last.
totp_factors = Table(
    "totp_factors",
    metadata,
    key("user_id"),
    text("account_id"),
    text("kek_id"),
    binary("nonce"),
    binary("ciphertext"),
    number("last_step"),
    moment("created_at"),
    moment("confirmed_at", optional=True),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    key("user_id"),
    key("fingerprint"),  # hexadecimal
    moment("created_at"),
    moment("used_at", optional=True),
)

passkeys = Table(
    "passkeys",
    metadata,
    key("id"),
    text("account_id"),
    text("user_id"),
    text("name"),
    text("rp_id"),  # the host name it is for
    binary("credential"),
    binary("public_key"),
    number("sign_count"),
    json("transports", optional=False),
    moment("created_at"),
    moment("last_used_at", optional=True),
    Index("uq_passkeys_credential", "credential", unique=True),
    Index("ix_passkeys_user_id", "user_id", "created_at"),
)

#: What an account's administrator asks of sign-ins; an account without a row asks nothing.
login_policies = Table(
    "login_policies",
    metadata,
    key("account_id"),
    flag("mfa_required"),
    flag("password_tokens"),
    moment("updated_at"),
)

#: Signed tickets that were used before their end, by fingerprint (hexadecimal).
spent_tickets = Table(
    "spent_tickets",
    metadata,
    key("fingerprint"),
    moment("expires_at"),
    Index("ix_spent_tickets_expires_at", "expires_at"),
)

#: Failed sign-ins by what they were aimed at or came from, since the window began.
login_failures = Table(
    "login_failures",
    metadata,
    key("subject"),
    number("failures"),
    moment("since"),
    Index("ix_login_failures_since", "since"),
)
