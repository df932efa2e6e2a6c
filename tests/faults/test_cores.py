"""No memory of a server or of a process it starts is written to disk: cores are off, and an abort leaves none."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from servers.sheetport import SheetportServer

ABORTING = "import os; from sheetport.kernel.memory import forbid_dumps; {}; os.abort()"


@pytest.fixture
def cores_allowed() -> Iterator[None]:
    """What this process starts may leave cores, unless it forbids them itself."""
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_CORE, before)


def dumped(folder: Path, code: str) -> bool:
    """Whether a program that aborts has its memory written."""
    process = subprocess.Popen([sys.executable, "-c", ABORTING.format(code)], cwd=folder)
    _, status = os.waitpid(process.pid, 0)
    process.returncode = 0  # waited for here
    assert os.WTERMSIG(status) == signal.SIGABRT
    return os.WCOREDUMP(status)


@pytest.mark.usefixtures("cores_allowed")
def test_a_process_that_forbids_dumps_leaves_none(tmp_path: Path) -> None:
    assert not dumped(tmp_path, "forbid_dumps()")
    assert list(tmp_path.iterdir()) == []
    assert dumped(tmp_path, "pass"), "the test sees a dump where it is allowed"


@pytest.mark.usefixtures("cores_allowed")
def test_a_server_that_is_aborted_leaves_no_core(server: Callable[..., SheetportServer]) -> None:
    one = server(executed=True)
    limits = Path(f"/proc/{one.pid}/limits").read_text()
    (line,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
    assert line.split()[4] == "0"
    before = set(one.data.parent.rglob("*"))
    assert one.kill(signal.SIGABRT) == -signal.SIGABRT
    assert set(one.data.parent.rglob("*")) <= before
