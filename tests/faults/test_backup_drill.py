"""The drill: back up a server under load, lose it, restore it elsewhere, and miss nothing that was acknowledged before.

And a restore that is killed: what it leaves is refused until a restore has ended.
"""

from __future__ import annotations

import asyncio
import copy
import signal
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from faults.burst import Written, half_written, key, lost, write
from migration.releases import RELEASES, lay_out
from reopened import reopened
from servers.data_places import DataPlace
from servers.postgres import PostgresCluster
from servers.sheetport import EMAIL, PASSWORD, SheetportServer
from sheetport.cli.main import app
from sheetport.config import StorageSettings
from sheetport.kernel.clock import MINUTE
from sheetport.runtime.restore import restore
from sheetport.storage.backup.write import write_backup
from sheetport.storage.data_directory import RESTORING_FOLDER

#: The points at which a restore is killed. On PostgreSQL all but the epoch is one transaction.
RESTORE_KILLS = {
    "sqlite": ["restore.before-end", "restore.before-move", "restore.before-open"],
    "postgresql": ["restore.before-end"],
}
WRITERS, ROUNDS = 2, 25
NewPlace = Callable[[str], DataPlace]


@pytest.fixture
def new_place(data_place: DataPlace, tmp_path: Path, postgres_server: PostgresCluster) -> Iterator[NewPlace]:
    """``new_place(name)``: a further empty place of the same kind."""
    urls = []

    def make(name: str) -> DataPlace:
        url = None
        if data_place.url is not None:
            url = postgres_server.new_database()
            urls.append(url)
        return DataPlace(data_place.kind, tmp_path / name, url)

    yield make
    for url in urls:
        postgres_server.drop_database(url)


def arguments(place: DataPlace) -> list[str]:
    return ["--data", str(place.data), *place.arguments]


def restored(lost_one: SheetportServer, place: DataPlace, file: Path) -> SheetportServer:
    """A server on a backup of another, with that one's key file."""
    key_file = ["--key-file", str(lost_one.data.with_suffix(".key"))]
    done = lost_one.command("restore", str(file), *arguments(place), *key_file)
    assert done.returncode == 0, done.stderr
    listed = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("us_key_")]
    assert len(listed) == 4, done.stdout
    return SheetportServer(place, key_file, info=lost_one.info)


def passing_tokens(server: SheetportServer) -> dict[str, str]:
    """A token of each kind that ends by itself, with the path it opens."""
    signed_in = server.request("POST", "/v1/auth", {"email": EMAIL, "password": PASSWORD})
    space = server.request("POST", "/v1/spaces", {"name": "held"}, key(server)).body["data"]
    return {signed_in.body["accessToken"]: "/v1/environments", space["accessToken"]: f"/v1/spaces/{space['id']}"}


def statuses(server: SheetportServer, tokens: dict[str, str]) -> list[int]:
    return [server.request("GET", path, token=token).status for token, path in tokens.items()]


def test_what_was_acknowledged_before_a_backup_is_there_after_the_restore(
    data_place: DataPlace, new_place: NewPlace, tmp_path: Path
) -> None:
    server = SheetportServer(data_place)
    server.start()
    tokens = passing_tokens(server)
    assert statuses(server, tokens) == [200, 200]
    written = [Written() for _ in range(WRITERS)]
    threads = [threading.Thread(target=write, args=(server, one, ROUNDS)) for one in written]
    for thread in threads:
        thread.start()
    while min(len(one.jobs) for one in written) < 2:
        time.sleep(0.01)
        assert all(thread.is_alive() for thread in threads)
    before = copy.deepcopy(written)
    file = tmp_path / "drill.backup"
    done = server.command("backup", str(file), *arguments(data_place))
    during = [len(one.commits) for one in written]
    server.kill()  # with the writers at work: this server is lost
    for thread in threads:
        thread.join(30)
    assert done.returncode == 0, done.stderr
    assert all(count > len(one.commits) for count, one in zip(during, before, strict=True)), "nobody wrote meanwhile"
    again = restored(server, new_place("new"), file)
    again.start()
    assert [fault for one in before for fault in lost(again, one)] == []
    assert half_written(again) == []
    assert statuses(again, tokens) == [401, 401]
    assert statuses(again, passing_tokens(again)) == [200, 200]
    again.stop()
    # Nobody writes any more: what is exported is the same twice, and after one more backup and restore.
    before_it, twice, after_it = (tmp_path / f"{name}.zip" for name in ("before", "twice", "after"))
    exported(again.place, before_it)
    exported(again.place, twice)
    storage = StorageSettings(again.data, server.data.with_suffix(".key"), again.place.url)
    write_backup(storage, tmp_path / "quiet.backup", quiet)
    third = new_place("third")
    restore(place_of(third, storage), tmp_path / "quiet.backup", replacing=False, progress=quiet)
    exported(third, after_it)
    assert before_it.read_bytes() == twice.read_bytes() == after_it.read_bytes()


def exported(place: DataPlace, file: Path) -> None:
    """Export the development environment of a server that does not run, events included."""
    done = CliRunner().invoke(app, ["export", str(file), "--with-events", *arguments(place)])
    assert done.exit_code == 0, done.output
    assert zipfile.is_zipfile(file)


def place_of(place: DataPlace, other: StorageSettings) -> StorageSettings:
    return replace(other, data=place.data, database_url=place.url)


def quiet(_: str) -> None:
    """Tell nobody."""


def test_what_a_killed_restore_leaves_is_refused_until_a_restore_has_ended(
    new_place: NewPlace, tmp_path: Path, postgres_server: PostgresCluster
) -> None:
    source = lay_out(RELEASES[-1], "sqlite", tmp_path / "source", postgres_server)
    place, file = new_place("new"), tmp_path / "one.backup"
    write_backup(source.storage, file, quiet)
    where = [*arguments(place), "--key-file", str(source.storage.key_file)]
    server = SheetportServer(place, info={"environments": []})
    for point in RESTORE_KILLS[place.kind]:
        server.env["SHEETPORT_KILL_AT"] = point
        killed = server.command("restore", str(file), *where, "--replace")
        del server.env["SHEETPORT_KILL_AT"]
        assert killed.returncode == -signal.SIGKILL, killed
        assert (place.data / RESTORING_FOLDER).exists()
    refused = server.command("serve", *where, "--port", str(server.port))
    assert refused.returncode == 1
    assert "Run 'sheetport restore' again" in refused.stderr
    into = place_of(place, source.storage)
    assert restore(into, file, replacing=True, progress=quiet).manifest.rows > 0
    asyncio.run(assert_served(into, source.expected))


async def assert_served(storage: StorageSettings, expected: dict[str, Any]) -> None:
    async with reopened(storage, expected["at"] + MINUTE) as client:
        headers = {"Authorization": f"Bearer {expected['environments'][0]['secretKey']}"}
        assert (await client.get("/v1/spaces", headers=headers)).status_code == 200
