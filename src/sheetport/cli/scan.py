"""``sheetport scan``: our tokens where they do not belong."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from sheetport.cli.errors import CommandError
from sheetport.cli.options import fail, out
from sheetport.cli.scan_places import STDIN, Finding, scan_history, scan_path, scan_staged, scan_stdin

FOUND, FAILED = 1, 2

Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH…", help="Files and folders, or - for standard input.", show_default=False),
]
Staged = Annotated[bool, typer.Option("--staged", help="The files of the next commit, as they are staged in git.")]
History = Annotated[bool, typer.Option("--history", help="All that git keeps of the repositories at PATH… (.)")]
AllowPublishable = Annotated[
    bool, typer.Option("--allow-publishable", help="Pass over publishable keys, which pages carry.")
]
Revoke = Annotated[
    str | None,
    typer.Option("--revoke", metavar="URL", help="Hand in what is found to the server at URL, which revokes it."),
]


def scan(
    paths: Paths = None,
    staged: Staged = False,
    history: History = False,
    allow_publishable: AllowPublishable = False,
    revoke: Revoke = None,
) -> None:
    """Find this server's keys and tokens in files, folders, git's history or standard input.

    It knows them by prefix and checksum and needs no server. One line a find: file, line, kind, and the token masked.
    Status 1 if there is one, 0 if there is none, 2 if something could not be read.

    sheetport scan .

    sheetport scan --history --revoke https://data.example.com
    """
    if not paths and not staged and not history:
        raise typer.BadParameter("Name files or folders, or - for standard input, or give --staged or --history.")
    unread: list[str] = []
    tokens: dict[str, None] = {}
    found = False
    try:
        for place, each in _findings(paths or [], unread, staged=staged, history=history):
            if each.public and allow_publishable:
                continue
            found = True
            if each.token and not each.public:
                tokens[each.token] = None
            out.file.write(f"{_printable(place)}:{each.line}: {each.kind}, {each.masked}\n")
    except CommandError as error:
        unread.append(str(error))
    out.file.flush()
    if revoke is not None and tokens:
        # Loaded only here: what calls a server takes longer to load than all else of a scan.
        importlib.import_module("sheetport.cli.hand_in").hand_in(revoke, list(tokens))
    if unread:
        fail(" ".join(unread), FOUND if found else FAILED)
    raise typer.Exit(FOUND if found else 0)


def _findings(paths: list[str], unread: list[str], *, staged: bool, history: bool) -> Iterator[Finding]:
    if staged:
        yield from scan_staged()
    if history:
        for path in paths or ["."]:
            yield from scan_history(Path(path))
        return
    for path in paths:
        yield from scan_stdin() if path == STDIN else scan_path(Path(path), unread.append)


def _printable(name: str) -> str:
    """A file's name on one line, whatever bytes it has."""
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)
