"""The first schema.

Revision ID: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
RECORD_JSON = sa.Text().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    for create in TABLES:
        create()


def downgrade() -> None:
    for create in reversed(TABLES):
        op.drop_table(create.__name__.removeprefix("_"))


def _accounts() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("subdomain", TEXT, nullable=True),
        sa.Column("default_app_id", TEXT, nullable=True),
        sa.Column("embedded_domains", sa.Text(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("auth_generation", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )


def _apps() -> None:
    op.create_table(
        "apps",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("namespace", TEXT, nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("entity", TEXT, nullable=False),
        sa.Column("entity_plural", TEXT, nullable=False),
        sa.Column("icon", TEXT, nullable=True),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("environment_filters", sa.Text(), nullable=True),
        sa.Column("blueprint", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("activated_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_apps")),
    )
    op.create_index("ix_apps_account_id", "apps", ["account_id", "created_at"], unique=False)


def _audit_records() -> None:
    op.create_table(
        "audit_records",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("actor_kind", TEXT, nullable=False),
        sa.Column("actor_id", TEXT, nullable=False),
        sa.Column("token_id", TEXT, nullable=False),
        sa.Column("action", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("chain_position", sa.BigInteger(), nullable=True),
        sa.Column("chain_hash", sa.LargeBinary(), nullable=True),
        sa.Column("sealed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_audit_records")),
    )
    op.create_index("ix_audit_records_created_at", "audit_records", ["account_id", "created_at"], unique=False)


def _commits() -> None:
    op.create_table(
        "commits",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("sheet_id", TEXT, nullable=False),
        sa.Column("commit_no", sa.BigInteger(), nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("first_seq", sa.BigInteger(), nullable=True),
        sa.Column("last_seq", sa.BigInteger(), nullable=True),
        sa.Column("rows", sa.Text(), nullable=True),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("completed_by", TEXT, nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_commits")),
    )
    op.create_index("ix_commits_id", "commits", ["id"], unique=False)
    op.create_index("ix_commits_sheet_id", "commits", ["environment_id", "sheet_id", "commit_no"], unique=False)


def _credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("environment_id", TEXT, nullable=True),
        sa.Column("user_id", TEXT, nullable=True),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("origin", TEXT, nullable=True),
        sa.Column("parent_id", TEXT, nullable=True),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("readable", TEXT, nullable=True),
        sa.Column("masked", TEXT, nullable=False),
        sa.Column("operations", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
    )
    op.create_index("ix_credentials_environment_id", "credentials", ["environment_id", "created_at"], unique=False)
    op.create_index("ix_credentials_parent_id", "credentials", ["parent_id"], unique=False)
    op.create_index("ix_credentials_user_id", "credentials", ["user_id", "created_at"], unique=False)
    op.create_index("uq_credentials_fingerprint", "credentials", ["fingerprint"], unique=True)


def _data_keys() -> None:
    op.create_table(
        "data_keys",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kek_id", TEXT, nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_data_keys")),
    )


def _environments() -> None:
    op.create_table(
        "environments",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("is_prod", sa.Boolean(), nullable=False),
        sa.Column("guest_authentication", sa.Text(), nullable=False),
        sa.Column("features", sa.Text(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.Column("translations_path", TEXT, nullable=True),
        sa.Column("namespaces", sa.Text(), nullable=True),
        sa.Column("language_override", TEXT, nullable=True),
        sa.Column("next_sheet_no", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_environments")),
    )
    op.create_index("ix_environments_account_id", "environments", ["account_id", "created_at"], unique=False)


def _event_heads() -> None:
    op.create_table(
        "event_heads",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", name=op.f("pk_event_heads")),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("seq", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("space_id", TEXT, nullable=True),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("domain", TEXT, nullable=False),
        sa.Column("target", TEXT, nullable=True),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("namespaces", sa.Text(), nullable=True),
        sa.Column("origin", sa.Text(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=True),
        sa.Column("data_url", TEXT, nullable=True),
        sa.Column("callback_url", TEXT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by", TEXT, nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_created_at", "events", ["environment_id", "created_at"], unique=False)
    op.create_index("ix_events_space_id", "events", ["environment_id", "space_id", "position"], unique=False)
    op.create_index(
        "ix_events_unnumbered",
        "events",
        ["environment_id", "seq"],
        unique=False,
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_index("uq_events_position", "events", ["environment_id", "position"], unique=True)


def _guide_marks() -> None:
    op.create_table(
        "guide_marks",
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("step", TEXT, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "step", name=op.f("pk_guide_marks")),
    )


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("space_id", TEXT, nullable=True),
        sa.Column("workbook_id", TEXT, nullable=True),
        sa.Column("sheet_id", TEXT, nullable=True),
        sa.Column("file_id", TEXT, nullable=True),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("operation", TEXT, nullable=False),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("destination", TEXT, nullable=True),
        sa.Column("status", TEXT, nullable=False),
        sa.Column("trigger", TEXT, nullable=False),
        sa.Column("mode", TEXT, nullable=True),
        sa.Column("progress", sa.BigInteger(), nullable=True),
        sa.Column("info", TEXT, nullable=True),
        sa.Column("managed", sa.Boolean(), nullable=False),
        sa.Column("part", sa.BigInteger(), nullable=True),
        sa.Column("part_data", sa.Text(), nullable=True),
        sa.Column("part_execution", TEXT, nullable=True),
        sa.Column("parent_id", TEXT, nullable=True),
        sa.Column("predecessor_ids", sa.Text(), nullable=True),
        sa.Column("config", sa.Text(), nullable=True),
        sa.Column("input", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("estimated_completion_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome_acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("announced_at", sa.BigInteger(), nullable=True),
        sa.Column("deadline_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_jobs")),
    )
    op.create_index("ix_jobs_created_at", "jobs", ["environment_id", "created_at"], unique=False)
    op.create_index("ix_jobs_deadline_at", "jobs", ["deadline_at"], unique=False)
    op.create_index("ix_jobs_parent_id", "jobs", ["environment_id", "parent_id"], unique=False)
    op.create_index("ix_jobs_source", "jobs", ["environment_id", "source"], unique=False)
    op.create_index(
        "ix_jobs_waiting",
        "jobs",
        ["environment_id"],
        unique=False,
        sqlite_where=sa.text("status = 'waiting'"),
        postgresql_where=sa.text("status = 'waiting'"),
    )


def _listeners() -> None:
    op.create_table(
        "listeners",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("scope", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("process", TEXT, nullable=False),
        sa.Column("connected_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_listeners")),
    )


def _places() -> None:
    op.create_table(
        "places",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("space_id", TEXT, nullable=True),
        sa.Column("workbook_id", TEXT, nullable=True),
        sa.Column("sheet_id", TEXT, nullable=True),
        sa.Column("slug", TEXT, nullable=True),
        sa.Column("namespace", TEXT, nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_places")),
    )
    op.create_index("ix_places_id", "places", ["id"], unique=False)
    op.create_index("ix_places_space_id", "places", ["environment_id", "space_id"], unique=False)


def _records() -> None:
    op.create_table(
        "records",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("sheet_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("format", sa.SmallInteger(), nullable=False),
        sa.Column("valid", sa.Boolean(), nullable=False),
        sa.Column("vals", RECORD_JSON, nullable=False),
        sa.Column("ext", sa.Text(), nullable=True),
        sa.Column("commit_no", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "sheet_no", "seq", name=op.f("pk_records")),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_records_invalid",
        "records",
        ["environment_id", "sheet_no", "seq"],
        unique=False,
        sqlite_where=sa.text("valid = 0"),
        postgresql_where=sa.text("valid = false"),
    )


def _secrets() -> None:
    op.create_table(
        "secrets",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("space_id", TEXT, nullable=False),
        sa.Column("actor_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("key_id", TEXT, nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.Column("created_by", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_secrets")),
    )
    op.create_index(
        "uq_secrets_scope_name", "secrets", ["environment_id", "kind", "space_id", "actor_id", "name"], unique=True
    )


def _server() -> None:
    op.create_table(
        "server",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("key_check", TEXT, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_server")),
    )


def _setup_links() -> None:
    op.create_table(
        "setup_links",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("user_id", TEXT, nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_setup_links")),
    )
    op.create_index("uq_setup_links_fingerprint", "setup_links", ["fingerprint"], unique=True)


def _sheet_counters() -> None:
    op.create_table(
        "sheet_counters",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("sheet_no", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sheet_id", TEXT, nullable=False),
        sa.Column("next_seq", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("invalid", sa.BigInteger(), nullable=False),
        sa.Column("commit_no", sa.BigInteger(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("environment_id", "sheet_no", name=op.f("pk_sheet_counters")),
    )


def _sheets() -> None:
    op.create_table(
        "sheets",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("space_id", TEXT, nullable=False),
        sa.Column("workbook_id", TEXT, nullable=False),
        sa.Column("sheet_no", sa.BigInteger(), nullable=False),
        sa.Column("ordinal", sa.BigInteger(), nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("slug", TEXT, nullable=False),
        sa.Column("namespace", TEXT, nullable=True),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("slots", sa.Text(), nullable=False),
        sa.Column("next_slot", sa.BigInteger(), nullable=False),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("locked_by", TEXT, nullable=True),
        sa.Column("locked_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_sheets")),
    )
    op.create_index("ix_sheets_workbook_id", "sheets", ["environment_id", "workbook_id", "ordinal"], unique=False)


def _spaces() -> None:
    op.create_table(
        "spaces",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("display_order", sa.BigInteger(), nullable=True),
        sa.Column("space_config_id", TEXT, nullable=True),
        sa.Column("primary_workbook_id", TEXT, nullable=True),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=True),
        sa.Column("actions", sa.Text(), nullable=True),
        sa.Column("access", sa.Text(), nullable=True),
        sa.Column("labels", sa.Text(), nullable=True),
        sa.Column("guest_authentication", sa.Text(), nullable=True),
        sa.Column("auto_configure", sa.Boolean(), nullable=False),
        sa.Column("namespace", TEXT, nullable=True),
        sa.Column("translations_path", TEXT, nullable=True),
        sa.Column("language_override", TEXT, nullable=True),
        sa.Column("app_id", TEXT, nullable=True),
        sa.Column("is_app_template", sa.Boolean(), nullable=False),
        sa.Column("is_collaborative", sa.Boolean(), nullable=False),
        sa.Column("workbooks_count", sa.BigInteger(), nullable=False),
        sa.Column("files_count", sa.BigInteger(), nullable=False),
        sa.Column("token_generation", sa.BigInteger(), nullable=False),
        sa.Column("created_by_user_id", TEXT, nullable=True),
        sa.Column("created_by_user_name", TEXT, nullable=True),
        sa.Column("external_actor_id", TEXT, nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("archived_at", sa.BigInteger(), nullable=True),
        sa.Column("expired_at", sa.BigInteger(), nullable=True),
        sa.Column("upgraded_at", sa.BigInteger(), nullable=True),
        sa.Column("last_activity_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_spaces")),
    )
    op.create_index("ix_spaces_created_at", "spaces", ["environment_id", "created_at"], unique=False)


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("email", TEXT, nullable=False),
        sa.Column("email_key", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=False),
        sa.Column("password_hash", TEXT, nullable=True),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("dashboard", sa.BigInteger(), nullable=True),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=True),
        sa.Column("disabled_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("ix_users_account_id", "users", ["account_id", "created_at"], unique=False)
    op.create_index("uq_users_email_key", "users", ["email_key"], unique=True)


def _workbooks() -> None:
    op.create_table(
        "workbooks",
        sa.Column("environment_id", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account_id", TEXT, nullable=False),
        sa.Column("space_id", TEXT, nullable=False),
        sa.Column("name", TEXT, nullable=True),
        sa.Column("namespace", TEXT, nullable=True),
        sa.Column("folder", TEXT, nullable=True),
        sa.Column("labels", sa.Text(), nullable=True),
        sa.Column("actions", sa.Text(), nullable=True),
        sa.Column("settings", sa.Text(), nullable=True),
        sa.Column("metadata", sa.Text(), nullable=True),
        sa.Column("treatments", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("environment_id", "id", name=op.f("pk_workbooks")),
    )
    op.create_index("ix_workbooks_space_id", "workbooks", ["environment_id", "space_id", "created_at"], unique=False)


TABLES = (
    _accounts,
    _apps,
    _audit_records,
    _commits,
    _credentials,
    _data_keys,
    _environments,
    _event_heads,
    _events,
    _guide_marks,
    _jobs,
    _listeners,
    _places,
    _records,
    _secrets,
    _server,
    _setup_links,
    _sheet_counters,
    _sheets,
    _spaces,
    _users,
    _workbooks,
)
