"""Of which workbook and sheet an event is, for callers who were given less than a space.

Events of before have neither: only whoever was given their space or more sees them.

Revision ID: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("events", sa.Column("workbook_id", TEXT, nullable=True))
    op.add_column("events", sa.Column("sheet_id", TEXT, nullable=True))


def downgrade() -> None:
    op.drop_column("events", "sheet_id")
    op.drop_column("events", "workbook_id")
