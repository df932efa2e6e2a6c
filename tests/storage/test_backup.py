"""Backups: what comes back, into which database, what a restore ends, and what is refused before anything changes."""

from __future__ import annotations

import asyncio
import json
import stat
import zipfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, Table, create_engine, select, text

from reopened import reopened
from servers.data_places import KINDS, DataPlace
from servers.postgres import PostgresCluster, database_name
from sheetport.config import StorageSettings
from sheetport.features.setup.model import Lasting
from sheetport.runtime.restore import restore
from sheetport.storage import data_directory, identity
from sheetport.storage.backup.archive import ArchiveError, Manifest, read_archive
from sheetport.storage.backup.fill import fill_database
from sheetport.storage.backup.write import LEFT_OUT, write_backup
from sheetport.storage.data_directory import DataDirectoryError
from sheetport.storage.engine import log_path, sqlite_path
from sheetport.storage.migrations.runner import in_transaction, upgrade
from sheetport.storage.tables import metadata
from sheetport.storage.tables.audit import LOG_TABLES
from worlds import PASSWORD, START, World, opened_world

AWKWARD = ["tab\there", "line\nbreak\r\n", "back\\slash \\N \\t", 'quote " and é 漢 😀', "\x0b\x0c\x08", "", None]
SECRET = "a value\nthat stays sealed"
#: Columns whose value is the database's own affair: the order in which PostgreSQL has numbered.
#: And where an audit record's place in its chain is known.
OWN = {"events": {"seq"}, "audit_records": {"seq", "chain_position"}, "audit_links": {"source_seq"}}


def quiet(_: str) -> None:
    """Tell nobody."""


@asynccontextmanager
async def furnished(storage: StorageSettings) -> AsyncIterator[World]:
    """A world with awkward records, a secret and a job, claimed by its key file."""
    async with opened_world(storage) as world:
        await world.db.write(identity.claim)
        data_directory.write_private(storage.key_file, world.db.keys.to_text())
        (storage.data / data_directory.MARK_FILE).write_text("{}")
        space = (await world.call("POST", "/v1/spaces", {"name": "One", "environmentId": world.dev})).data
        fields = [{"key": "name", "type": "string"}, {"key": "age", "type": "number"}]
        sheet = {"name": "People", "slug": "people", "fields": fields}
        book = (
            await world.call("POST", "/v1/workbooks", {"name": "B", "spaceId": space["id"], "sheets": [sheet]})
        ).data
        rows: list[Any] = [{"name": {"value": value}, "age": {"value": n}} for n, value in enumerate(AWKWARD)]
        rows[0]["age"]["messages"] = [{"type": "error", "message": "tab\there", "source": "custom-logic"}]
        made = await world.call("POST", f"/v1/sheets/{book['sheets'][0]['id']}/records", rows)
        secret = await world.call("POST", "/v1/secrets", {"name": "KEY", "value": SECRET, "environmentId": world.dev})
        job = {"type": "workbook", "operation": "submit", "source": book["id"], "trigger": "immediate"}
        started = await world.call("POST", "/v1/jobs", job)
        assert [made.status, secret.status, started.status] == [200] * 3, (made.body, secret.body, started.body)
        yield world


