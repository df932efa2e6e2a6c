"""A forked command is what an executed one is: a process with arguments, variables, folder and end of its own."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from servers.commands import Command, run_command


@pytest.mark.parametrize("executed", [False, True])
def test_a_command_prints_fails_and_reads_its_variables(tmp_path: Path, executed: bool) -> None:
    done = run_command("version", executed=executed)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    unknown = run_command("nonsense", executed=executed)
    assert (unknown.returncode, unknown.stdout) == (2, "")
    assert "No such command 'nonsense'" in unknown.stderr
    there = {**os.environ, "SHEETPORT_DATA": str(tmp_path / "none")}
    refused = run_command("keys", "list", env=there, cwd=tmp_path, executed=executed)
    assert refused.returncode == 1, refused
    assert refused.stderr.startswith("error: "), refused


def _serve(folder: Path, variables: dict[str, str]) -> Command:
    where = ["serve", "--data", str(folder / "data"), "--port", "1"]
    return Command(where, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _is_forked(process: Command) -> bool:
    return str(Path(__file__).with_name("template.py")).encode() in Path(f"/proc/{process.pid}/cmdline").read_bytes()


def test_a_variable_that_is_read_while_loading_has_the_command_executed(tmp_path: Path) -> None:
    for variables, forked in (({}, True), ({"SHEETPORT_KILL_AT": "none"}, False), ({"MALLOC_ARENA_MAX": "1"}, False)):
        process = _serve(tmp_path, variables)
        assert _is_forked(process) is forked, variables
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
