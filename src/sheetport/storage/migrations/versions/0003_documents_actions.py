"""Documents, actions and versions.

Until now the actions of a space, workbook or sheet were known as its member only; each gets an id and a row.

Revision ID: 0003
"""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

from sheetport.kernel.ids import new_id

revision = "0003"
down_revision = "0002"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    _documents()
    _actions()
    _versions()
    _give_ids_to_actions(op.get_bind())


def downgrade() -> None:
    op.execute("DELETE FROM places WHERE kind IN ('act', 'dc', 'vr')")
    for table in ("versions", "actions", "documents"):
        op.drop_table(table)


def _documents() -> None:
    op.create_table(
        "documents",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("space_id", TEXT, nullable=False),
        sa.Column("title", TEXT, nullable=False),
        sa.Column("body", TEXT, nullable=False),
        sa.Column("treatments", sa.Text(), nullable=True),
        sa.Column("actions", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_documents")),
    )
    op.create_index("ix_documents_space_id", "documents", ["environment_id", "space_id", "created_at"])


def _actions() -> None:
    op.create_table(
        "actions",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("space_id", TEXT, nullable=False),
        sa.Column("workbook_id", TEXT, nullable=True),
        sa.Column("sheet_id", TEXT, nullable=True),
        sa.Column("target_id", TEXT, nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_actions")),
    )
    op.create_index("ix_actions_space_id", "actions", ["environment_id", "space_id"])
    op.create_index("ix_actions_target_id", "actions", ["environment_id", "target_id", "ordinal"])


def _versions() -> None:
    op.create_table(
        "versions",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("sheet_id", TEXT, nullable=False),
        sa.Column("parent_version_id", TEXT, nullable=True),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_versions")),
    )


#: (table, the columns that say what a target lies in, the column of its actions, whether that is all of its JSON)
_TARGETS = (
    ("spaces", "t.id AS space_id, NULL AS workbook_id, NULL AS sheet_id", "actions", True),
    ("workbooks", "t.space_id, t.id AS workbook_id, NULL AS sheet_id", "actions", True),
    ("sheets", "t.space_id, t.workbook_id, t.id AS sheet_id", "config", False),
)


def _give_ids_to_actions(connection: sa.Connection) -> None:
    for table, inside, column, whole in _TARGETS:
        targets = connection.execute(
            sa.text(
                f"SELECT t.environment_id, t.id AS target_id, t.account_id, {inside}, t.{column} AS json,"  # noqa: S608 - names  # nosec B608
                f" t.created_at, t.updated_at FROM {table} t"
                " JOIN places p ON p.environment_id = t.environment_id AND p.id = t.id"
                f" WHERE p.deleted_at IS NULL AND t.{column} LIKE '%\"label\"%'"
            )
        )
        rows = [row for target in targets.mappings().all() for row in _rows_of(target, whole=whole)]
        for start in range(0, len(rows), 1_000):
            _insert(connection, rows[start : start + 1_000])


def _rows_of(target: sa.RowMapping, *, whole: bool) -> list[dict[str, Any]]:
    told = json.loads(target["json"])
    configs = told if whole else told.get("actions", [])
    kept = {name: target[name] for name in target if name != "json"}
    return [
        {
            **kept,
            "id": new_id("act", target["environment_id"]),
            "ordinal": ordinal,
            "config": json.dumps(config, ensure_ascii=False, separators=(",", ":")),
        }
        for ordinal, config in enumerate(configs or [])
    ]


def _insert(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    names = "environment_id, id, account_id, space_id, workbook_id, sheet_id"
    values = ", ".join(f":{name}" for name in names.split(", "))
    connection.execute(
        sa.text(
            f"INSERT INTO actions ({names}, target_id, ordinal, config, created_at, updated_at)"  # noqa: S608 - names  # nosec B608
            f" VALUES ({values}, :target_id, :ordinal, :config, :created_at, :updated_at)"
        ),
        rows,
    )
    connection.execute(
        sa.text(f"INSERT INTO places ({names}, kind) VALUES ({values}, 'act')"),  # noqa: S608 - names  # nosec B608
        rows,
    )
