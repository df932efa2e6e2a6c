"""Values that must not stand in a command's arguments, where every user of the machine can read them."""

from __future__ import annotations

import sys

import typer

from sheetport.cli.errors import CommandError


def read_secret(label: str, *, confirm: bool = False) -> str:
    """A value from standard input (one line break at its end is left out), on a terminal from a hidden prompt.

    Raises CommandError when it is empty.
    """
    if sys.stdin.isatty():
        value = str(typer.prompt(label, hide_input=True, confirmation_prompt=confirm, err=True))
    else:
        value = sys.stdin.read()
        value = value.removesuffix("\n").removesuffix("\r")
    if not value:
        raise CommandError(f"{label} is empty. Type it at the prompt, or send it: … | sheetport …")
    return value
