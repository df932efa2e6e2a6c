"""A key file that is missing, unreadable, cut off or another server's: one sentence, nothing changed, no start."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from servers.data_places import DataPlace
from servers.sheetport import SheetportServer, free_port
from sheetport.kernel.crypto import KeyRing


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SheetportServer:
    """A server that was set up and does not run."""
    return SheetportServer(DataPlace("sqlite", tmp_path_factory.mktemp("key") / "data", None))


@pytest.fixture(scope="module")
def others_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key file of another server."""
    return SheetportServer(DataPlace("sqlite", tmp_path_factory.mktemp("other") / "data", None)).data.with_suffix(
        ".key"
    )


def cut_off(key: Path) -> None:
    key.write_bytes(key.read_bytes()[:-20])


def no_text(key: Path) -> None:
    key.write_bytes(bytes(range(256)))


def a_folder(key: Path) -> None:
    key.unlink()
    key.mkdir()


def missing(key: Path) -> None:
    key.unlink()


def of_a_newer_format(key: Path) -> None:
    key.write_text(key.read_text().replace("sheetport-key-1", "sheetport-key-2"))


def of_another_server(key: Path) -> None:
    key.write_text(KeyRing.generate().to_text())


def contents(folder: Path) -> dict[str, bytes]:
    """What the files below hold, but for the lock that a start takes."""
    found = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: held for name, held in found.items() if not name.endswith("server.lock")}


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (missing, "is missing. Point --key-file at it"),
        (a_folder, "cannot be read: Is a directory"),
        (cut_off, "not a key file of this server"),
        (no_text, "cannot be used: "),
        (of_a_newer_format, "a format this version does not know"),
        (of_another_server, "belongs to another server"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_key_file_that_does_not_fit(
    made: SheetportServer, tmp_path: Path, fault: Callable[[Path], None], sentence: str
) -> None:
    shutil.copytree(made.data, tmp_path / "data")
    key = shutil.copy2(made.data.with_suffix(".key"), tmp_path / "data.key")
    fault(key)
    before = contents(tmp_path)
    done = made.command("serve", "--data", str(tmp_path / "data"), "--port", str(free_port()))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert sentence in done.stderr
    assert done.stderr.count("\n") == 1, "one sentence, on one line"
    assert "Traceback" not in done.stderr
    assert contents(tmp_path) == before


def test_the_right_key_file_again_is_all_it_needs(made: SheetportServer) -> None:
    key, kept = made.data.with_suffix(".key"), made.data.with_suffix(".kept")
    key.rename(kept)
    of_another_server(key)
    assert made.command("serve", "--data", str(made.data), "--port", str(free_port())).returncode == 1
    kept.replace(key)
    made.start()
    token = made.development["secretKey"]
    assert made.request("GET", "/v1/environments", token=token).status == 200
    made.stop()
