"""Every command's ``--help`` shows how it is typed, and wrong usage ends with status 2."""

from __future__ import annotations

from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from sheetport import __version__
from sheetport.cli.main import app

ROOT = typer.main.get_command(app)


def commands(command: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """The words of every command and group."""
    if not hasattr(command, "list_commands"):
        return [path]
    names = command.list_commands(None)
    below = [words for name in names for words in commands(command.get_command(None, name), (*path, name))]
    return [path, *below] if path else below


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
