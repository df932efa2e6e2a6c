"""``sheetport events tail``: what happens, as it happens."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from sheetport.cli.caller import environment_caller
from sheetport.cli.errors import CommandError
from sheetport.cli.options import Data, Environment, err
from sheetport.listener.client import Api, Connection
from sheetport.listener.errors import ListenerError
from sheetport.listener.matching import topic_matches
from sheetport.listener.receive import receive

events_app = typer.Typer(
    name="events", no_args_is_help=True, help="What happens in an environment.\n\n    sheetport events tail"
)


@events_app.callback()
def _only_subcommands() -> None:
    """Without a callback Typer makes a single command of it."""


@events_app.command()
def tail(
    environment: Environment = None,
    space: Annotated[str | None, typer.Option("--space", metavar="ID", help="Of this space only.")] = None,
    topic: Annotated[str, typer.Option(metavar="GLOB", help="Such as 'job:*' or 'commit:**'.")] = "**",
    as_json: Annotated[bool, typer.Option("--json", help="Print each event whole, as JSON on one line.")] = False,
    data: Data = None,
) -> None:
    """Print events as they happen, one a line: time, topic, id, and the ids it is about. Ctrl-C ends it.

    sheetport events tail --topic 'job:*'

    sheetport events tail --json | jq .payload
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    with environment_caller(environment, data, "events tail", or_login=True) as caller:
        connection = Connection(caller.url, caller.key, space or caller.environment_id)
        try:
            asyncio.run(_tail(connection, topic, as_json=as_json))
        except ListenerError as error:
            raise CommandError(str(error)) from None


async def _tail(connection: Connection, topic: str, *, as_json: bool) -> None:
    stop = asyncio.Event()

    async def show(event: Mapping[str, Any], _: Api) -> None:
        if not topic_matches(event.get("topic"), topic) or stop.is_set():
            return
        try:
            sys.stdout.write((json.dumps(event) if as_json else _line(event)) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:  # the reader, such as head, has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            stop.set()

    await receive(show, connection, stop, on_connected=lambda scope: err.print(f"Connected to {scope}."))


def _line(event: Mapping[str, Any]) -> str:
    context = event.get("context") or {}
    ids = [f"{name}={value}" for name, value in context.items() if name.endswith("Id") and name not in _ALWAYS]
    return "  ".join([str(event.get("createdAt", "")), str(event.get("topic")), str(event.get("id")), *ids])


#: The same in every line of one tail.
_ALWAYS = ("accountId", "environmentId")
