"""``sheetport listen``: run a Python listener."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from sheetport.cli.caller import environment_caller
from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, Environment, err
from sheetport.cli.run import Yes, confirm_production
from sheetport.cli.variables import program_variables
from sheetport.listener.dispatch import Failure
from sheetport.listener.errors import ListenerError
from sheetport.listener.runner import listen as run_listener


def listen(
    file: Annotated[Path, typer.Argument(metavar="FILE.py", help="Holds one Listener.")],
    environment: Environment = None,
    reload: Annotated[bool, typer.Option(help="Load the file again when it or one beside it changes.")] = False,
    data: Data = None,
    yes: Yes = False,
) -> None:
    """Run a Python listener until Ctrl-C or SIGTERM, and say which events it handled.

    The key is found as by 'sheetport run', and the listener sees the same variables.

        sheetport listen submit.py --reload
    """
    _log_to_stderr()
    with environment_caller(environment, data, "listen") as caller:
        confirm_production(caller, yes=yes)
        os.environ.update(program_variables(caller, os.environ))
        try:
            asyncio.run(
                run_listener(
                    file,
                    reload=reload,
                    environment_id=caller.environment_id,
                    api_url=caller.url,
                    token=caller.key,
                    on_connected=lambda _: _say(f"Connected to {caller.environment} of {caller.url}. Ctrl-C stops."),
                    on_handled=_say_handled,
                    report=_say,
                )
            )
        except ListenerError as error:
            raise CommandError(str(error)) from None


def _say_handled(event: Mapping[str, Any], failures: list[Failure]) -> None:
    context = event.get("context") or {}
    about = context.get("jobId") or context.get("sheetId") or context.get("spaceId") or ""
    _say(f"{'failed ' if failures else 'handled'}  {event.get('topic')}  {event.get('id')}  {about}".rstrip())


def _say(text: str) -> None:
    err.print(text, markup=False)


def _log_to_stderr() -> None:
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("sheetport.listener").setLevel(logging.INFO)
