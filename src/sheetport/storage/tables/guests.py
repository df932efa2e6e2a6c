"""Guests, the spaces they are let into, and the links by which they come."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import binary, flag, json, key, metadata, moment, number, text

guests = Table(
    "guests",
    metadata,
    key("environment_id"),
    key("id"),
    text("account_id"),
    text("name"),
    text("email"),
    text("email_key", optional=True),  # one guest an address; absent when there is none
    text("external_id", optional=True),  # the customer's own name of whoever uses its page
    flag("is_anonymous"),
    number("token_generation"),
    moment("created_at"),
    moment("updated_at"),
    Index("uq_guests_email_key", "environment_id", "email_key", unique=True),
    Index("uq_guests_external_id", "environment_id", "external_id", unique=True),
    Index("ix_guests_id", "id"),
)
#: The few guests who are forgotten by themselves.
Index(
    "ix_guests_anonymous",
    guests.c.updated_at,
    sqlite_where=guests.c.is_anonymous.is_(True),
    postgresql_where=guests.c.is_anonymous.is_(True),
)

#: ``parts`` is absent for all of the space, else a list of [workbook id, sheet id or null].
guest_spaces = Table(
    "guest_spaces",
    metadata,
    key("environment_id"),
    key("guest_id"),
    key("space_id"),
    json("parts"),
    moment("created_at"),
    moment("last_accessed_at", optional=True),
    moment("mailed_at", optional=True),
    Index("ix_guest_spaces_space_id", "environment_id", "space_id"),
)

#: Links that sign in once.
guest_links = Table(
    "guest_links",
    metadata,
    key("environment_id"),
    key("id"),
    text("guest_id"),
    text("space_id"),
    text("kind"),
    binary("fingerprint"),
    moment("expires_at"),
    moment("used_at", optional=True),
    Index("uq_guest_links_fingerprint", "fingerprint", unique=True),
    Index("ix_guest_links_guest_id", "environment_id", "guest_id"),
    Index("ix_guest_links_expires_at", "expires_at"),
)

#: Who asked for a link, known or not: answered in a moment, apart from the request, and deleted then.
guest_link_requests = Table(
    "guest_link_requests",
    metadata,
    key("space_id"),
    key("email_key"),
    text("email"),
    moment("created_at"),
)
