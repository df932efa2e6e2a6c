"""How a command fails: one line that says what is wrong and what to do, and exit status 1."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup

from sheetport.cli.options import fail
from sheetport.cli.plain_parameters import as_typed


class CommandError(Exception):
    """A command cannot go on; the message says what to do. It never holds a secret."""


class Commands(TyperGroup):
    """The commands; one that raises CommandError ends with ``error: …`` and exit status 1."""

    def get_params(self, ctx: Any) -> list[Any]:
        return as_typed(super().get_params(ctx))

    def invoke(self, ctx: Any) -> Any:  # the library keeps its context type to itself
        try:
            return super().invoke(ctx)
        except CommandError as error:
            fail(str(error))
