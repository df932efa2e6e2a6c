"""Ticks of the clock, and the schedules of actions where they can be searched.

Revision ID: 0018
"""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "cron_rounds",
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("topic", name=op.f("pk_cron_rounds")),
    )
    op.create_table(
        "cron_ticks",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "topic", "subject", name=op.f("pk_cron_ticks")),
    )
    op.create_table(
        "cron_followed",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", name=op.f("pk_cron_followed")),
    )
    op.add_column("actions", sa.Column("schedule", TEXT, nullable=True))
    scheduled = sa.text("schedule IS NOT NULL")
    op.create_index(
        "ix_actions_schedule",
        "actions",
        ["schedule", "environment_id", "id"],
        sqlite_where=scheduled,
        postgresql_where=scheduled,
    )
    _fill()


def _fill() -> None:
    """Take the schedules out of the configurations that have one."""
    actions = sa.table(
        "actions",
        *(sa.column(name, sa.Text()) for name in ("environment_id", "id", "config", "schedule")),
    )
    found = op.get_bind().execute(
        sa.select(actions.c.environment_id, actions.c.id, actions.c.config).where(
            actions.c.config.like('%"schedule"%'),
        )
    )
    for environment_id, action_id, config in found.all():
        schedule = json.loads(config).get("schedule")
        if schedule is not None:
            op.get_bind().execute(
                sa.update(actions)
                .where(actions.c.environment_id == environment_id, actions.c.id == action_id)
                .values(schedule=schedule)
            )


def downgrade() -> None:
    op.drop_index("ix_actions_schedule", "actions")
    op.drop_column("actions", "schedule")
    for table in ("cron_followed", "cron_ticks", "cron_rounds"):
        op.drop_table(table)
