"""Agents: listeners that the server itself runs, their versions, what they are to be told, and how that went."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import binary, flag, json, key, metadata, moment, number, text

#: ``config`` is what the deploy said beside what has a column of its own. ``token_id`` is the token it runs with.
agents = Table(
    "agents",
    metadata,
    key("environment_id"),
    key("id"),
    text("account_id"),
    text("slug"),
    text("version_id"),
    number("version"),
    json("topics"),
    text("namespace", optional=True),
    text("compiler"),
    json("config", optional=False),
    json("allowed_hosts", optional=False),
    text("token_id", optional=True),
    moment("paused_at", optional=True),
    text("paused_because", optional=True),
    text("created_by"),
    moment("created_at"),
    moment("updated_at"),
    moment("deleted_at", optional=True),
)
Index(
    "uq_agents_slug",
    agents.c.environment_id,
    agents.c.slug,
    unique=True,
    sqlite_where=agents.c.deleted_at.is_(None),
    postgresql_where=agents.c.deleted_at.is_(None),
)

#: ``source`` and ``source_map`` are compressed. ``origin`` is the number of the version it is a copy of, or its own.
agent_versions = Table(
    "agent_versions",
    metadata,
    key("environment_id"),
    key("id"),
    text("agent_id"),
    number("version"),
    number("origin"),
    json("topics"),
    text("namespace", optional=True),
    text("compiler"),
    json("config", optional=False),
    binary("source"),
    binary("source_map", optional=True),
    text("created_by"),
    moment("created_at"),
    Index("uq_agent_versions_version", "environment_id", "agent_id", "version", unique=True),
)

#: Up to which position the log was looked through for an agent, and the process that runs it until when.
agent_feeds = Table(
    "agent_feeds",
    metadata,
    key("environment_id"),
    key("agent_id"),
    number("position"),
    text("leased_by", optional=True),
    moment("leased_until", optional=True),
)

#: What an agent is still to be told, in each space in the order of ``position``. ``depth`` is the event's.
agent_queue = Table(
    "agent_queue",
    metadata,
    key("environment_id"),
    key("agent_id"),
    key("event_id"),
    number("position"),
    text("space_id", optional=True),
    number("depth"),
    number("attempts"),
    moment("due_at"),
    Index("ix_agent_queue_position", "environment_id", "agent_id", "position"),
)

#: One row an attempt. ``is_dead`` marks the last one of an event that was given up.
agent_executions = Table(
    "agent_executions",
    metadata,
    key("environment_id"),
    key("id"),
    text("agent_id"),
    number("version"),
    text("event_id"),
    text("topic"),
    text("space_id", optional=True),
    json("context", optional=False),
    json("namespaces", optional=False),
    text("state"),
    flag("success"),
    flag("is_dead"),
    number("attempt"),
    text("log", optional=True),
    text("error", optional=True),
    number("duration"),
    number("memory"),
    number("queue_lag"),
    flag("is_cold"),
    moment("created_at"),
    moment("completed_at"),
    Index("ix_agent_executions_created_at", "environment_id", "created_at"),
    Index("ix_agent_executions_agent_id", "environment_id", "agent_id", "created_at"),
    Index("ix_agent_executions_event_id", "environment_id", "event_id"),
)

agent_exports = Table(
    "agent_exports",
    metadata,
    key("environment_id"),
    key("id"),
    text("account_id"),
    text("agent_id"),
    text("version_id"),
    text("export_type"),
    moment("created_at"),
    Index("ix_agent_exports_agent_id", "environment_id", "agent_id"),
)
