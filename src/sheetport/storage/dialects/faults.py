"""What a database that fails for now says: to the log, and to clients as Unavailable.

Each is a state of the machine that somebody or something mends, after which the same call works. An error that is
none of these is a defect of ours and stays what it is.
"""

from __future__ import annotations

import sqlite3

import asyncpg
import structlog

from sheetport.kernel.errors import Unavailable

_log = structlog.get_logger()

FULL = "The server's disk is full; nothing was changed. Reading still works. Free some space, then try again."
READ_ONLY = (
    "The server's data directory cannot be written (it or its file system is read-only); nothing was changed. "
    "Reading still works. Make it writable, then try again."
)
FAILING = "The server's disk failed to read or write; nothing was changed. Look at the disk, then try again."
BUSY = "Another program holds the server's database; nothing was changed. Try again in a moment."
DAMAGED = "The server's database file is damaged; nothing was changed. Restore it from a backup."
AWAY = "The database cannot be reached; nothing was changed. Try again in a moment."
OVERLOADED = "The database is out of connections or memory; nothing was changed. Try again in a moment."
REPLICA = "The database is read-only, as a replica is; nothing was changed. Point --database-url at the primary."
IN_DOUBT = (
    "The database went away while it committed this change. Look whether the change was made before you repeat it."
)

_SQLITE = {
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: READ_ONLY,
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_IOERR: FAILING,
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_PROTOCOL: BUSY,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
}
#: What the driver raises; a ValueError among them is a wrong parameter of ours.
POSTGRESQL = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
_POSTGRESQL: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((asyncpg.DiskFullError,), FULL),
    ((asyncpg.InsufficientResourcesError,), OVERLOADED),
    ((asyncpg.ReadOnlySQLTransactionError,), REPLICA),
    ((asyncpg.PostgresIOError, asyncpg.PostgresSystemError), FAILING),
    # A stop or restart of the server, and a connection that is gone or does not come.
    ((asyncpg.OperatorInterventionError, asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError), AWAY),
)


def sqlite_reason(error: BaseException) -> str | None:
    """The state of the disk or the file that the error tells of."""
    code = getattr(error, "sqlite_errorcode", None)
    if code == sqlite3.SQLITE_IOERR_SHMSIZE:
        return FULL  # the file that readers and writer share could not grow
    return None if code is None else _SQLITE.get(code & 0xFF)


def of_sqlite(error: BaseException) -> BaseException:
    """Unavailable for a state of the disk or the file, else the error itself."""
    message = sqlite_reason(error)
    if message is None:
        return error
    _log.warning("database.unavailable", reason=message, error=getattr(error, "sqlite_errorname", None))
    return Unavailable(message, "database")


def of_postgresql(error: BaseException, *, committing: bool = False) -> BaseException:
    """Unavailable for a server that is away, full or not the primary, else the error itself."""
    for kinds, message in _POSTGRESQL:
        if isinstance(error, kinds) and not isinstance(error, ValueError):
            reason = IN_DOUBT if committing and message is AWAY else message
            _log.warning("database.unavailable", reason=reason, error=type(error).__name__)
            return Unavailable(reason, "database")
    return error
