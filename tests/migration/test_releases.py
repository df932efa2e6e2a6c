"""Every released version's server opens under today's code, whole: keys, secrets, records, users, and the schema."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from migration.releases import RELEASES, Release, lay_out, released_versions
from reopened import reopened
from servers.data_places import KINDS
from servers.postgres import PostgresCluster
from sheetport.config import StorageSettings
from sheetport.kernel.clock import MINUTE
from sheetport.runtime.restore import restore
from sheetport.runtime.upgrade import bring_up_to_date
from sheetport.storage.backup.write import write_backup
from sheetport.storage.engine import sqlite_path
from sheetport.storage.migrations import HEAD
from sheetport.storage.migrations.runner import upgrade
from storage.schema_texts import postgresql_schema, sqlite_schema, told_postgresql_schema, told_sqlite_schema

NOTED: Callable[[str], None] = lambda _: None  # noqa: E731


@pytest.fixture(params=[(version, kind) for version in RELEASES for kind in KINDS], ids=" ".join)
def release(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresCluster) -> Iterator[Release]:
    """A released version's server, on each database."""
    version, kind = request.param
    made = lay_out(version, kind, tmp_path / "data", postgres_server)
    yield made
    if made.storage.database_url is not None:
        postgres_server.drop_database(made.storage.database_url)


async def get(client: httpx.AsyncClient, path: str, token: str) -> Any:
    reply = await client.get(path, headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 200, (path, reply.text)
    return reply.json()["data"]


async def assert_as_stored(storage: StorageSettings, expected: dict[str, Any]) -> None:
    """Everything a client found when the server was stored is found again."""
    async with reopened(storage, expected["at"] + MINUTE) as client:
        for environment in expected["environments"]:
            key, of = environment["secretKey"], f"environmentId={environment['environmentId']}&pageSize=1000"
            for path, answer in environment["answers"].items():
                assert await get(client, path, key) == answer
            for noun, ids in environment["ids"].items():
                found = {each["id"] for each in await get(client, f"/v1/{noun}?{of}", key)}
                assert set(ids) <= found, noun
        assert len(await get(client, "/v1/environments", expected["personalToken"])) == 2
        signed_in = await client.post("/v1/auth", json={name: expected[name] for name in ("email", "password")})
        assert signed_in.status_code == 200, signed_in.text


def test_every_released_version_is_stored() -> None:
    assert RELEASES, "there has been a release"
    assert released_versions() == sorted(RELEASES, key=lambda version: [*map(int, version.split("."))], reverse=True)


async def test_it_opens_with_all_that_was_in_it(release: Release) -> None:
    said: list[str] = []
    await asyncio.to_thread(bring_up_to_date, release.storage, said.append)
    assert len(said) == 1
    await assert_as_stored(release.storage, release.expected)
    async with reopened(release.storage, release.expected["at"] + MINUTE) as client:
        space = release.expected["spaceToken"].removeprefix("spt_").split(".")[0]
        await get(client, f"/v1/spaces/{space}", release.expected["spaceToken"])


async def test_its_schema_becomes_what_the_tables_say(
    release: Release, tmp_path: Path, postgres_server: PostgresCluster
) -> None:
    await asyncio.to_thread(upgrade, release.storage)
    if release.storage.database_url is None:
        assert sqlite_schema(sqlite_path(release.storage.data)) == told_sqlite_schema(tmp_path / "told.db")
        return
    told = postgres_server.new_database()
    assert await postgresql_schema(release.storage.database_url) == await told_postgresql_schema(told)
    postgres_server.drop_database(told)


async def test_a_backup_of_it_is_restored_by_todays_code_into_either_database(
    release: Release, tmp_path: Path, postgres_server: PostgresCluster
) -> None:
    file = tmp_path / "old.backup"
    made = await asyncio.to_thread(write_backup, release.storage, file, NOTED)
    assert made.schema_revision < HEAD
    url = postgres_server.new_database() if release.storage.database_url is None else None
    other = StorageSettings(tmp_path / "other", release.storage.key_file, url)
    await asyncio.to_thread(lambda: restore(other, file, replacing=False, progress=NOTED))
    await assert_as_stored(other, release.expected)
    if url is not None:
        postgres_server.drop_database(url)
