"""What a restore raises, and which versions a schema still suits.

Revision ID: 0002
"""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    # SQLite writes an added column behind the table's constraints: made anew, the schema is spelled as the tables say.
    recreate: Literal["always", "never"] = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("server", recreate=recreate) as batch:
        batch.add_column(sa.Column("security_epoch", sa.BigInteger(), server_default="0", nullable=False))
    made = op.create_table(
        "schema_info",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("readable_from", TEXT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schema_info")),
    )
    # Versions before this one would accept the derived tokens of before a restore.
    op.bulk_insert(made, [{"id": "schema", "readable_from": "0002"}])


def downgrade() -> None:
    op.drop_table("schema_info")
    with op.batch_alter_table("server") as batch:
        batch.drop_column("security_epoch")
