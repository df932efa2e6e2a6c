"""Single sign-on: identity providers of accounts, and who is whom there.

Revision ID: 0015
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "sso_connections",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("client_id", TEXT, nullable=False),
        sa.Column("kek_id", TEXT, nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("domains", sa.Text(), nullable=False),
        sa.Column("new_users", TEXT, nullable=True),
        sa.Column("trusts_mfa", sa.Boolean(), nullable=False),
        sa.Column("only_sso", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sso_connections")),
    )
    op.create_index("uq_sso_connections_account_id", "sso_connections", ["account_id"], unique=True)
    op.create_table(
        "sso_identities",
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("issuer", TEXT, nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "issuer", "subject", name=op.f("pk_sso_identities")),
    )
    op.create_index("uq_sso_identities_user_id", "sso_identities", ["user_id", "issuer"], unique=True)


def downgrade() -> None:
    for table in ("sso_identities", "sso_connections"):
        op.drop_table(table)
