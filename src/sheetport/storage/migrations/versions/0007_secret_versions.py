"""Versions of secrets, the root of each environment's sealed rows, and the key-encryption key in force.

A secret that is there begins its history with the version it has.

Revision ID: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_COPIED = ("environment_id", "version", "name", "space_id", "actor_id", "key_id", "nonce", "ciphertext", "created_by")
_secrets = sa.table("secrets", *map(sa.column, ("id", "kind", "created_at", "updated_at", *_COPIED)))
_TIMES = ("created_at", "current_at")
_versions = sa.table("secret_versions", *map(sa.column, ("secret_id", "label", *_TIMES, *_COPIED)))


def upgrade() -> None:
    op.create_table(
        "secret_versions",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("secret_id", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("space_id", TEXT, nullable=False),
        sa.Column("actor_id", TEXT, nullable=False),
        sa.Column("label", TEXT, nullable=False),
        sa.Column("key_id", TEXT, nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("current_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("served_until", sa.BigInteger(), nullable=True),
        sa.Column("request_key", TEXT, nullable=True),
        sa.Column("request_digest", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "secret_id", "version", name=op.f("pk_secret_versions")),
    )
    op.create_table(
        "secret_roots",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", name=op.f("pk_secret_roots")),
    )
    op.add_column("secrets", sa.Column("refs", sa.Text(), nullable=True))
    for name in ("rotate_days", "rotate_at", "reminded_at"):
        op.add_column("secrets", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("server", sa.Column("kek_id", TEXT, nullable=True))
    label: sa.ColumnElement[str] = sa.literal_column("'current'")
    times = (_secrets.c.created_at, _secrets.c.updated_at)
    of_secrets = sa.select(_secrets.c.id, label, *times, *(_secrets.c[name] for name in _COPIED)).where(
        _secrets.c.kind == "secret"
    )
    op.execute(sa.insert(_versions).from_select(["secret_id", "label", *_TIMES, *_COPIED], of_secrets))


def downgrade() -> None:
    op.drop_column("server", "kek_id")
    for name in ("reminded_at", "rotate_at", "rotate_days", "refs"):
        op.drop_column("secrets", name)
    op.drop_table("secret_roots")
    op.drop_table("secret_versions")
