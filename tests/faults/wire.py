"""Speaks HTTP badly: bytes onto a socket, with pauses, and what comes back."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

#: A pause in seconds, or bytes; None closes the sending half.
Step = bytes | float | None


@dataclass(frozen=True)
class Reply:
    """One reply as it came; ``body`` is the parsed JSON where it is JSON, else bytes."""

    status: int
    headers: dict[str, str]
    body: Any


@dataclass(frozen=True)
class Talk:
    """What a connection gave, whether the server closed it (or it was reset), and how long that took, in seconds."""

    replies: tuple[Reply, ...]
    closed: bool
    seconds: float
    rest: bytes = b""

    @property
    def statuses(self) -> list[int]:
        return [reply.status for reply in self.replies]


def talk(port: int, steps: Sequence[Step], patience: float = 2.0, replies: int = 1) -> Talk:
    """Take the steps on a fresh connection, then read until it is closed, ``replies`` came or ``patience`` ends.

    A server that answers and closes before it has read everything is no failure of the sender.
    """
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        received = bytearray()
        closed = False
        try:
            for step in steps:
                closed = closed or _take(connection, step, received)
        except OSError:
            closed = _gone(connection, received)
        deadline = time.monotonic() + patience
        while not closed and len(parse(received)[0]) < replies and time.monotonic() < deadline:
            closed = _receive(connection, received, deadline - time.monotonic())
        found, rest = parse(received)
        return Talk(tuple(found), closed, time.monotonic() - began, bytes(rest))


def _take(connection: socket.socket, step: Step, received: bytearray) -> bool:
    """Whether the server hung up meanwhile."""
    if isinstance(step, float):
        return _receive(connection, received, step)
    if step is None:
        connection.shutdown(socket.SHUT_WR)
    else:
        connection.settimeout(20)
        connection.sendall(step)
    return False


def _gone(connection: socket.socket, received: bytearray) -> bool:
    """Read what the server said before it hung up."""
    while not _receive(connection, received, 0.5):
        pass
    return True


def _receive(connection: socket.socket, received: bytearray, seconds: float) -> bool:
    """Wait for data; True when there is no more to come."""
    connection.settimeout(max(seconds, 0.001))
    try:
        data = connection.recv(1 << 16)
    except TimeoutError:
        return False
    except OSError:
        return True
    received += data
    return not data


def parse(received: bytes | bytearray) -> tuple[list[Reply], bytes]:
    """The whole replies in what was received, and the rest. An interim 1xx reply is none."""
    replies, rest = [], bytes(received)
    while b"\r\n\r\n" in rest:
        head, _, after = rest.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        status = int(lines[0].split(" ")[1])
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", 0))
        if len(after) < length:
            break
        body, rest = after[:length], after[length:]
        if status >= 200:
            replies.append(Reply(status, headers, _parsed(body, headers)))
    return replies, rest


def _parsed(body: bytes, headers: dict[str, str]) -> Any:
    return json.loads(body) if body and "json" in headers.get("content-type", "") else body


def request(
    method: str, target: str, body: bytes = b"", token: str = "", headers: Sequence[str] = (), length: bool = True
) -> bytes:
    """The bytes of a request, with these header lines as they are; ``length=False`` leaves Content-Length out."""
    lines = [f"{method} {target} HTTP/1.1", "Host: sheetport.test", *headers]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if body and not any(line.lower().startswith("content-type") for line in headers):
        lines.append("Content-Type: application/json")
    if body and length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body
