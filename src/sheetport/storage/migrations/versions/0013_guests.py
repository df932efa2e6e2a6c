"""Guests, their access to spaces, and the links by which they come.

Revision ID: 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "guests",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("email_key", TEXT, nullable=True),
        sa.Column("external_id", TEXT, nullable=True),
        sa.Column("is_anonymous", sa.Boolean(), nullable=False),
        sa.Column("token_generation", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_guests")),
    )
    op.create_index("uq_guests_email_key", "guests", ["environment_id", "email_key"], unique=True)
    op.create_index("uq_guests_external_id", "guests", ["environment_id", "external_id"], unique=True)
    op.create_index("ix_guests_id", "guests", ["id"])
    op.create_index(
        "ix_guests_anonymous",
        "guests",
        ["updated_at"],
        sqlite_where=sa.text("is_anonymous IS 1"),
        postgresql_where=sa.text("is_anonymous IS true"),
    )
    op.create_table(
        "guest_spaces",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("guest_id", TEXT, nullable=False),
        sa.Column("space_id", TEXT, nullable=False),
        sa.Column("parts", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_accessed_at", sa.BigInteger(), nullable=True),
        sa.Column("mailed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "guest_id", "space_id", name=op.f("pk_guest_spaces")),
    )
    op.create_index("ix_guest_spaces_space_id", "guest_spaces", ["environment_id", "space_id"])
    _create_links()


def _create_links() -> None:
    op.create_table(
        "guest_links",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("guest_id", TEXT, nullable=False),
        sa.Column("space_id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_guest_links")),
    )
    op.create_index("uq_guest_links_fingerprint", "guest_links", ["fingerprint"], unique=True)
    op.create_index("ix_guest_links_guest_id", "guest_links", ["environment_id", "guest_id"])
    op.create_index("ix_guest_links_expires_at", "guest_links", ["expires_at"])
    op.create_table(
        "guest_link_requests",
        sa.Column("space_id", TEXT, nullable=False),
        sa.Column("email_key", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("space_id", "email_key", name=op.f("pk_guest_link_requests")),
    )


def downgrade() -> None:
    for table in ("guest_link_requests", "guest_links", "guest_spaces", "guests"):
        op.drop_table(table)
