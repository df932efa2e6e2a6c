"""Stored constraints of apps, and their versions.

Revision ID: 0019
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "constraints",
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("app_id", TEXT, nullable=False),
        sa.Column("validator", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "id", name=op.f("pk_constraints")),
    )
    op.create_index("uq_constraints_validator", "constraints", ["account_id", "app_id", "validator"], unique=True)
    op.create_table(
        "constraint_versions",
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("constraint_id", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("label", TEXT, nullable=True),
        sa.Column("description", TEXT, nullable=True),
        sa.Column("function", TEXT, nullable=True),
        sa.Column("options", sa.Text(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "constraint_id", "version", name=op.f("pk_constraint_versions")),
    )


def downgrade() -> None:
    for table in ("constraint_versions", "constraints"):
        op.drop_table(table)
