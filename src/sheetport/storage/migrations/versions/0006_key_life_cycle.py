"""Credentials say who made them, what they are narrowed to, and how they ended; rotations can be repeated.

Revision ID: 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ADDED = (
    ("created_by", TEXT),
    ("scope", sa.Text()),
    ("rotate_by", sa.BigInteger()),
    ("rotated_at", sa.BigInteger()),
    ("replaced_by", TEXT),
    ("ended_by", TEXT),
    ("ended_as", TEXT),
    ("told_days", sa.BigInteger()),
    ("told_idle_at", sa.BigInteger()),
)


def upgrade() -> None:
    for name, kind in _ADDED:
        op.add_column("credentials", sa.Column(name, kind, nullable=True))
    lasting = sa.text("kind <> 'access'")
    op.create_index(
        "ix_credentials_account_id",
        "credentials",
        ["account_id", "created_at"],
        sqlite_where=lasting,
        postgresql_where=lasting,
    )
    op.add_column("accounts", sa.Column("key_max_age_days", sa.BigInteger(), nullable=True))
    op.create_table(
        "rotations",
        sa.Column("credential_id", TEXT, nullable=False),
        sa.Column("successor_id", TEXT, nullable=False),
        sa.Column("idempotency", sa.LargeBinary(), nullable=True),
        sa.Column("nonce", sa.LargeBinary(), nullable=True),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("wipe_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("credential_id", name=op.f("pk_rotations")),
    )
    op.create_index("ix_rotations_wipe_at", "rotations", ["wipe_at"])


def downgrade() -> None:
    op.drop_table("rotations")
    op.drop_column("accounts", "key_max_age_days")
    op.drop_index("ix_credentials_account_id", "credentials")
    for name, _ in reversed(_ADDED):
        op.drop_column("credentials", name)
