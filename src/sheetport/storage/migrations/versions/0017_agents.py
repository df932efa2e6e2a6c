"""Agents that the server runs, and how deep in a chain of agents an event is.

Revision ID: 0017
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("events", sa.Column("depth", sa.BigInteger(), nullable=True))
    _create_agents()
    _create_agent_versions()
    _create_agent_feeds()
    _create_agent_queue()
    _create_agent_executions()
    _create_agent_exports()


def _create_agents() -> None:
    op.create_table(
        "agents",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("slug", TEXT, nullable=False),
        sa.Column("version_id", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("topics", sa.Text(), nullable=True),
        sa.Column("namespace", TEXT, nullable=True),
        sa.Column("compiler", TEXT, nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("allowed_hosts", sa.Text(), nullable=False),
        sa.Column("token_id", TEXT, nullable=True),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("paused_because", TEXT, nullable=True),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_agents")),
    )
    live = sa.text("deleted_at IS NULL")
    op.create_index(
        "uq_agents_slug",
        "agents",
        ["environment_id", "slug"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )


def _create_agent_versions() -> None:
    op.create_table(
        "agent_versions",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("agent_id", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("origin", sa.BigInteger(), nullable=False),
        sa.Column("topics", sa.Text(), nullable=True),
        sa.Column("namespace", TEXT, nullable=True),
        sa.Column("compiler", TEXT, nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("source", sa.LargeBinary(), nullable=False),
        sa.Column("source_map", sa.LargeBinary(), nullable=True),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_agent_versions")),
    )
    op.create_index(
        "uq_agent_versions_version", "agent_versions", ["environment_id", "agent_id", "version"], unique=True
    )


def _create_agent_feeds() -> None:
    op.create_table(
        "agent_feeds",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("agent_id", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("leased_by", TEXT, nullable=True),
        sa.Column("leased_until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "agent_id", name=op.f("pk_agent_feeds")),
    )


def _create_agent_queue() -> None:
    op.create_table(
        "agent_queue",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("agent_id", TEXT, nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("space_id", TEXT, nullable=True),
        sa.Column("depth", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "agent_id", "event_id", name=op.f("pk_agent_queue")),
    )
    op.create_index("ix_agent_queue_position", "agent_queue", ["environment_id", "agent_id", "position"])


def _create_agent_executions() -> None:
    op.create_table(
        "agent_executions",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("agent_id", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("event_id", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("space_id", TEXT, nullable=True),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("namespaces", sa.Text(), nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("success", sa.Boolean(), nullable=False),
        sa.Column("is_dead", sa.Boolean(), nullable=False),
        sa.Column("attempt", sa.BigInteger(), nullable=False),
        sa.Column("log", TEXT, nullable=True),
        sa.Column("error", TEXT, nullable=True),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.Column("memory", sa.BigInteger(), nullable=False),
        sa.Column("queue_lag", sa.BigInteger(), nullable=False),
        sa.Column("is_cold", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_agent_executions")),
    )
    op.create_index("ix_agent_executions_created_at", "agent_executions", ["environment_id", "created_at"])
    op.create_index("ix_agent_executions_agent_id", "agent_executions", ["environment_id", "agent_id", "created_at"])
    op.create_index("ix_agent_executions_event_id", "agent_executions", ["environment_id", "event_id"])


def _create_agent_exports() -> None:
    op.create_table(
        "agent_exports",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("agent_id", TEXT, nullable=False),
        sa.Column("version_id", TEXT, nullable=False),
        sa.Column("export_type", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_agent_exports")),
    )
    op.create_index("ix_agent_exports_agent_id", "agent_exports", ["environment_id", "agent_id"])


def downgrade() -> None:
    for table in (
        "agent_exports",
        "agent_executions",
        "agent_queue",
        "agent_feeds",
        "agent_versions",
        "agents",
    ):
        op.drop_table(table)
    op.drop_column("events", "depth")
