"""Events: the log that subscribers read and the outbox that their delivery starts from."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Identity, Index, Table

from sheetport.storage.tables.base import json, key, metadata, moment, number, text

#: The position of each environment's newest numbered event.
event_heads = Table("event_heads", metadata, key("environment_id"), number("position"))

#: ``position`` is given in commit order, without gaps; on PostgreSQL it is null until after the commit.
events = Table(
    "events",
    metadata,
    key("environment_id"),
    key("id"),
    Column("position", BigInteger),
    Column("seq", BigInteger, Identity(always=False), nullable=False),
    text("account_id"),
    text("space_id", optional=True),
    text("topic"),
    text("domain"),
    text("target", optional=True),
    json("context", optional=False),
    json("payload", optional=False),
    json("namespaces"),
    json("origin"),
    json("attributes"),
    text("data_url", optional=True),
    text("callback_url", optional=True),
    moment("created_at"),
    moment("acknowledged_at", optional=True),
    text("acknowledged_by", optional=True),
    moment("deleted_at", optional=True),
    text("workbook_id", optional=True),  # as the context says: what a caller's grants are compared with
    text("sheet_id", optional=True),
    number("depth", optional=True),  # how many events of agents led to this one; null is none
    Index("uq_events_position", "environment_id", "position", unique=True),
    Index("ix_events_created_at", "environment_id", "created_at"),
    Index("ix_events_space_id", "environment_id", "space_id", "position"),
)
Index(
    "ix_events_unnumbered",
    events.c.environment_id,
    events.c.seq,
    sqlite_where=events.c.position.is_(None),
    postgresql_where=events.c.position.is_(None),
)

#: Who is listening, for messages that name them. Written when a listener comes and goes, never in between.
listeners = Table(
    "listeners",
    metadata,
    key("environment_id"),
    key("id"),
    text("scope"),
    text("name"),
    text("process"),
    moment("connected_at"),
)
