"""docs/reference/command-line.md names every command and every option of its own that a command has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import typer.main

from sheetport.cli.main import app

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text()
#: Said once for all, or the same as the words without them.
COMMON = {"--help", "-h", "--install-completion", "--show-completion", "-e", "-y", "--no-reload", "--no-keep"}


def leaves(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Every command that does something, with its words."""
    if not hasattr(command, "list_commands"):
        return [(path, command)]
    names = command.list_commands(None)
    return [leaf for name in names for leaf in leaves(command.get_command(None, name), (*path, name))]


LEAVES = leaves(typer.main.get_command(app))


@pytest.mark.parametrize(("words", "command"), LEAVES, ids=[" ".join(words) for words, _ in LEAVES])
def test_the_command_and_its_options_are_in_the_reference(words: tuple[str, ...], command: Any) -> None:
    typed = " ".join(words).removesuffix(" show")  # 'env NAME' is 'env show NAME'
    assert re.search(rf"`{typed}[ `]", PAGE), typed
    options = {name for parameter in command.params for name in parameter.opts if name.startswith("-")}
    assert {name for name in options - COMMON if name not in PAGE} == set()
