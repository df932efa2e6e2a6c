"""Chains that seal the audit records, and who and where they tell of.

Revision ID: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_ADDED = (
    sa.Column("seq", sa.BigInteger(), nullable=True),
    sa.Column("format", sa.BigInteger(), nullable=False, server_default="1"),
    sa.Column("request_id", TEXT, nullable=True),
    sa.Column("agent", TEXT, nullable=True),
    sa.Column("subject", TEXT, nullable=True),
    sa.Column("commitments", sa.Text(), nullable=True),
    sa.Column("personal", sa.LargeBinary(), nullable=True),
)
_TABLES = ("audit_links", "audit_heads", "audit_checkpoints", "audit_subjects", "audit_addresses", "audit_marks")


def upgrade() -> None:
    for column in _ADDED:
        op.add_column("audit_records", column)
    if op.get_bind().dialect.name == "sqlite":
        op.execute(sa.text("UPDATE audit_records SET seq = rowid"))
    _index("ix_audit_records_unsealed", "audit_records", "seq", "chain_position IS NULL")
    op.create_table(
        "audit_links",
        sa.Column("chain", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("record_id", TEXT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("source_seq", sa.BigInteger(), nullable=True),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "position", name=op.f("pk_audit_links")),
    )
    _index("ix_audit_links_source_seq", "audit_links", "source_seq", "source_seq IS NOT NULL")
    _heads()
    _subjects()


def _heads() -> None:
    op.create_table(
        "audit_heads",
        sa.Column("chain", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.Column("base_position", sa.BigInteger(), nullable=False),
        sa.Column("checkpoint_position", sa.BigInteger(), nullable=False),
        sa.Column("checkpoint_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_heads")),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("chain", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.BigInteger(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", "position", name=op.f("pk_audit_checkpoints")),
    )


def _subjects() -> None:
    op.create_table(
        "audit_subjects",
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("erased_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("account_id", "subject", name=op.f("pk_audit_subjects")),
    )
    op.create_table(
        "audit_addresses",
        sa.Column("credential_id", TEXT, nullable=False),
        sa.Column("address", TEXT, nullable=False),
        sa.Column("first_seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("credential_id", "address", name=op.f("pk_audit_addresses")),
    )
    op.create_table(
        "audit_marks",
        sa.Column("chain", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("marked_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_marks")),
    )


def _index(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def downgrade() -> None:
    for table in reversed(_TABLES):
        op.drop_table(table)
    op.drop_index("ix_audit_records_unsealed", "audit_records")
    for column in reversed(_ADDED):
        op.drop_column("audit_records", column.name)
