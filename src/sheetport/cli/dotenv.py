"""Files of variables, ``NAME=value`` a line, as shells and programs read them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from sheetport.cli.errors import CommandError

_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
_NOT_IN_DOUBLE_QUOTES = re.compile(r'[$`\\"!]')


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables of a file; those without ``=`` are left out. Raises CommandError."""
    try:
        found = dotenv_values(path, interpolate=False, encoding="utf-8") if path.is_file() else None
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{path} cannot be read: {error.__class__.__name__}. Is it a text file of yours?") from None
    if found is None:
        raise CommandError(f"There is no file {path}.")
    return {name: value for name, value in found.items() if value is not None}


def dotenv_text(variables: Mapping[str, str]) -> str:
    """The variables as a file that a shell reads back equal, and readers of .env files wherever they can."""
    return "".join(f"{name}={quoted(value)}\n" for name, value in variables.items())


def quoted(value: str) -> str:
    """The value as a shell reads it: bare, or in the quotes in which every reader takes it literally."""
    if _PLAIN.fullmatch(value):
        return value
    if "'" not in value:
        return f"'{value}'"
    if not _NOT_IN_DOUBLE_QUOTES.search(value):
        return f'"{value}"'
    return "'" + value.replace("'", "'\\''") + "'"
