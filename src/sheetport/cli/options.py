"""Options that many commands take, and how commands say things."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.markup import escape

from sheetport.config import ConfigError, Settings, read_settings

Data = Annotated[
    Path | None,
    typer.Option("--data", metavar="DIR", help="The data directory, by default ./sheetport-data.", show_default=False),
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="F", help="The key file, by default DIR.key, beside DIR.", show_default=False),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url", metavar="URL", help="A PostgreSQL database, postgresql://… (without it: SQLite in DIR)."
    ),
]
Environment = Annotated[
    str | None,
    typer.Option("--environment", "-e", metavar="NAME", help="Name or id of the environment, by default development."),
]

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


def fail(message: str, code: int = 1) -> NoReturn:
    """Say what is wrong and what to do, and end."""
    err.print(f"[bold red]error:[/] {escape(message)}")
    raise typer.Exit(code)


@contextmanager
def progress(title: str) -> Iterator[Callable[[str], None]]:
    """Tell a person at a terminal what long work is at; nothing is said elsewhere."""
    if not err.is_terminal:
        yield lambda _: None
        return
    with err.status(title) as status:
        yield lambda doing: status.update(f"{title} {escape(doing)}")


def settings_of(
    data: Path | None,
    key_file: Path | None = None,
    database_url: str | None = None,
    host: str = "127.0.0.1",
    port: int = 4010,
) -> Settings:
    """The settings of a command's options; ends the command with the fix when they cannot be used."""
    try:
        return read_settings(data, key_file, database_url, host, port)
    except ConfigError as error:
        fail(str(error))