def contents(storage: StorageSettings) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as both databases would give it."""

    def row_of(table: Table, row: Any) -> dict[str, Any]:
        shown = {name: value for name, value in row._mapping.items() if name not in OWN.get(table.name, ())}
        if table.name == "records":
            shown["vals"] = json.loads(shown["vals"]) if isinstance(shown["vals"], str) else shown["vals"]
        return shown

    def read(connection: Any) -> dict[str, list[dict[str, Any]]]:
        tables = [table for table in metadata.sorted_tables if table.name not in LEFT_OUT]
        return {
            table.name: [row_of(table, row) for row in connection.execute(select(table).order_by(*table.primary_key))]
            for table in tables
        }

    found = in_transaction(storage, read)
    if storage.database_url is None and log_path(storage.data).exists():
        engine = create_engine(f"sqlite:///{log_path(storage.data)}", poolclass=NullPool)
        with engine.connect() as connection:
            for table in LOG_TABLES:
                if table.name not in LEFT_OUT:
                    keys = [column.name for column in table.primary_key]
                    rows = connection.execute(select(table)).all()
                    found[table.name] += [row_of(table, row) for row in rows]
                    found[table.name].sort(key=lambda row, keys=keys: [row[name] for name in keys])  # type: ignore[misc]
    return found


@pytest.fixture
def target(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresCluster) -> Iterator[DataPlace]:
    """An empty place to restore into; the parameter is its kind."""
    url = postgres_server.new_database() if request.param == "postgresql" else None
    yield DataPlace(request.param, tmp_path / "target", url)
    if url is not None:
        postgres_server.drop_database(url)


def place_of(place: DataPlace, key_file: Path) -> StorageSettings:
    return StorageSettings(place.data, key_file, place.url)


def current_kek(storage: StorageSettings) -> str:
    return data_directory.load_keys(storage).current_kek


async def back_up(storage: StorageSettings, file: Path) -> Manifest:
    return await asyncio.to_thread(write_backup, storage, file, quiet)


async def put_back(storage: StorageSettings, file: Path, *, replacing: bool = False) -> list[Lasting]:
    done = await asyncio.to_thread(lambda: restore(storage, file, replacing=replacing, progress=quiet))
    return done.lasting


@pytest.fixture(scope="module")
def backed_up(tmp_path_factory: pytest.TempPathFactory) -> tuple[StorageSettings, bytes]:
    """The settings of a server on SQLite that does not run, and a backup of it."""
    folder = tmp_path_factory.mktemp("backed-up")
    storage = StorageSettings(folder / "one", folder / "one.key")

    async def make() -> None:
        async with furnished(storage):
            pass

    asyncio.run(make())
    write_backup(storage, folder / "one.backup", quiet)
    return storage, (folder / "one.backup").read_bytes()


# What comes back


@pytest.mark.parametrize("target", KINDS, indirect=True)
async def test_every_row_comes_back_into_either_database(
    data_place: DataPlace, target: DataPlace, tmp_path: Path
) -> None:
    source, file = place_of(data_place, tmp_path / "source.key"), tmp_path / "one.backup"
    async with furnished(source) as world:
        user = world.user_id
    assert (await back_up(source, file)).rows > 50
    assert file.stat().st_mode & 0o777 == stat.S_IRUSR | stat.S_IWUSR
    before = await asyncio.to_thread(contents, source)
    into = place_of(target, source.key_file)
    await put_back(into, file)
    after = await asyncio.to_thread(contents, into)
    assert {audit["action"] for audit in after["audit_records"]} >= {"server:restore"}
    after["audit_records"] = [each for each in after["audit_records"] if each["action"] != "server:restore"]
    (server,) = after["server"]
    assert server.pop("security_epoch") > before["server"][0].pop("security_epoch") == 0
    # What is put back is bound to the key in force in the key file.
    assert (before["server"][0].pop("kek_id"), server.pop("kek_id")) == (None, current_kek(source))
    for rows in (before["accounts"], after["accounts"]):
        for account in rows:
            account.pop("auth_generation")
    assert after == before
    assert user in {row["id"] for row in after["users"]}


async def test_events_that_postgresql_had_not_numbered_have_positions_on_sqlite(
    postgres_url: str, tmp_path: Path
) -> None:
    source, file = StorageSettings(tmp_path / "source", tmp_path / "source.key", postgres_url), tmp_path / "one.backup"
    async with furnished(source):
        pass
    unnumber = text("UPDATE events SET position = NULL WHERE topic = 'job:created'")
    await asyncio.to_thread(in_transaction, source, lambda connection: connection.execute(unnumber))
    await back_up(source, file)
    into = StorageSettings(tmp_path / "into", source.key_file)
    await put_back(into, file)
    restored = contents(into)
    heads = {row["environment_id"]: row["position"] for row in restored["event_heads"]}
    (job,) = [row for row in restored["events"] if row["topic"] == "job:created"]
    assert job["position"] == heads[job["environment_id"]]
    assert all(row["position"] is not None for row in restored["events"])


# What a restore ends, and what it leaves


async def passing_tokens(client: Any, sk: str, environment: str) -> dict[str, str]:
    """A token of each kind that ends by itself, by the path that it opens."""
    headers = {"Authorization": f"Bearer {sk}"}
    signed_in = await client.post("/v1/auth", json={"email": "admin@example.com", "password": PASSWORD})
    space = (await client.get("/v1/spaces", headers=headers)).json()["data"][0]["id"]
    space_token = (await client.get(f"/v1/spaces/{space}", headers=headers)).json()["data"]["accessToken"]
    grant = (await client.get(f"/v1/subscription?scope={environment}", headers=headers)).json()["data"]["token"]
    channel = f"/v2/subscribe/sub-c-sheetport/environment.{environment}/0"
    return {
        "/v1/users": signed_in.json()["accessToken"],
        f"/v1/spaces/{space}": space_token,
        f"{channel}?tt=0&auth={grant}": "",
    }


async def statuses(client: Any, tokens: dict[str, str]) -> list[int]:
    return [
        (await client.get(path, headers={"Authorization": f"Bearer {token}"} if token else {})).status_code
        for path, token in tokens.items()
    ]


async def test_a_restore_ends_what_passes_and_leaves_and_lists_what_lasts(
    data_place: DataPlace, tmp_path: Path
) -> None:
    source, file = place_of(data_place, tmp_path / "source.key"), tmp_path / "one.backup"
    async with furnished(source) as world:
        passing = await passing_tokens(world.client, world.sk, world.dev)
        assert await statuses(world.client, passing) == [200, 200, 200]
        lasting = {"/v1/spaces": world.sk, "/v1/environments": world.pat}
        dev = world.dev
        await back_up(source, file)
    into = StorageSettings(tmp_path / "into", source.key_file)
    listed = await put_back(into, file)
    assert len(listed) == 18  # two accounts of two environments with four keys each, and a token
    assert {each.credential.kind.value for each in listed} == {"secret_key", "publishable_key", "personal"}
    assert {(each.account, each.environment) for each in listed} >= {
        ("account", "development"),
        ("other_account", None),
    }
    async with reopened(into, START + 1) as client:
        assert await statuses(client, passing) == [401, 401, 403]
        assert await statuses(client, lasting) == [200, 200]
        since = await passing_tokens(client, world.sk, dev)
        assert await statuses(client, since) == [200, 200, 200]
    # The same backup once more: what was given out between the two restores ends too.
    await put_back(into, file, replacing=True)
    async with reopened(into, START + 1) as client:
        assert await statuses(client, since) == [401, 401, 403]
        assert await statuses(client, lasting) == [200, 200]


# What is refused, with everything as it was


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-500])


def flip(file: Path) -> None:
    """Damage one compressed byte of the users' rows."""
    with zipfile.ZipFile(file) as archive:
        at = archive.getinfo("tables/users.copy").header_offset + 90
    data = bytearray(file.read_bytes())
    data[at] ^= 0xFF
    file.write_bytes(data)


