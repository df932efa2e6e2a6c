"""The schema's history: by migration it is what the tables say, on both databases."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from servers.postgres import PostgresCluster
from sheetport.config import StorageSettings
from sheetport.storage import migrations
from sheetport.storage.engine import sqlite_path
from sheetport.storage.migrations.runner import in_transaction, upgrade, upgrade_to
from storage.schema_texts import postgresql_schema, sqlite_schema, told_postgresql_schema, told_sqlite_schema


def test_a_migrated_sqlite_database_is_what_the_tables_say(tmp_path: Path) -> None:
    settings = StorageSettings(tmp_path, tmp_path / "key")
    upgrade(settings)
    migrated = sqlite_schema(sqlite_path(tmp_path))
    assert len(migrated) > 20
    assert migrated == told_sqlite_schema(tmp_path / "told.db")


async def test_a_migrated_postgresql_database_is_what_the_tables_say(
    tmp_path: Path, postgres_server: PostgresCluster
) -> None:
    migrated, told = postgres_server.new_database(), postgres_server.new_database()
    await asyncio.to_thread(upgrade, StorageSettings(tmp_path, tmp_path / "key", migrated))
    columns, indexes = await postgresql_schema(migrated)
    assert len(columns) > 100
    assert [columns, indexes] == await told_postgresql_schema(told)
    for url in (migrated, told):
        postgres_server.drop_database(url)


def test_the_newest_script_is_the_version_known() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [migrations.HEAD]


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    settings = StorageSettings(tmp_path, tmp_path / "key")
    assert migrations.schema_version(settings) is None
    migrations.migrate(settings)
    assert migrations.schema_version(settings) == migrations.HEAD
    before = sqlite_schema(sqlite_path(tmp_path))
    migrations.migrate(settings)
    assert sqlite_schema(sqlite_path(tmp_path)) == before


def pretend_newer(settings: StorageSettings, readable_from: str) -> None:
    """Have a newer version, which says which versions it leaves room for, have migrated the database."""
    for statement in (
        "UPDATE alembic_version SET version_num = '9999'",
        f"UPDATE schema_info SET readable_from = '{readable_from}'",
    ):
        in_transaction(settings, lambda connection, sql=statement: connection.execute(text(sql)))


def test_a_newer_schema_is_refused_unless_it_says_that_this_version_still_works(storage: StorageSettings) -> None:
    upgrade(storage)
    pretend_newer(storage, "9998")
    with pytest.raises(migrations.SchemaError, match="schema 9999, newer than this version knows"):
        migrations.migrate(storage)
    with pytest.raises(migrations.SchemaError, match="newer than this version knows"):
        upgrade(storage)
    pretend_newer(storage, migrations.HEAD)
    migrations.migrate(storage)
    assert migrations.read_schema(storage) == migrations.Schema("9999", migrations.HEAD, None)


def test_a_migration_that_fails_leaves_the_schema_as_it_was(storage: StorageSettings) -> None:
    def upgrade_and_fail(connection: Connection) -> None:
        upgrade_to(connection)
        raise InterruptedError

    upgrade(storage, "0001")
    with pytest.raises(InterruptedError):
        in_transaction(storage, upgrade_and_fail)
    assert migrations.schema_version(storage) == "0001"
    assert not in_transaction(storage, lambda connection: inspect(connection).has_table("schema_info"))
