"""Newer code on older data backs up first and says so; several at once are one; and what is refused changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from migration.releases import RELEASES, Release, lay_out
from servers.data_places import KINDS, DataPlace
from servers.postgres import PostgresCluster
from servers.sheetport import SheetportServer
from sheetport.cli.main import app
from sheetport.kernel.crypto import KeyRing
from sheetport.runtime import upgrade
from sheetport.runtime.upgrade import bring_up_to_date
from sheetport.storage.backup.archive import read_archive
from sheetport.storage.identity import WrongKeyError
from sheetport.storage.migrations import HEAD, SchemaError, read_schema

NEWEST = max(RELEASES, key=lambda version: [*map(int, version.split("."))])


@pytest.fixture(params=KINDS)
def old(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: PostgresCluster) -> Iterator[Release]:
    """The newest released version's server, on each database."""
    made = lay_out(NEWEST, request.param, tmp_path / "data", postgres_server)
    yield made
    if made.storage.database_url is not None:
        postgres_server.drop_database(made.storage.database_url)


def backups(release: Release) -> list[Path]:
    folder = release.storage.backups
    return sorted(folder.iterdir()) if folder is not None and folder.exists() else []


def test_an_older_database_is_backed_up_once_before_it_changes(old: Release) -> None:
    before = read_schema(old.storage)
    said: list[str] = []
    bring_up_to_date(old.storage, said.append)
    (file,) = backups(old)
    assert file.name.startswith(f"before-{before.revision}-")
    assert read_archive(file, lambda _: None).schema_revision == before.revision
    assert said == [f"Upgrading the schema from {before.revision} to {HEAD}. The backup of before is {file}."]
    bring_up_to_date(old.storage, said.append)
    assert (len(backups(old)), len(said)) == (1, 1)


def test_of_several_that_start_at_once_one_upgrades(tmp_path: Path, postgres_server: PostgresCluster) -> None:
    old = lay_out(NEWEST, "postgresql", tmp_path / "data", postgres_server)
    said: list[str] = []
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(bring_up_to_date, old.storage, said.append) for _ in range(3)]:
            done.result(60)
    assert read_schema(old.storage).revision == HEAD
    assert (len(backups(old)), len(said)) == (1, 1)
    postgres_server.drop_database(str(old.storage.database_url))


def test_three_backups_of_before_are_kept(tmp_path: Path, postgres_server: PostgresCluster) -> None:
    old = lay_out(NEWEST, "sqlite", tmp_path / "data", postgres_server)
    folder = tmp_path / "data.backups"
    folder.mkdir()
    for day in (1, 2, 3):
        (folder / f"before-0000-2020010{day}-000000.backup").write_text("old")
    (folder / "mine.backup").write_text("not one of these")
    bring_up_to_date(old.storage, lambda _: None)
    names = [path.name for path in backups(old)]
    assert names[:2] == ["before-0000-20200102-000000.backup", "before-0000-20200103-000000.backup"]
    assert (len(names), names[-1]) == (4, "mine.backup")


def test_what_cannot_be_backed_up_is_not_upgraded(old: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    before = read_schema(old.storage)
    said: list[str] = []
    (old.storage.data / "file").write_text("")
    with pytest.raises(SchemaError, match=r"nothing was changed.*SHEETPORT_BACKUPS"):
        bring_up_to_date(replace(old.storage, backups=old.storage.data / "file"), said.append)
    monkeypatch.setattr(upgrade, "POSTGRESQL_BOUND", 1)
    if old.storage.database_url is not None:
        with pytest.raises(SchemaError, match="too much to back up at a start; nothing was changed"):
            bring_up_to_date(old.storage, said.append)
    assert (read_schema(old.storage), said) == (before, [])
    bring_up_to_date(replace(old.storage, backups=None), said.append)
    assert read_schema(old.storage).revision == HEAD
    assert [sentence.endswith("No backup was made before it: SHEETPORT_BACKUPS is off.") for sentence in said] == [True]


def test_a_foreign_key_file_upgrades_nothing(old: Release) -> None:
    before = read_schema(old.storage)
    with pytest.raises(WrongKeyError, match="belongs to another server"):
        bring_up_to_date(old.storage, lambda _: None, KeyRing.generate())
    assert (read_schema(old.storage), backups(old)) == (before, [])


def test_serve_upgrades_and_migrate_says_what_there_is_to_do(tmp_path: Path, postgres_server: PostgresCluster) -> None:
    old = lay_out(NEWEST, "sqlite", tmp_path / "data", postgres_server)
    info = {"environments": []}
    server = SheetportServer(DataPlace("sqlite", old.storage.data, None), info=info)
    place = ["migrate", "--data", str(old.storage.data)]
    check = CliRunner().invoke(app, [*place, "--check"])
    assert (check.exit_code, check.stderr) == (1, "")
    assert f"this version's is {HEAD}: 'sheetport migrate' upgrades it." in check.stdout
    server.start()
    (file,) = backups(old)
    assert f"The backup of before is {file}." in server.log.read_text()
    key = old.expected["environments"][0]["secretKey"]
    assert server.request("GET", "/v1/spaces", token=key).status == 200
    refused = CliRunner().invoke(app, place)
    assert refused.exit_code == 1
    assert "Another server is running" in refused.stderr
    server.stop()
    done = CliRunner().invoke(app, place)
    assert (done.exit_code, done.stdout) == (0, f"The schema is {HEAD}: there is nothing to do.\n")
    nothing = CliRunner().invoke(app, ["migrate", "--data", str(tmp_path / "nothing")])
    assert nothing.exit_code == 1
    assert "holds no server" in nothing.stderr
