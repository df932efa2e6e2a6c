"""The local socket: how commands on the server's own machine act without a stored token.

A 0600 Unix socket in the data directory speaks JSON lines. Whoever can open it may already read the data
directory. A credential given out here is revoked when its connection closes, however the command ends.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog

from sheetport.kernel.errors import Invalid, SheetportError
from sheetport.kernel.json import dumps, loads

SOCKET_FILE = "admin.sock"
#: The longest request, in bytes: an import says all but its records in one.
MAX_LINE = 256 * 1024 * 1024
#: An operation takes its arguments and gives its answer and the ids of credentials that last as long as
#: the connection.
Operation = Callable[[dict[str, Any]], Awaitable[tuple[dict[str, Any], list[str]]]]
Revoke = Callable[[list[str]], Awaitable[None]]
_log = structlog.get_logger()


@asynccontextmanager
async def admin_socket(data: Path, operations: dict[str, Operation], revoke: Revoke) -> AsyncGenerator[None, None]:
    """Serve ``operations`` by name until the context ends."""
    path = data / SOCKET_FILE
    path.unlink(missing_ok=True)

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held: list[str] = []
        try:
            while line := await reader.readline():
                answer, credentials = await _answer(operations, line)
                held += credentials
                writer.write(dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            _log.info("admin-socket.dropped")
        except asyncio.CancelledError:
            held.clear()  # this server stops; its commands go on, and end their credentials at the next one
            raise
        finally:
            if held:
                await asyncio.shield(revoke(held))
            writer.close()  # only now: a command waits for it, so that its credential has ended when it does

    directory = os.open(data, os.O_RDONLY | os.O_DIRECTORY)  # a socket's path must be short
    mask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(
            on_connection, f"/proc/self/fd/{directory}/{SOCKET_FILE}", limit=MAX_LINE
        )
    finally:
        os.umask(mask)
        os.close(directory)
    own = _identity(path)
    try:
        yield
    finally:
        server.close()
        if _identity(path) == own:  # else a successor has taken the name over
            path.unlink(missing_ok=True)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_ctime_ns


async def _answer(operations: dict[str, Operation], line: bytes) -> tuple[dict[str, Any], list[str]]:
    try:
        request = loads(line)
        operation = operations.get(request.get("operation", "")) if isinstance(request, dict) else None
        if operation is None:
            raise Invalid("This server does not know that operation; is the command of another version?", "operation")
        return await operation(request)
    except SheetportError as error:
        return {"error": error.message}, []
