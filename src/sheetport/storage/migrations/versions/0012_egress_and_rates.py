"""Which targets beyond the public internet may be called, and the marks of rate limits that processes share.

Revision ID: 0012
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "egress_allowances",
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "environment_id", "target", name=op.f("pk_egress_allowances")),
    )
    op.create_table(
        "rate_marks",
        sa.Column("bucket", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("granted", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "key", name=op.f("pk_rate_marks")),
        # Without a log: losing the marks in a crash costs nothing, and syncing each would cost every caller.
        prefixes=["UNLOGGED"] if op.get_bind().dialect.name == "postgresql" else [],
    )
    op.create_index("ix_rate_marks_mark", "rate_marks", ["mark"])


def downgrade() -> None:
    op.drop_table("rate_marks")
    op.drop_table("egress_allowances")
