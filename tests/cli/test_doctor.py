"""``sheetport doctor``: finds what is wrong with a server's place, and says how to mend it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from servers.data_places import DataPlace
from servers.sheetport import EMAIL, PASSWORD, PROGRAM, SheetportServer, clean_environment, free_port


class Place:
    """A server's place on disk, set up and not running."""

    def __init__(self, folder: Path, url: str | None = None) -> None:
        self.data = folder / "data"
        self.key = folder / "data.key"
        self.options = ["--data", str(self.data), *([] if url is None else ["--database-url", url])]
        self.sheetport("init", "--email", EMAIL, "--password", PASSWORD)

    def sheetport(self, command: str, *arguments: str, limits: str = "on") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, command, *self.options, *arguments],
            capture_output=True,
            text=True,
            timeout=60,
            env=clean_environment({"SHEETPORT_RATE_LIMITS": limits}),
        )

    def lines(self, status: int, *arguments: str, limits: str = "on") -> list[str]:
        """What doctor printed, one finding a line, when it ended with this status."""
        done = self.sheetport("doctor", "--port", str(free_port()), *arguments, limits=limits)
        assert (done.returncode, done.stderr) == (status, ""), done
        assert all(line[:6] in ("ok    ", "warn  ", "fail  ") for line in done.stdout.splitlines()), done.stdout
        return done.stdout.splitlines()

    def failure(self) -> str:
        """The one thing that is wrong."""
        found = [line for line in self.lines(1) if line.startswith("fail")]
        assert len(found) == 1, found
        return found[0]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_sound_place_has_no_failure(data_place: DataPlace) -> None:
    data_place.data.parent.mkdir(parents=True, exist_ok=True)
    lines = Place(data_place.data.parent, data_place.url).lines(0)
    said = "\n".join(lines)
    for part in ("data directory", "key file", "schema", "clock", "port", "no server is running"):
        assert part in said
    warned = [line for line in lines if line.startswith("warn")]
    assert len(warned) == 1
    assert "same volume" in warned[0]


def test_it_changes_nothing(place: Place) -> None:
    before = {path.name: (path.stat().st_mode, path.read_bytes()) for path in place.data.iterdir() if path.is_file()}
    place.lines(0)
    after = {path.name: (path.stat().st_mode, path.read_bytes()) for path in place.data.iterdir() if path.is_file()}
    assert after == before


def test_a_directory_open_to_others(place: Place) -> None:
    place.data.chmod(0o755)
    assert f"chmod 700 {place.data}" in place.failure()


def test_a_key_file_open_to_others(place: Place) -> None:
    place.key.chmod(0o644)
    assert f"chmod 600 {place.key}" in place.failure()


def test_a_missing_key_file(place: Place) -> None:
    place.key.unlink()
    assert "data.key is missing" in place.failure()


def test_another_servers_key_file(place: Place, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    shutil.copy(Place(tmp_path / "other").key, place.key)
    assert "belongs to another server" in place.failure()


def test_a_file_that_is_no_key_file(place: Place) -> None:
    place.key.write_text("not a key")
    assert "data.key cannot be used" in place.failure()


def test_a_database_that_is_gone_or_damaged(place: Place) -> None:
    database = place.data / "sheetport.db"
    database.write_bytes(b"this is no database at all" * 100)
    assert "database" in place.failure()
    database.unlink()
    assert "sheetport.db is missing" in place.failure()
    assert not database.exists()


def test_a_directory_without_a_server(tmp_path: Path) -> None:
    done = subprocess.run(
        [PROGRAM, "doctor", "--data", str(tmp_path / "none")],
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
    )
    assert done.returncode == 1
    assert "sheetport init" in done.stdout
    assert not (tmp_path / "none").exists()


def test_data_from_the_future_means_a_clock_that_went_back(place: Place) -> None:
    later = (place.data / "sheetport.db").stat().st_mtime + 86_400
    os.utime(place.data / "sheetport.db", (later, later))
    assert any(line.startswith("warn") and "clock" in line for line in place.lines(0))


def test_limits_that_are_off(place: Place) -> None:
    assert any(line.startswith("warn") and "rate limits" in line for line in place.lines(0, limits="off"))


def test_a_port_that_something_else_holds(place: Place) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        found = place.lines(0, "--port", str(other.getsockname()[1]))
    assert any(line.startswith("warn") and "cannot be used" in line for line in found)


def test_a_server_that_runs_is_named(server: Callable[..., SheetportServer]) -> None:
    one = server()
    done = one.command("doctor", "--data", str(one.data), "--port", str(one.port))
    assert done.returncode == 0, done.stdout
    assert f"answers at {one.url}" in done.stdout


def test_a_postgresql_that_is_not_there(tmp_path: Path) -> None:
    place = Place(tmp_path)
    place.options += ["--database-url", f"postgresql://nobody:canary-password@127.0.0.1:{free_port()}/none"]
    assert "database cannot be reached" in place.failure()
    assert "canary-password" not in place.failure()
