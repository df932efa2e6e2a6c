"""Roles, and who was given them."""

from __future__ import annotations

from sqlalchemy import Index, Table

from sheetport.storage.tables.base import json, key, metadata, moment, text

#: ``built_in`` names a role of the table of permissions, which says what it gives; ``permissions`` is of the others.
roles = Table(
    "roles",
    metadata,
    key("id"),
    text("account_id"),
    text("name"),
    text("built_in", optional=True),
    json("permissions", optional=False),
    moment("created_at"),
    moment("updated_at"),
    Index("ix_roles_account_id", "account_id", "created_at"),
)

#: ``actor_id`` is a user's, a guest's or an agent's; the ids behind the resource's say where it lies, none of the
#: account's.
actor_roles = Table(
    "actor_roles",
    metadata,
    key("id"),
    text("account_id"),
    text("actor_id"),
    text("role_id"),
    text("resource_id"),
    moment("created_at"),
    moment("updated_at"),
    text("environment_id", optional=True),
    text("space_id", optional=True),
    text("workbook_id", optional=True),
    text("sheet_id", optional=True),
    Index("uq_actor_roles_actor_id", "actor_id", "role_id", "resource_id", unique=True),
    Index("ix_actor_roles_role_id", "role_id"),
)
