"""``sheetport doctor``: looks over a server's place and says what to do."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from sheetport.cli.errors import CommandError
from sheetport.cli.local_socket import LocalSocket
from sheetport.cli.options import Data, DatabaseUrl, KeyFile, out, settings_of
from sheetport.config import DEFAULT_HOST, DEFAULT_PORT, Settings
from sheetport.kernel.crypto import KeyRing
from sheetport.runtime.quota_operations import QuotaOperations
from sheetport.runtime.set_up import open_for_serving
from sheetport.runtime.sockets import PortInUseError, check_port_free
from sheetport.storage import data_directory
from sheetport.storage.data_directory import DataDirectoryError
from sheetport.storage.engine import sqlite_path
from sheetport.storage.identity import WrongKeyError
from sheetport.storage.migrations import HEAD, SchemaError, schema_version

#: Before the first release, no clock that is right shows this.
OLDEST_CLOCK = 1_760_000_000
ALLOWED_AHEAD = 300
_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@dataclass(frozen=True, slots=True)
class Finding:
    """``state`` is ok, warn or fail; ``text`` says what was found and what to do."""

    state: str
    text: str


Check = Callable[[Settings], Iterator[Finding]]


def doctor(
    data: Data = None,
    key_file: KeyFile = None,
    database_url: DatabaseUrl = None,
    port: Annotated[int, typer.Option(help="The server's port.", min=1, max=65_535)] = DEFAULT_PORT,
    repair: Annotated[bool, typer.Option("--repair", help="Count records anew where the counts are wrong.")] = False,
) -> None:
    """Look over data directory, key file, database, clock, port and running server, and say what to do.

    Changes nothing but, with --repair, counts of records that are wrong. Exit status 1 when something must be mended.

        sheetport doctor
    """
    settings = settings_of(data, key_file, database_url, DEFAULT_HOST, port)
    findings = [finding for check in CHECKS for finding in check(settings)]
    if not any(finding.state == "fail" for finding in findings):
        findings += _counts(settings, repair)
    for finding in findings:
        out.print(f"[{_COLOURS[finding.state]}]{finding.state:<4}[/]  {escape(finding.text)}")
    raise typer.Exit(any(finding.state == "fail" for finding in findings))


def _data_directory(settings: Settings) -> Iterator[Finding]:
    data = settings.storage.data
    if not data_directory.is_initialised(settings.storage):
        yield Finding("fail", f"{data} holds no server. Run 'sheetport init' or name it with --data.")
        return
    yield _private(data, 0o700, "data directory")
    database = sqlite_path(data)
    if settings.storage.database_url is not None:
        return
    if database.exists():
        yield _private(database, 0o600, "database file")
    else:
        fix = "Restore it from a backup, or give --database-url if the data is in PostgreSQL."
        yield Finding("fail", f"the database file {database} is missing. {fix}")


def _key_file(settings: Settings) -> Iterator[Finding]:
    path, data = settings.storage.key_file, settings.storage.data
    try:
        data_directory.load_keys(settings.storage)
    except DataDirectoryError as error:
        yield Finding("fail", str(error))
        return
    yield _private(path, 0o600, "key file")
    if data.exists() and path.stat().st_dev == data.stat().st_dev:
        yield Finding(
            "warn",
            f"the key file {path} is on the same volume as the data: whoever takes the disk has both. "
            "Move it to another volume and give --key-file.",
        )


def _database(settings: Settings) -> Iterator[Finding]:
    on_sqlite = settings.storage.database_url is None
    if not data_directory.is_initialised(settings.storage) or (
        on_sqlite and not sqlite_path(settings.storage.data).exists()
    ):
        return  # said already
    try:
        version = schema_version(settings.storage)
    except SchemaError as error:
        yield Finding("fail", str(error))
        return
    except OSError as error:
        fix = "Is PostgreSQL running, and --database-url right?"
        yield Finding("fail", f"the database cannot be reached ({type(error).__name__}). {fix}")
        return
    if version != HEAD:
        yield Finding(
            "warn" if version else "fail", f"the schema is {version}, this version's is {HEAD}: 'serve' upgrades."
        )
        return
    yield Finding("ok", f"the database opens; its schema is this version's ({HEAD})")
    try:
        keys = data_directory.load_keys(settings.storage)
        asyncio.run(_open_and_close(settings, keys))
        yield Finding("ok", "the key file is this database's")
    except DataDirectoryError:
        return  # said already
    except WrongKeyError as error:
        yield Finding("fail", str(error))


async def _open_and_close(settings: Settings, keys: KeyRing) -> None:
    await (await open_for_serving(settings, keys)).close()


def _counts(settings: Settings, repair: bool) -> Iterator[Finding]:
    """Whether sheets and environments count what they hold; asks a running server, which alone may write."""
    if schema_version(settings.storage) != HEAD:
        return  # said already
    try:
        connection = LocalSocket(settings.storage.data)
    except (CommandError, OSError):
        drift = asyncio.run(_check_counts(settings, repair))
    else:
        connection.wait_longer()
        drift = connection.call("check-counts", repair=repair)["drift"]
        connection.close()
    if not drift:
        yield Finding("ok", "sheets and environments count what they hold")
    for each in drift:
        said = f"{each['where']} counts {each['counted']:,} {each['what']} and holds {each['stored']:,}"
        yield Finding("ok", f"{said}: mended") if repair else Finding("fail", f"{said}. Run: sheetport doctor --repair")


async def _check_counts(settings: Settings, repair: bool) -> list[dict[str, Any]]:
    with ExitStack() as stack:
        if repair and settings.storage.database_url is None:
            stack.enter_context(data_directory.locked(settings.storage.data))
        db = await open_for_serving(settings, data_directory.load_keys(settings.storage))
        try:
            answer, _ = await QuotaOperations(db, settings.quotas).check_counts({"repair": repair})
        finally:
            await db.close()
    return list(answer["drift"])


def _clock(settings: Settings) -> Iterator[Finding]:
    now = time.time()
    newest = max((path.stat().st_mtime for path in settings.storage.data.glob("*")), default=0.0)
    if now < OLDEST_CLOCK:
        yield Finding(
            "fail", "the clock is years behind: tokens would never expire. Set it (timedatectl set-ntp true)."
        )
    elif newest > now + ALLOWED_AHEAD:
        yield Finding("warn", "the clock is behind the newest data: it went back. Set it (timedatectl set-ntp true).")
    else:
        yield Finding("ok", "the clock is later than the newest data")


def _server(settings: Settings) -> Iterator[Finding]:
    try:
        connection = LocalSocket(settings.storage.data)
    except (CommandError, OSError):
        yield Finding("ok", "no server is running on this data directory")
        try:
            check_port_free(settings.http)
            yield Finding("ok", f"port {settings.http.port} is free")
        except PortInUseError as error:
            yield Finding("warn", str(error))
        return
    hello = connection.call("hello")
    connection.close()
    yield Finding("ok", f"a server of version {hello['version']} answers at {hello['url']}")


def _limits(settings: Settings) -> Iterator[Finding]:
    rows, size = f"{settings.quotas.rows:,}", f"{settings.quotas.bytes:,}"
    yield Finding(
        "ok",
        f"an environment may hold {rows} rows and {size} bytes; 'sheetport env limits NAME --set …' gives one others, "
        "SHEETPORT_LIMIT_… all",
    )
    if not settings.rate_limits:
        yield Finding(
            "warn", "rate limits are off (SHEETPORT_RATE_LIMITS=off): unset it where others can reach the server."
        )


def _private(path: Path, wanted: int, what: str) -> Finding:
    mode = path.stat().st_mode & 0o777
    if mode & ~wanted:
        return Finding("fail", f"the {what} {path} is open to others ({mode:04o}). Run: chmod {wanted:o} {path}")
    if not os.access(path, os.R_OK | os.W_OK):
        return Finding("fail", f"the {what} {path} is another user's. Run this as the user who runs the server.")
    return Finding("ok", f"the {what} {path} is readable by its owner alone")


CHECKS: tuple[Check, ...] = (_data_directory, _key_file, _database, _clock, _server, _limits)
