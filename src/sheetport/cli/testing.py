"""``sheetport testing``: tests of listeners in any language against a server that is there for them alone."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from sheetport.cli.caller import EnvironmentCaller
from sheetport.cli.run import run_program
from sheetport.cli.variables import program_variables
from sheetport.testing import TestServer

testing_app = typer.Typer(
    name="testing",
    no_args_is_help=True,
    help="Test listeners against a server that is there for the tests alone.\n\n"
    "    sheetport testing run -- node --test",
)


@testing_app.callback()
def _only_subcommands() -> None:
    """Without a callback Typer makes a single command of it."""


@testing_app.command()
def run(
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="The program and its arguments.")],
) -> None:
    """Run tests with a fresh server, which ends with them and leaves nothing behind.

    The program gets what 'sheetport run' gives it: FLATFILE_API_KEY, FLATFILE_API_URL, FLATFILE_ENVIRONMENT_ID and,
    for Node.js, the preload. Its exit status is this command's.

        sheetport testing run -- npx vitest run

        sheetport testing run -- python -m pytest
    """
    with TestServer() as server:
        caller = EnvironmentCaller(server.url, server.key, server.environment_id, "development", False, "made")
        # The variables of another server, such as the developer's own, are overruled.
        status = run_program(command, {**os.environ, **program_variables(caller, os.environ)})
    raise typer.Exit(status)
