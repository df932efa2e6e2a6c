"""The command's end of the server's local socket (see ``runtime.admin_socket``)."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sheetport.cli.errors import CommandError
from sheetport.runtime.admin_socket import SOCKET_FILE

ANSWER_SECONDS = 20.0
LONG_SECONDS = 1_800.0
#: How long the server may take to revoke what this connection held.
CLOSE_SECONDS = 5.0


class NoLocalServer(CommandError):
    """No server answers on the data directory's socket."""


class LocalSocket:
    """An open connection. What the server gave out on it ends when it is closed."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._socket = _connect(data)
        self._reader = self._socket.makefile("rb")

    def wait_longer(self) -> None:
        """Give the server time for what reads all its data."""
        self._socket.settimeout(LONG_SECONDS)

    def call(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """The operation's answer. Raises CommandError with the server's words."""
        request = json.dumps({"operation": operation, **arguments}).encode() + b"\n"
        try:
            self._socket.sendall(request)
            line = self._reader.readline()
        except OSError as error:
            raise CommandError(f"The server on {self._data} did not answer ({error}); see its log.") from None
        answer = json.loads(line) if line.endswith(b"\n") else {"error": "The server ended while it was asked."}
        if "error" in answer:
            raise CommandError(str(answer["error"]))
        return dict(answer)

    def close(self) -> bool:
        """Close, and wait until the server has revoked what the connection held; False when it had gone before."""
        here = True
        with suppress(TimeoutError):
            try:
                self._socket.settimeout(0)
                here = self._socket.recv(1, socket.MSG_PEEK) != b""
            except BlockingIOError:
                pass
            except OSError:
                here = False
            if here:
                self._socket.settimeout(CLOSE_SECONDS)
                with suppress(ConnectionError):
                    self._socket.shutdown(socket.SHUT_WR)
                    self._reader.read()
        self._reader.close()
        self._socket.close()
        return here


@contextmanager
def local_socket(data: Path) -> Iterator[LocalSocket]:
    """A connection for a while. Raises NoLocalServer."""
    connection = LocalSocket(data)
    try:
        yield connection
    finally:
        connection.close()


def _connect(data: Path) -> socket.socket:
    made = socket.socket(socket.AF_UNIX)
    made.settimeout(ANSWER_SECONDS)
    try:
        directory = os.open(data, os.O_RDONLY | os.O_DIRECTORY)  # a socket's path must be short
        try:
            made.connect(f"/proc/self/fd/{directory}/{SOCKET_FILE}")
        finally:
            os.close(directory)
    except PermissionError:
        made.close()
        raise NoLocalServer(
            f"Only the user who runs the server may use {data}. Run this as that user (sudo -u USER …)."
        ) from None
    except OSError:
        made.close()
        raise NoLocalServer(f"No server is running on {data}.") from None
    return made
