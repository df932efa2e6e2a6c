"""``sheetport serve`` on an empty data directory: where its set-up link goes, with and without a terminal."""

from __future__ import annotations

import os
import pty
import re
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from servers.commands import PROGRAM
from servers.sheetport import clean_environment, free_port, send

SECONDS = 30
LINK = re.compile(r"http://127\.0\.0\.1:\d+/setup\?token=\w+")


@contextmanager
def first_start(folder: Path, output: int) -> Iterator[None]:
    """``sheetport serve`` without a data directory, its output going to a file descriptor."""
    process = subprocess.Popen(
        [PROGRAM, "serve", "--data", str(folder / "data"), "--port", str(free_port())],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        env=clean_environment(),
        cwd=folder,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0


def opened(link: str) -> str:
    """The set-up page behind a link, as a browser gets it that keeps the cookie."""
    address, _, token = link.partition("?token=")
    return str(send(address, "GET", headers={"Cookie": f"sheetport_setup={token}"}).body)


def test_without_a_terminal_the_link_is_in_a_private_file_only(tmp_path: Path) -> None:
    log, file = tmp_path / "log", tmp_path / "data" / "first-run.txt"
    with log.open("wb") as output, first_start(tmp_path, output.fileno()):
        end = time.monotonic() + SECONDS
        while "is ready at" not in log.read_text() and time.monotonic() < end:
            time.sleep(0.05)
        said = log.read_text()
        assert ("is ready at" in said, str(file) in said.replace("\n", ""), "setup_" in said) == (True, True, False)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        (link,) = LINK.findall(file.read_text())
        assert "Welcome to" in opened(link)


def test_on_a_terminal_the_link_is_printed_and_keys_are_masked(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    said = ""
    with first_start(tmp_path, theirs):
        end = time.monotonic() + SECONDS
        while "is ready at" not in said and time.monotonic() < end:
            said += os.read(ours, 65_536).decode()
        (link,) = LINK.findall(said)
        assert "Welcome to" in opened(link)
    os.close(theirs)
    os.close(ours)
    assert not (tmp_path / "data" / "first-run.txt").exists()
    assert re.search(r"[sp]k_(dev|prod)_[A-Za-z0-9]{12}", said) is None
