"""``sheetport serve``: run the server."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from contextlib import AsyncExitStack
from typing import Annotated

import typer
import uvloop
from rich.markup import escape

from sheetport.bootstrap import Application
from sheetport.cli.options import Data, DatabaseUrl, KeyFile, fail, out, settings_of
from sheetport.config import DEFAULT_HOST, DEFAULT_PORT, Settings
from sheetport.features.setup import service as setup
from sheetport.kernel.crypto import KeyRing, masked
from sheetport.kernel.errors import SheetportError
from sheetport.runtime.admin_socket import admin_socket
from sheetport.runtime.local_operations import LocalOperations
from sheetport.runtime.server import PortInUseError, held_port
from sheetport.runtime.server import serve as run_server
from sheetport.runtime.set_up import PLACEHOLDER_EMAIL, FirstRun, initialise
from sheetport.runtime.upgrade import bring_up_to_date
from sheetport.runtime.workers import WORKER_VARIABLE, die_with_parent, report_ready, supervise
from sheetport.storage import data_directory
from sheetport.storage.data_directory import DataDirectoryError
from sheetport.storage.identity import WrongKeyError
from sheetport.storage.migrations import SchemaError
from sheetport.storage.unit_of_work import Database


def serve(
    data: Data = None,
    key_file: KeyFile = None,
    database_url: DatabaseUrl = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = DEFAULT_HOST,
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65_535)] = DEFAULT_PORT,
    workers: Annotated[int, typer.Option(help="Server processes; more than one needs PostgreSQL.", min=1)] = 1,
) -> None:
    """Run the server. On an empty data directory it first sets one up, as 'sheetport init' does.

    Stop it with Ctrl-C or SIGTERM: open requests are finished first.

        sheetport serve

        sheetport serve --database-url postgresql://sheetport@db.example.com/sheetport --workers 4
    """
    settings = settings_of(data, key_file, database_url, host, port)
    if workers > 1 and settings.storage.database_url is None:
        fail("--workers above 1 needs PostgreSQL: SQLite has one server process. Give --database-url postgresql://…")
    try:
        _serve(settings, workers)
    except (DataDirectoryError, WrongKeyError, SchemaError, PortInUseError, SheetportError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"The server cannot run: {error}. Is the database there, and --database-url right?")


def _serve(settings: Settings, workers: int) -> None:
    data_directory.keep_private()
    worker = os.environ.get(WORKER_VARIABLE)
    if worker is not None:
        die_with_parent()
        keys = data_directory.load_keys(settings.storage)
        _run(settings, keys, with_socket=worker == "0")
        return
    with contextlib.ExitStack() as stack:
        stack.enter_context(held_port(settings.http))
        known = data_directory.is_initialised(settings.storage)
        first = None if known else initialise(settings, PLACEHOLDER_EMAIL, None)
        data_directory.require_writable(settings.storage.data)
        if settings.storage.database_url is None:
            stack.enter_context(data_directory.locked(settings.storage.data))
        data_directory.refuse_half_restored(settings.storage.data)
        keys = data_directory.load_keys(settings.storage)
        bring_up_to_date(settings.storage, lambda sentence: out.print(sentence, markup=False), keys)
        if first is not None:
            _tell_first_run(settings, first)
        if workers > 1:
            raise typer.Exit(supervise(workers, lambda: _say_ready(settings)))
        _run(settings, keys, with_socket=True)


def _run(settings: Settings, keys: KeyRing, *, with_socket: bool) -> None:
    async def main() -> None:
        async with AsyncExitStack() as stack:

            async def ready(db: Database) -> None:
                if with_socket:
                    local = LocalOperations(db, settings.http.base_url, settings.quotas)
                    await stack.enter_async_context(admin_socket(settings.storage.data, local.by_name(), local.revoke))
                if not report_ready():
                    _say_ready(settings)

            await run_server(settings, keys, Application, ready)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())


def _say_ready(settings: Settings) -> None:
    out.print(f"Sheetport is ready at {settings.http.base_url}")
    out.file.flush()
    if not settings.rate_limits:
        out.print("[yellow]warning:[/] rate limits are off (SHEETPORT_RATE_LIMITS=off)")


def _tell_first_run(settings: Settings, first: FirstRun) -> None:
    """Where data and key lie and, on a terminal, masked keys and the set-up link.

    Elsewhere logs may keep what is printed, so the link goes to a private file.
    """
    link = f"{settings.http.base_url}/setup?token={first.setup_token}"
    data, key_file = escape(str(settings.storage.data)), escape(str(settings.storage.key_file))
    out.print(f"[bold green]A new server.[/] Data in {data}, key file {key_file} (back both up, apart).")
    if sys.stdout.isatty():
        for environment in setup.describe(first.result)["environments"]:
            keys = f"{masked(environment['secretKey'])}  {masked(environment['publishableKey'])}"
            out.print(f"  {environment['name']:<12} {environment['id']}  {keys}")
        out.print("Choose the first administrator's password in a browser (once, within 30 minutes):")
        out.file.write(f"  {link}\n")  # in one piece, however narrow the terminal
    else:
        path = settings.storage.data / data_directory.FIRST_RUN_FILE
        data_directory.write_private(path, f"Choose the first administrator's password within 30 minutes:\n{link}\n")
        out.print(f"Its one-time set-up link is in {escape(str(path))} (30 minutes, readable by you alone).")
    out.print(
        "Commands on this machine need no key or password: try 'sheetport env', 'sheetport run' or 'sheetport demo'."
    )
