"""``sheetport doctor``: what is wrong with a server's place, and what to do. It changes nothing itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from cli.conftest import Shell
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer, free_port
from sheetport.storage.engine import sqlite_path


class Report(NamedTuple):
    """``lines`` are (state, text) in the order printed."""

    status: int
    lines: list[tuple[str, str]]

    def texts(self, state: str) -> list[str]:
        return [text for found, text in self.lines if found == state]

    def text(self, state: str) -> str:
        """The only line of that state."""
        (only,) = self.texts(state)
        return only


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SheetportServer:
    """A server that was set up and does not run."""
    return SheetportServer(DataPlace("sqlite", tmp_path_factory.mktemp("doctor") / "data", None))


@pytest.fixture
def stopped(made: SheetportServer, tmp_path: Path) -> Iterator[Shell]:
    """A shell beside a copy of its data and key."""
    shutil.copytree(made.data, tmp_path / "data")
    shutil.copy2(made.data.with_name("data.key"), tmp_path / "data.key")
    shell = Shell(made, tmp_path)
    shell.variables["SHEETPORT_DATA"] = str(tmp_path / "data")
    del shell.variables["SHEETPORT_RATE_LIMITS"]
    yield shell
    (tmp_path / "data").chmod(0o700)


def examine(shell: Shell, *options: str) -> Report:
    if "--port" not in options:
        options = (*options, "--port", str(free_port()))
    done = shell.type("doctor", *options)
    assert "Traceback" not in done.stderr
    lines = [(line[:4].strip(), line[6:]) for line in done.stdout.splitlines()]
    assert {state for state, _ in lines} <= {"ok", "warn", "fail"}, done
    return Report(done.returncode, lines)


def test_all_is_well(stopped: Shell) -> None:
    report = examine(stopped)
    assert report.status == 0
    assert "on the same volume" in report.text("warn")
    assert [text.split(" /")[0] for text in report.texts("ok")[:3]] == [
        "the data directory",
        "the database file",
        "the key file",
    ]
    said = " ".join(report.texts("ok"))
    assert all(text in said for text in ("its schema is this version's", "is this database's", "no server is running"))
    assert "is free" in said


def test_a_warning_alone_is_no_failure(stopped: Shell) -> None:
    stopped.variables["SHEETPORT_RATE_LIMITS"] = "off"
    report = examine(stopped)
    assert report.status == 0
    assert any("rate limits are off" in text for text in report.texts("warn"))


@pytest.mark.parametrize(
    ("name", "mode", "mend"), [("data", 0o755, "700"), ("data/sheetport.db", 0o644, "600"), ("data.key", 0o640, "600")]
)
def test_what_others_can_read(stopped: Shell, name: str, mode: int, mend: str) -> None:
    path = sqlite_path(stopped.folder / "data") if name.endswith(".db") else stopped.folder / name
    path.chmod(mode)
    report = examine(stopped)
    assert report.status == 1
    assert report.text("fail").endswith(f"is open to others ({mode:04o}). Run: chmod {mend} {path}")
    assert path.stat().st_mode & 0o777 == mode
    path.chmod(int(mend, 8))
    assert examine(stopped).status == 0


def test_a_missing_key_file(stopped: Shell) -> None:
    (stopped.folder / "data.key").unlink()
    report = examine(stopped)
    assert report.status == 1
    assert "data.key is missing. Point --key-file at it" in report.text("fail")


def test_a_key_file_elsewhere_is_found_by_the_option(stopped: Shell) -> None:
    moved = stopped.folder / "elsewhere.key"
    (stopped.folder / "data.key").rename(moved)
    assert examine(stopped, "--key-file", str(moved)).status == 0


def test_the_key_file_of_another_server(stopped: Shell) -> None:
    other = SheetportServer(DataPlace("sqlite", stopped.folder / "other", None), set_up_anew=True)
    report = examine(stopped, "--key-file", str(other.data.with_name("other.key")))
    assert report.status == 1
    assert "key" in report.text("fail")
    assert not any("is this database's" in text for text in report.texts("ok"))


def test_a_key_file_that_is_none(stopped: Shell) -> None:
    (stopped.folder / "data.key").write_text("canary text of some other file\n")
    report = examine(stopped)
    assert report.status == 1
    assert "data.key cannot be used" in report.text("fail")
    assert "canary" not in report.text("fail")


def test_no_server_was_ever_set_up(stopped: Shell) -> None:
    report = examine(stopped, "--data", str(stopped.folder / "nothing"))
    assert report.status == 1
    assert "Run 'sheetport init'" in report.texts("fail")[0]
    assert not (stopped.folder / "nothing").exists()


def test_a_missing_database(stopped: Shell) -> None:
    path = sqlite_path(stopped.folder / "data")
    path.unlink()
    report = examine(stopped)
    assert report.status == 1
    assert f"{path} is missing" in report.texts("fail")[0]
    assert not path.exists()


def test_a_clock_that_went_back(stopped: Shell) -> None:
    path = sqlite_path(stopped.folder / "data")
    ahead = path.stat().st_mtime + 86_400
    os.utime(path, (ahead, ahead))
    report = examine(stopped)
    assert report.status == 0
    assert any("the clock is behind the newest data" in text for text in report.texts("warn"))


def test_a_server_that_runs_is_named(shell: Shell) -> None:
    report = examine(shell)
    assert report.status == 0
    assert any(f"answers at {shell.server.url}" in text for text in report.texts("ok"))


def test_a_port_that_is_taken(stopped: Shell, shell: Shell) -> None:
    report = examine(stopped, "--port", str(shell.server.port))
    assert report.status == 0
    assert any(f"127.0.0.1:{shell.server.port} cannot be used" in text for text in report.texts("warn"))
