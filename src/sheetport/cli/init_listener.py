"""``sheetport init-listener``: a listener to start from, with a test."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from sheetport.cli.errors import CommandError
from sheetport.cli.options import err

#: Each file ends in .txt, and in place of a dot at its beginning has DOT, so that no tool takes it for one of ours.
STARTERS = Path(__file__).with_name("starters")
SUFFIX, DOT = ".txt", "dot."


def init_listener(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or an empty folder.")],
    python: Annotated[
        bool, typer.Option("--python/--js", help="In Python, which needs nothing else, or for Node.js and npm.")
    ] = True,
) -> None:
    """Make a listener to start from: a folder with a listener, its test and how to run both.

    It hears of submit jobs. No key is in it, and no server has to run.

        sheetport init-listener my-listener

        sheetport init-listener --js my-listener
    """
    try:
        write_starter("python" if python else "js", folder)
    except OSError as error:
        raise CommandError(f"{folder} cannot be written: {error.strerror}.") from None
    err.print(f"A listener is in {folder}. To test it and to run it:\n", markup=False)
    for line in (f"cd {shlex.quote(str(folder))}", *next_steps(python=python)):
        err.print(f"    {line}", markup=False)
    err.print(f"\n{folder / 'README.md'} says more.", markup=False)


def write_starter(language: str, folder: Path) -> None:
    """Write the files of ``python`` or ``js``. Raises CommandError for a folder that holds something, and OSError."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CommandError(f"{folder} is there already and is no empty folder. Name another, which will be made.")
    folder.mkdir(parents=True, exist_ok=True)
    for source in sorted((STARTERS / language).iterdir()):
        name = source.name.removesuffix(SUFFIX)
        name = f".{name.removeprefix(DOT)}" if name.startswith(DOT) else name
        (folder / name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")


def next_steps(*, python: bool) -> list[str]:
    """The commands that test a starter and run it, typed in its folder."""
    if python:
        return [f"{shlex.quote(sys.executable)} -m unittest", "sheetport listen listener.py --reload"]
    return ["npm install", "sheetport testing run -- npm test", "npm start"]
