"""``sheetport serve``: run the server."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import os
import signal
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvloop
from rich.markup import escape

from sheetport.bootstrap import Application, require_scanning_keys
from sheetport.cli.options import Data, DatabaseUrl, KeyFile, fail, out
from sheetport.config import (
    DEFAULT_HOST,
    DEFAULT_PORT,
    ConfigError,
    ProcessSettings,
    Settings,
    log_settings,
    read_settings,
    tls_settings,
)
from sheetport.features.setup import service as setup
from sheetport.http.logs import configure_logs
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import SheetportError
from sheetport.kernel.tokens import masked
from sheetport.runtime import open_files
from sheetport.runtime.admin_socket import admin_socket
from sheetport.runtime.audit_operations import AuditOperations
from sheetport.runtime.local_operations import LocalOperations
from sheetport.runtime.notify import notify
from sheetport.runtime.server import Leave
from sheetport.runtime.server import serve as run_server
from sheetport.runtime.set_up import PLACEHOLDER_EMAIL, FirstRun, initialise, join
from sheetport.runtime.sockets import PortInUseError, Sockets, bind, held_ports, inherited
from sheetport.runtime.tls import check_tls
from sheetport.runtime.upgrade import bring_up_to_date
from sheetport.runtime.workers import (
    RETIRE,
    SIBLINGS_VARIABLE,
    WORKER_VARIABLE,
    Supervisor,
    die_with_parent,
    own_command,
    report_ready,
)
from sheetport.storage import data_directory
from sheetport.storage.data_directory import DataDirectoryError
from sheetport.storage.identity import WrongKeyError
from sheetport.storage.migrations import SchemaError
from sheetport.storage.unit_of_work import Database

Host = Annotated[str, typer.Option(help="Address to listen on.", envvar="SHEETPORT_HOST")]
Port = Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65_535, envvar="SHEETPORT_PORT")]
Workers = Annotated[
    int, typer.Option(help="Server processes; more than one needs PostgreSQL.", min=1, envvar="SHEETPORT_WORKERS")
]
TlsCert = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Certificate chain, PEM: serve HTTPS.", envvar="SHEETPORT_TLS_CERT")
]
TlsKey = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The certificate's key, PEM.", envvar="SHEETPORT_TLS_KEY")
]
RedirectPort = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="A plain-HTTP port that leads to HTTPS (308).",
        min=1,
        max=65_535,
        envvar="SHEETPORT_HTTP_REDIRECT_PORT",
    ),
]
TrustedProxies = Annotated[
    str,
    typer.Option(
        metavar="LIST",
        help="Addresses or networks of proxies whose X-Forwarded-… headers are believed, separated by commas.",
        envvar="SHEETPORT_TRUSTED_PROXIES",
    ),
]
LogFormat = Annotated[str, typer.Option(help="logfmt or json.", envvar="SHEETPORT_LOG_FORMAT")]
AccessLog = Annotated[
    str, typer.Option(help="Requests to log: all, errors (and slow ones) or off.", envvar="SHEETPORT_ACCESS_LOG")
]


def serve(
    data: Data = None,
    key_file: KeyFile = None,
    database_url: DatabaseUrl = None,
    host: Host = DEFAULT_HOST,
    port: Port = DEFAULT_PORT,
    workers: Workers = 1,
    tls_cert: TlsCert = None,
    tls_key: TlsKey = None,
    http_redirect_port: RedirectPort = None,
    trusted_proxies: TrustedProxies = "",
    log_format: LogFormat = "logfmt",
    access_log: AccessLog = "errors",
) -> None:
    """Run the server. On an empty data directory it first sets one up, as 'sheetport init' does; with a copy of the
    key file of a server on PostgreSQL it joins that server as one more host.

    Stop it with Ctrl-C or SIGTERM: open requests are finished first. SIGHUP has it begin anew without refusing a
    connection: with another certificate, or another version of itself.

    What environments may use is changed by 'sheetport env limits' and, for all, by SHEETPORT_LIMIT_ROWS, _BYTES,
    _SPACES_A_DAY and _STREAMS.

        sheetport serve

        sheetport serve --database-url postgresql://sheetport@db.example.com/sheetport --workers 4

        sheetport serve --host 0.0.0.0 --port 443 --tls-cert chain.pem --tls-key key.pem --http-redirect-port 80
    """
    try:
        tls = tls_settings(tls_cert, tls_key, http_redirect_port)
        logs = log_settings(log_format, access_log)
        settings = read_settings(
            data, key_file, database_url, host, port, tls=tls, trusted_proxies=trusted_proxies, logs=logs
        )
        require_scanning_keys(settings.secret_scanning_keys)
        if tls is not None:
            check_tls(tls)
    except ConfigError as error:
        fail(str(error))
    configure_logs(settings.logs)
    if workers > 1 and settings.storage.database_url is None:
        fail("--workers above 1 needs PostgreSQL: SQLite has one server process. Give --database-url postgresql://…")
    again = None
    try:
        again = _serve(settings, workers)
    except (DataDirectoryError, WrongKeyError, SchemaError, PortInUseError, SheetportError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"The server cannot run: {error}. Is the database there, and --database-url right?")
    if again is not None:
        _begin_anew(again)


def _begin_anew(sockets: Sockets) -> None:
    """Replace this process by a new one of the same command, which goes on with the same sockets."""
    sockets.outlive()
    out.file.flush()
    sys.stderr.flush()
    command = own_command()
    os.execve(command[0], command, {**os.environ, **sockets.variable()})  # noqa: S606


def _serve(settings: Settings, workers: int) -> Sockets | None:
    """Serve to the end; the sockets when this process is to begin anew."""
    data_directory.keep_private()
    open_files.allow_many()
    worker = os.environ.get(WORKER_VARIABLE)
    if worker is not None:
        _run_worker(settings, int(worker))
        return None
    on_terminal = os.isatty(0)
    sockets = inherited()
    with contextlib.ExitStack() as stack:
        stack.enter_context(held_ports(settings.http, ours=sockets is not None))
        if data_directory.may_join(settings.storage):
            join(settings)
            out.print("This host has joined the server of its database.")
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
        may_begin_anew = partial(_may_begin_anew, settings, on_terminal)
        if workers > 1:
            parent = Supervisor(workers, settings.http, lambda: _say_ready(settings), may_begin_anew)
            raise typer.Exit(parent.run())
        sockets = sockets or bind(settings.http)
        again = _run(settings, keys, sockets, Leave(signal.SIGHUP, may_begin_anew), with_socket=True)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # kept by the process to come, until it can begin anew itself
        return sockets if again else None


def _run_worker(settings: Settings, number: int) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # meant for the parent, whoever it is sent to
    die_with_parent()
    sockets = inherited()
    if sockets is None:
        raise PortInUseError(f"{WORKER_VARIABLE} is set, but no socket is handed on; unset it.")
    siblings = Path(os.environ[SIBLINGS_VARIABLE])
    settings = dataclasses.replace(settings, process=ProcessSettings(number, siblings))
    keys = data_directory.load_keys(settings.storage)
    _run(settings, keys, sockets, Leave(RETIRE, lambda: True), with_socket=number == 0)


def _may_begin_anew(settings: Settings, on_terminal: bool) -> bool:
    """Whether a SIGHUP asks for it, and it can be done; a closed terminal asks for the end."""
    if on_terminal and not os.isatty(0):
        os.kill(os.getpid(), signal.SIGTERM)
        return False
    try:
        if settings.http.tls is not None:
            check_tls(settings.http.tls)
    except ConfigError as error:
        structlog.get_logger().error("server.not-reloaded", reason=str(error))
        return False
    return True


def _run(settings: Settings, keys: KeyRing, sockets: Sockets, leave: Leave, *, with_socket: bool) -> bool:
    """Serve in this process; whether it is to make room for its successor."""

    async def main() -> bool:
        async with AsyncExitStack() as stack:
            built: list[Application] = []

            def build(settings: Settings, db: Database) -> Application:
                built.append(Application(settings, db))
                return built[-1]

            async def ready(db: Database) -> None:
                if with_socket:
                    audits = AuditOperations(db, built[-1].sealer, built[-1].watch)
                    local = LocalOperations(db, settings, audits)
                    await stack.enter_async_context(admin_socket(settings.storage.data, local.by_name(), local.revoke))
                if not report_ready():
                    notify("READY")
                    _say_ready(settings)

            return await run_server(settings, keys, build, ready, sockets, leave)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main())


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
