"""``sheetport events``: what happens, as it happens, and once more."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer

from sheetport.cli.caller import environment_caller
from sheetport.cli.errors import CommandError
from sheetport.cli.event_log import Event, Wanted, beginning, line, past_events
from sheetport.cli.options import Data, Environment, err
from sheetport.cli.run import Yes, confirm_production
from sheetport.cli.variables import program_variables
from sheetport.listener.client import Api, Connection
from sheetport.listener.errors import ListenerError
from sheetport.listener.listener import Listener
from sheetport.listener.receive import receive
from sheetport.listener.runner import load_listener

Space = Annotated[str | None, typer.Option("--space", metavar="ID", help="Of this space only.")]
Topics = Annotated[
    list[str] | None,
    typer.Option("--topic", metavar="GLOB", help="Such as 'job:*' or 'commit:**'; may be repeated."),
]
Domain = Annotated[str | None, typer.Option(metavar="NAME", help="Of this domain only, such as job or space.")]
_WHEN = "A time, a span such as 10m or 2h ago, or an event's id"

events_app = typer.Typer(
    name="events", no_args_is_help=True, help="What happens in an environment.\n\n    sheetport events tail"
)


@events_app.callback()
def _only_subcommands() -> None:
    """Without a callback Typer makes a single command of it."""


@events_app.command()
def tail(
    environment: Environment = None,
    space: Space = None,
    topic: Topics = None,
    domain: Domain = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help=f"First those of the log. {_WHEN} (behind it).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print each event whole, as JSON on one line.")] = False,
    data: Data = None,
) -> None:
    """Print events as they happen, one a line: time, topic, id, and the ids it is about. Ctrl-C ends it.

    sheetport events tail --topic 'job:*' --topic 'commit:**'

    sheetport events tail --since 10m --json | jq .payload
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    wanted = Wanted(topic or ["**"], domain)
    begin = None if since is None else beginning(since, "--since")
    with environment_caller(environment, data, "events tail", or_login=True) as caller:
        connection = Connection(caller.url, caller.key, space or caller.environment_id)
        try:
            asyncio.run(_Tail(connection, wanted, as_json=as_json).run(begin))
        except (ListenerError, httpx.TransportError) as error:
            raise CommandError(str(error)) from None


@events_app.command()
def replay(
    file: Annotated[Path, typer.Argument(metavar="FILE.py", help="Holds one Listener.")],
    event_ids: Annotated[list[str] | None, typer.Argument(metavar="[EVENT]...", help="Ids of events.")] = None,
    environment: Environment = None,
    space: Space = None,
    topic: Topics = None,
    domain: Domain = None,
    since: Annotated[str | None, typer.Option(metavar="WHEN", help=f"From here on. {_WHEN} (behind it).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the events that would be replayed.")] = False,
    data: Data = None,
    yes: Yes = False,
) -> None:
    """Hand events of the log once more to a Python listener on this machine, one after another, oldest first.

    Nobody else receives them. What the handlers do is real: a job that has ended refuses to be completed again.
    Ends with status 1 when a handler failed.

        sheetport events replay submit.py us_evt_...

        sheetport events replay submit.py --since 1h --topic 'commit:**'
    """
    if bool(event_ids) == bool(since):
        raise CommandError("Say which events: either their ids, or --since WHEN.")
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    wanted = Wanted(topic or ["**"], domain)
    begin = None if since is None else beginning(since, "--since")
    with environment_caller(environment, data, "events replay") as caller:
        if not dry_run:
            confirm_production(caller, yes=yes)
        os.environ.update(program_variables(caller, os.environ))
        connection = Connection(caller.url, caller.key, space or caller.environment_id)
        try:
            failed = asyncio.run(_replay(load_listener(file), connection, event_ids or [], begin, wanted, dry_run))
        except (ListenerError, httpx.TransportError) as error:
            raise CommandError(str(error)) from None
    raise typer.Exit(1 if failed else 0)


class _Tail:
    """Prints what is wanted: of the log first, if asked to, and then as it comes, each event once."""

    def __init__(self, connection: Connection, wanted: Wanted, *, as_json: bool) -> None:
        self._connection = connection
        self._wanted = wanted
        self._as_json = as_json
        self._stop = asyncio.Event()
        self._caught_up = asyncio.Event()
        self._printed: set[str] = set()

    async def run(self, since: str | None) -> None:
        """Until a signal, or until the reader has enough; ``since`` None prints nothing of the log."""
        catching_up: list[asyncio.Task[None]] = []

        def connected(scope: str) -> None:
            err.print(f"Connected to {scope}.")
            catching_up.append(asyncio.create_task(self._catch_up(since)))

        await receive(self._show, self._connection, self._stop, on_connected=connected)
        for task in catching_up:
            if not task.done():
                task.cancel()
                await asyncio.wait({task})
            elif (error := task.exception()) is not None:
                raise error

    async def _catch_up(self, since: str | None) -> None:
        """Print the log: only then come the events that have happened meanwhile."""
        try:
            if since is not None:
                async with Api(self._connection) as api:
                    async for event in past_events(api, since):
                        self._printed.add(str(event["id"]))
                        self._print(event)
        except BaseException:
            self._stop.set()
            raise
        finally:
            self._caught_up.set()

    async def _show(self, event: Event, _: Api) -> None:
        await self._caught_up.wait()
        if str(event.get("id")) not in self._printed:
            self._print(event)

    def _print(self, event: Event) -> None:
        if self._stop.is_set() or not self._wanted.fits(event):
            return
        try:
            sys.stdout.write((json.dumps(event) if self._as_json else line(event)) + "\n")
            sys.stdout.flush()
        except BrokenPipeError:  # the reader, such as head, has enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            self._stop.set()


async def _replay(
    listener: Listener, connection: Connection, ids: list[str], since: str | None, wanted: Wanted, dry_run: bool
) -> int:
    """How many of the events failed in a handler."""
    counts = {"handled": 0, "failed": 0, "no handler": 0}
    async with Api(connection) as api:
        named: list[dict[str, Any]] = [await api.fetch(f"v1/events/{one}") for one in ids]
        # All of them are read first: what the handlers cause is not replayed.
        found = [*named] if since is None else [event async for event in past_events(api, since)]
        for event in filter(wanted.fits, found):
            word = "no handler" if not listener.handlers_for(event) else "would run" if dry_run else "handled"
            if word == "handled" and await listener.dispatch(event, api):
                word = "failed"
            counts[word] = counts.get(word, 0) + 1
            sys.stdout.write(f"{word:<10}  {line(event)}\n")
            sys.stdout.flush()
    if not dry_run:
        err.print(f"{counts['handled']} handled, {counts['failed']} failed, {counts['no handler']} without a handler.")
    return counts["failed"]
