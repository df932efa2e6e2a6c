"""Roles, and users who are invited.

Whoever is a user already could do everything: each is an Administrator now.

Revision ID: 0011
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from sheetport.kernel.ids import new_id

revision = "0011"
down_revision = "0010"

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_BUILT_IN = ("Administrator", "Admin", "User", "Guest")
_accounts = sa.table("accounts", *map(sa.column, ("id", "created_at")))
_users = sa.table("users", *map(sa.column, ("id", "account_id", "created_at")))


def upgrade() -> None:
    roles, given = _make_tables()
    op.add_column("users", sa.Column("invited_at", sa.BigInteger(), nullable=True))
    op.add_column("users", sa.Column("deleted_at", sa.BigInteger(), nullable=True))
    op.add_column("setup_links", sa.Column("purpose", TEXT, nullable=False, server_default="setup"))
    made = [_role(account, name) for account in op.get_bind().execute(sa.select(_accounts)) for name in _BUILT_IN]
    op.bulk_insert(roles, made)
    administrators = {role["account_id"]: role["id"] for role in made if role["built_in"] == "Administrator"}
    users = op.get_bind().execute(sa.select(_users)).all()
    op.bulk_insert(given, [_given(user, administrators[user.account_id]) for user in users])


def downgrade() -> None:
    op.drop_column("setup_links", "purpose")
    op.drop_column("users", "deleted_at")
    op.drop_column("users", "invited_at")
    op.drop_table("actor_roles")
    op.drop_table("roles")


def _make_tables() -> tuple[sa.Table, sa.Table]:
    roles = op.create_table(
        "roles",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("built_in", TEXT, nullable=True),
        sa.Column("permissions", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
    )
    op.create_index("ix_roles_account_id", "roles", ["account_id", "created_at"])
    given = op.create_table(
        "actor_roles",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("actor_id", TEXT, nullable=False),
        sa.Column("role_id", TEXT, nullable=False),
        sa.Column("resource_id", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        *(sa.Column(name, TEXT, nullable=True) for name in ("environment_id", "space_id", "workbook_id", "sheet_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_actor_roles")),
    )
    op.create_index("uq_actor_roles_actor_id", "actor_roles", ["actor_id", "role_id", "resource_id"], unique=True)
    op.create_index("ix_actor_roles_role_id", "actor_roles", ["role_id"])
    return roles, given


def _role(account: sa.Row[Any], name: str) -> dict[str, Any]:
    return {
        "id": new_id("rol", account.id),
        "account_id": account.id,
        "name": name,
        "built_in": name,
        "permissions": "[]",
        "created_at": account.created_at,
        "updated_at": account.created_at,
    }


def _given(user: sa.Row[Any], role_id: str) -> dict[str, Any]:
    return {
        "id": new_id("acr", user.account_id),
        "account_id": user.account_id,
        "actor_id": user.id,
        "role_id": role_id,
        "resource_id": user.account_id,
        "created_at": user.created_at,
        "updated_at": user.created_at,
    }
