"""Webhooks: where events are posted to, the keys that sign them, and what became of each delivery."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import binary, json, key, metadata, moment, number, text

#: ``position`` is the last event that was looked at; ``lease`` is the process that delivers, until ``lease_until``.
webhooks = Table(
    "webhooks",
    metadata,
    key("environment_id"),
    key("id"),
    text("account_id"),
    text("space_id", optional=True),
    text("url"),
    text("description", optional=True),
    json("topics", optional=False),
    json("namespaces", optional=False),
    text("state"),
    text("reason", optional=True),
    number("position"),
    moment("failing_since", optional=True),
    moment("held_until", optional=True),
    text("lease", optional=True),
    moment("lease_until", optional=True),
    text("created_by"),
    moment("created_at"),
    moment("updated_at"),
)

#: A secret and an Ed25519 seed, sealed together under the key file's current key. One without ``ends_at`` is current.
webhook_keys = Table(
    "webhook_keys",
    metadata,
    key("environment_id"),
    key("webhook_id"),
    key("id"),
    text("kek_id"),
    binary("nonce"),
    binary("ciphertext"),
    text("public_key"),
    moment("created_at"),
    moment("ends_at", optional=True),
)

#: One event for one webhook. It holds nothing of the event: that is read from the log for each attempt.
webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    key("environment_id"),
    key("webhook_id"),
    key("event_id"),
    number("position"),
    text("topic"),
    text("space_id", optional=True),
    text("state"),
    number("attempts"),
    moment("next_attempt_at", optional=True),
    number("status", optional=True),
    text("error", optional=True),
    text("response", optional=True),
    number("duration", optional=True),
    moment("attempted_at", optional=True),
    moment("created_at"),
    Index("ix_webhook_deliveries_position", "environment_id", "webhook_id", "position"),
    Index("ix_webhook_deliveries_created_at", "created_at"),
)
Index(
    "ix_webhook_deliveries_due",
    webhook_deliveries.c.environment_id,
    webhook_deliveries.c.webhook_id,
    webhook_deliveries.c.next_attempt_at,
    sqlite_where=webhook_deliveries.c.state == "pending",
    postgresql_where=webhook_deliveries.c.state == "pending",
)
