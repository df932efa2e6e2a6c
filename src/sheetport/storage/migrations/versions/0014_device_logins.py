"""Device logins, and proofs of possession that were used.

Revision ID: 0014
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "spent_proofs",
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_spent_proofs")),
    )
    op.create_index("ix_spent_proofs_expires_at", "spent_proofs", ["expires_at"])
    op.create_table(
        "device_logins",
        sa.Column("fingerprint", TEXT, nullable=False),
        sa.Column("user_code", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("address", TEXT, nullable=True),
        sa.Column("agent", TEXT, nullable=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("polled_at", sa.BigInteger(), nullable=True),
        sa.Column("poll_seconds", sa.BigInteger(), nullable=False),
        sa.Column("account_id", TEXT, nullable=True),
        sa.Column("user_id", TEXT, nullable=True),
        sa.Column("session_id", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("fingerprint", name=op.f("pk_device_logins")),
    )
    op.create_index("uq_device_logins_user_code", "device_logins", ["user_code"], unique=True)
    op.create_index("ix_device_logins_expires_at", "device_logins", ["expires_at"])


def downgrade() -> None:
    op.drop_table("device_logins")
    op.drop_table("spent_proofs")