def rewrite(change: Callable[[dict[str, Any]], None]) -> Callable[[Path], None]:
    """A backup whose manifest says something else."""

    def work(file: Path) -> None:
        with zipfile.ZipFile(file) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        manifest = json.loads(members["manifest.json"])
        change(manifest)
        with zipfile.ZipFile(file, "w") as archive:
            for name, body in (members | {"manifest.json": json.dumps(manifest).encode()}).items():
                archive.writestr(name, body)

    return work


def edit_a_name(manifest: dict[str, Any]) -> None:
    manifest["tables"][0]["name"] = 'accounts"; DROP TABLE users; --'


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "absent": (Path.unlink, "There is no file"),
    "no backup": (lambda file: file.write_text("rows"), "is no backup"),
    "cut short": (cut, "is no backup, or a damaged one"),
    "damaged": (flip, "damaged"),
    "a row less": (rewrite(lambda manifest: manifest["tables"][0].update(rows=1)), "damaged: table accounts"),
    "a table less": (rewrite(lambda manifest: manifest["tables"][0].update(name="gone")), "is no backup"),
    "a strange name": (rewrite(edit_a_name), "names tables that no version has had"),
    "another format": (rewrite(lambda manifest: manifest.update(format="sheetport-backup-9")), "'sheetport-backup-9'"),
    "newer schema": (rewrite(lambda manifest: manifest.update(schemaRevision="9999")), "newer than this version"),
    "another key": (rewrite(lambda manifest: manifest.update(keyCheck="0" * 32)), "does not open this backup"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
async def test_a_file_that_cannot_be_restored_changes_nothing(
    backed_up: tuple[StorageSettings, bytes], tmp_path: Path, case: str
) -> None:
    source, stored = backed_up
    file = tmp_path / "one.backup"
    file.write_bytes(stored)
    spoil, said = REFUSED[case]
    spoil(file)
    into = StorageSettings(tmp_path / "into", source.key_file)
    with pytest.raises(ArchiveError, match=said):
        await put_back(into, file)
    assert not into.data.exists()


async def test_a_place_in_use_is_refused_and_a_replaced_one_is_kept_aside(
    backed_up: tuple[StorageSettings, bytes], tmp_path: Path
) -> None:
    source, stored = backed_up
    file = tmp_path / "one.backup"
    file.write_bytes(stored)
    into = StorageSettings(tmp_path / "into", source.key_file)
    await put_back(into, file)
    before = contents(into)
    with pytest.raises(ArchiveError, match="already holds a server's data; nothing was changed"):
        await put_back(into, file)
    with data_directory.locked(into.data), pytest.raises(DataDirectoryError, match="Another server is running"):
        await put_back(into, file, replacing=True)
    missing = StorageSettings(into.data, tmp_path / "no.key")
    with pytest.raises(DataDirectoryError, match="is missing"):
        await put_back(missing, file, replacing=True)
    assert contents(into) == before
    await put_back(into, file, replacing=True)
    (aside,) = into.data.glob("before_restore_*")
    assert contents(StorageSettings(aside, source.key_file)) == before


async def test_a_postgresql_database_in_use_is_refused_and_a_replaced_one_is_kept_aside(
    backed_up: tuple[StorageSettings, bytes], postgres_url: str, postgres_server: PostgresCluster, tmp_path: Path
) -> None:
    source, stored = backed_up
    file = tmp_path / "one.backup"
    file.write_bytes(stored)
    into = StorageSettings(tmp_path / "into", source.key_file, postgres_url)
    await put_back(into, file)
    with pytest.raises(ArchiveError, match="not empty; nothing was changed"):
        await put_back(into, file)
    async with reopened(into, START):
        await asyncio.sleep(0.2)  # until it listens
        with pytest.raises(ArchiveError, match="A server is running on this database"):
            await put_back(into, file, replacing=True)
    count = "SELECT count(*) FROM {}.audit_records WHERE action = 'server:restore'"
    assert postgres_server.sql(count.format("public"), database_name(postgres_url)) == "2"
    await put_back(into, file, replacing=True)
    schemas = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'before_restore_%'"
    aside = postgres_server.sql(schemas, database_name(postgres_url))
    assert postgres_server.sql(count.format(aside), database_name(postgres_url)) == "2"
    assert not (into.data / data_directory.RESTORING_FOLDER).exists()


async def test_a_restore_that_did_not_end_is_not_served(
    backed_up: tuple[StorageSettings, bytes], tmp_path: Path
) -> None:
    source, stored = backed_up
    file = tmp_path / "one.backup"
    file.write_bytes(stored)
    into = StorageSettings(tmp_path / "into", source.key_file)
    into.data.mkdir()
    await asyncio.to_thread(fill_database, into, file, read_archive(file, quiet), quiet, None)
    with pytest.raises(identity.WrongKeyError, match="did not end"):
        async with reopened(into, START):
            pass


async def test_a_backup_is_whole_or_not_there(backed_up: tuple[StorageSettings, bytes], tmp_path: Path) -> None:
    source, _ = backed_up
    there = tmp_path / "there.backup"
    there.write_text("mine")
    nowhere = StorageSettings(tmp_path / "nowhere", source.key_file)
    for storage, file, said in (
        (source, there, "exists already"),
        (source, tmp_path / "absent" / "x.backup", "There is no folder"),
        (nowhere, tmp_path / "x.backup", "holds no server's data"),
    ):
        with pytest.raises(ArchiveError, match=said):
            await back_up(storage, file)
    nowhere.data.mkdir()
    await asyncio.to_thread(upgrade, nowhere)  # a schema, and no server in it
    with pytest.raises(ArchiveError, match="holds no server"):
        await back_up(nowhere, tmp_path / "x.backup")
    assert there.read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"there.backup", "nowhere"}


async def test_a_damaged_database_is_not_backed_up(backed_up: tuple[StorageSettings, bytes], tmp_path: Path) -> None:
    source, _ = backed_up
    broken = StorageSettings(tmp_path / "broken", source.key_file)
    broken.data.mkdir()
    data = bytearray(sqlite_path(source.data).read_bytes())
    data[4096 * 20 : 4096 * 60] = b"\xff" * 4096 * 40
    sqlite_path(broken.data).write_bytes(data)
    with pytest.raises(ArchiveError, match=r"damaged|cannot be copied"):
        await back_up(broken, tmp_path / "x.backup")
    assert {path.name for path in tmp_path.iterdir()} == {"broken"}


async def test_the_file_tells_nothing_of_the_key(backed_up: tuple[StorageSettings, bytes], tmp_path: Path) -> None:
    source, stored = backed_up
    file = tmp_path / "one.backup"
    file.write_bytes(stored)
    with zipfile.ZipFile(file) as archive:
        text_of = b"".join(archive.read(name) for name in archive.namelist())
    keys = json.loads(source.key_file.read_text())
    for value in (keys["pepper"], keys["mac"], *keys["keks"].values(), "stays sealed"):
        assert value.encode() not in text_of
        assert value.encode() not in stored
