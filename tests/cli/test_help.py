"""Every command's ``--help`` shows how it is typed, and wrong usage ends with status 2."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from servers.commands import PROGRAM
from sheetport import __version__
from sheetport.cli.lazy import PLACES
from sheetport.cli.main import app

ROOT = typer.main.get_command(app)


def commands(command: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command and group."""
    if not hasattr(command, "list_commands"):
        return [path]
    names = command.list_commands(None)
    below = [words for name in names for words in commands(command.get_command(None, name), (*path, name))]
    return [path, *below] if path else below


@pytest.mark.parametrize("name", PLACES)
def test_the_list_of_commands_says_what_the_command_says(name: str) -> None:
    assert ROOT.get_command(None, name).get_short_help_str(300) == PLACES[name][2]


#: What takes long to load, or belongs to the server.
HEAVY = ("asyncpg", "cryptography", "httpx", "litestar", "pydantic", "sqlalchemy", "sheetport.features")
LOADED = f"""
import sys
from sheetport.cli.main import app
app(["--help"], standalone_mode=False)
print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)
"""


def test_the_help_loads_no_command_and_nothing_heavy() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, timeout=60)
    assert done.stdout.count("\n  ") > len(PLACES)
    assert done.stderr == "[]\n"


def test_completion_can_still_be_shown() -> None:
    shown = subprocess.run(
        [PROGRAM, "--show-completion", "bash"],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"},
    )
    assert "_SHEETPORT_COMPLETE" in shown.stdout, shown.stderr


#: Without options there is nothing to show.
SELF_EVIDENT = {("version",), ("preload",)}


def test_every_promised_command_is_there() -> None:
    promised = {
        ("init",), ("serve",), ("run",), ("env",), ("env", "set"), ("env", "unset"), ("env", "list"), ("preload",),
        ("login",), ("logout",), ("token", "create"), ("token", "list"), ("token", "revoke"), ("secrets", "set"),
        ("secrets", "list"), ("secrets", "get"), ("secrets", "delete"), ("secrets", "import"), ("listen",),
        ("events", "tail"), ("account", "create"), ("doctor",), ("demo",), ("version",),
        ("backup",), ("restore",), ("migrate",),
    }  # fmt: skip
    assert promised <= set(commands(ROOT))


@pytest.mark.parametrize("words", [one for one in commands(ROOT) if one not in SELF_EVIDENT], ids=" ".join)
def test_help_shows_an_example(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": "200", "TERMINAL_WIDTH": "200"})
    assert shown.exit_code == 0
    examples = [line for line in shown.output.splitlines() if line.strip(" │").startswith("sheetport ")]
    assert examples, shown.output


@pytest.mark.parametrize("words", [["nonsense"], ["run"], ["token", "create"], ["secrets", "set"], ["demo", "--no"]])
def test_wrong_usage_is_status_2(words: list[str]) -> None:
    assert CliRunner().invoke(app, words).exit_code == 2


def test_version() -> None:
    assert CliRunner().invoke(app, ["version"]).output == f"{__version__}\n"
