"""What exports and imports have in common: finding the database or the server, and saying what is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sheetport.cli.errors import CommandError
from sheetport.cli.local_socket import LocalSocket, NoLocalServer
from sheetport.config import Settings
from sheetport.kernel.errors import SheetportError
from sheetport.runtime.transfer.files_out import TransferError
from sheetport.runtime.transfer.own_process import OwnDatabase
from sheetport.storage import data_directory
from sheetport.storage.data_directory import DataDirectoryError
from sheetport.storage.engine import sqlite_path
from sheetport.storage.identity import WrongKeyError
from sheetport.storage.migrations import HEAD, SchemaError, schema_version


@contextmanager
def as_command_errors() -> Iterator[None]:
    """Everything that may go wrong with a transfer, as the one line that a command ends with."""
    try:
        yield
    except SheetportError as error:
        raise CommandError(error.message) from None
    except (TransferError, DataDirectoryError, WrongKeyError, SchemaError) as error:
        raise CommandError(str(error)) from None
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise CommandError(f"{where}{error.strerror or error}.") from None


def running_server(settings: Settings, stack: ExitStack) -> LocalSocket | None:
    """The server of this data directory, connected until ``stack`` ends; None when none runs here."""
    try:
        connection = LocalSocket(settings.storage.data)
    except NoLocalServer:
        return None
    stack.callback(connection.close)
    return connection


def own_database(settings: Settings, stack: ExitStack, *, alone: bool, with_keys: bool) -> OwnDatabase:
    """The database in this process until ``stack`` ends; ``alone``: no server runs, and none may begin to on SQLite.

    Raises CommandError and what :func:`as_command_errors` translates.
    """
    storage = settings.storage
    if storage.database_url is None:
        if not sqlite_path(storage.data).exists():
            raise CommandError(f"{storage.data} holds no database. Name the right --data, or --database-url.")
        if alone:
            stack.enter_context(data_directory.locked(storage.data))
    version = schema_version(storage)
    if version != HEAD:
        raise CommandError(f"The database's schema is {version}, and this version's is {HEAD}: start the server once.")
    return stack.enter_context(OwnDatabase(settings, with_keys=with_keys))
