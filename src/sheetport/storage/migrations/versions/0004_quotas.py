"""Limits of an environment and what counts against them.

What is there already is counted. Its bytes are its characters: no expression of both databases counts bytes, and
every record is measured anew when it is next written.

Revision ID: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_environments = sa.table("environments", sa.column("id"))
_places = sa.table("places", sa.column("environment_id"), sa.column("id"), sa.column("deleted_at"))
_quotas = sa.table("quotas", *map(sa.column, ("environment_id", "rows", "bytes", "day", "spaces_made")))
_gone = sa.table("gone_sheets", *map(sa.column, ("environment_id", "sheet_no", "gone_at")))
_counters = sa.table("sheet_counters", *map(sa.column, ("environment_id", "sheet_no", "sheet_id", "total", "bytes")))
_records = sa.table(
    "records",
    sa.column("environment_id"),
    sa.column("sheet_no"),
    sa.column("vals", sa.Text().with_variant(JSONB(), "postgresql")),
    sa.column("ext"),
    sa.column("size"),
)


def upgrade() -> None:
    op.create_table(
        "quotas",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("spaces_made", sa.BigInteger(), nullable=False),
        sa.Column("rows_limit", sa.BigInteger(), nullable=True),
        sa.Column("bytes_limit", sa.BigInteger(), nullable=True),
        sa.Column("spaces_limit", sa.BigInteger(), nullable=True),
        sa.Column("streams_limit", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", name=op.f("pk_quotas")),
    )
    op.create_table(
        "gone_sheets",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("sheet_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("gone_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "sheet_no", name=op.f("pk_gone_sheets")),
    )
    op.add_column("records", sa.Column("size", sa.Integer(), nullable=True))
    op.add_column("sheet_counters", sa.Column("bytes", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("credentials", sa.Column("origins", sa.Text(), nullable=True))
    op.add_column("spaces", sa.Column("sweep_at", sa.BigInteger(), nullable=True))
    given = sa.text("sweep_at IS NOT NULL")
    op.create_index("ix_spaces_sweep_at", "spaces", ["sweep_at"], sqlite_where=given, postgresql_where=given)
    complete = sa.text("status = 'complete'")
    op.create_index(
        "ix_jobs_complete",
        "jobs",
        ["environment_id", "space_id"],
        sqlite_where=complete,
        postgresql_where=complete,
    )
    _count()


def _count() -> None:
    """Count what is stored; the counters of deleted sheets go, their records are swept later."""
    dead = (
        sa.select(_places.c.id)
        .where(
            _places.c.environment_id == _counters.c.environment_id,
            _places.c.id == _counters.c.sheet_id,
            _places.c.deleted_at.is_not(None),
        )
        .exists()
    )
    gone = sa.select(_counters.c.environment_id, _counters.c.sheet_no, sa.literal_column("0")).where(dead)
    op.execute(sa.insert(_gone).from_select(["environment_id", "sheet_no", "gone_at"], gone))
    op.execute(sa.delete(_counters).where(dead))
    characters = sa.func.length(sa.cast(_records.c.vals, sa.Text)) + sa.func.coalesce(sa.func.length(_records.c.ext), 0)
    op.execute(sa.update(_records).values(size=characters))
    stored = (
        sa.select(sa.func.coalesce(sa.func.sum(_records.c.size), 0))
        .where(
            _records.c.environment_id == _counters.c.environment_id,
            _records.c.sheet_no == _counters.c.sheet_no,
        )
        .scalar_subquery()
    )
    op.execute(sa.update(_counters).values(bytes=stored))

    def total(column: str) -> sa.ScalarSelect[int]:
        summed = sa.select(sa.func.coalesce(sa.func.sum(_counters.c[column]), 0))
        return summed.where(_counters.c.environment_id == _environments.c.id).scalar_subquery()

    zero: sa.ColumnElement[int] = sa.literal_column("0")
    usage = sa.select(_environments.c.id, total("total"), total("bytes"), zero, zero)
    op.execute(sa.insert(_quotas).from_select(["environment_id", "rows", "bytes", "day", "spaces_made"], usage))


def downgrade() -> None:
    op.drop_index("ix_jobs_complete", "jobs")
    op.drop_index("ix_spaces_sweep_at", "spaces")
    for table, column in (("spaces", "sweep_at"), ("credentials", "origins"), ("sheet_counters", "bytes")):
        op.drop_column(table, column)
    op.drop_column("records", "size")
    op.drop_table("gone_sheets")
    op.drop_table("quotas")
