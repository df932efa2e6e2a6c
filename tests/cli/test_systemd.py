"""The unit that 'sheetport systemd' prints."""

from __future__ import annotations

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

from servers.commands import PROGRAM


def printed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([PROGRAM, "systemd", *arguments], capture_output=True, text=True, timeout=60)


def test_the_unit_runs_this_installation_and_tells_systemd_when_it_is_ready() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    text = printed("--user", "data-exchange", "--data-name", "main").stdout
    unit.read_string(text)
    service = unit["Service"]
    assert service["ExecStart"] == f"{Path(sys.executable).parent / 'sheetport'} serve"
    assert (service["Type"], service["ExecReload"]) == ("notify", "/bin/kill -HUP $MAINPID")
    assert (service["User"], service["Environment"]) == ("data-exchange", "SHEETPORT_DATA=/var/lib/sheetport/main")
    assert service["ProtectSystem"] == "strict"
    assert "{" not in text


@pytest.mark.parametrize("user", ["root\nUser=root", "Ada Lovelace", ""], ids=["two-lines", "spaces", "none"])
def test_a_name_that_is_none_is_refused(user: str) -> None:
    done = printed("--user", user)
    assert (done.returncode, done.stdout) == (1, "")
    assert "--user must be" in done.stderr
