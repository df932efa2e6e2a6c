"""The gate where the machine gives agents no network namespace: a preload in the program dials it.

Each host and port that the program may call has a port of this machine's loopback, which the preload dials instead; the
first port is an HTTP proxy, for ``fetch``. A program that avoids the preload is held by
what deno permits and, where the kernel can, by Landlock; so such agents are marked: egress not enforced.
"""

from __future__ import annotations

import asyncio
import socket
from urllib.parse import urlsplit

from sheetport.runtime.agent_host.gate import Connection, Gate, targets_of

_HEAD_SECONDS = 10.0


class OpenGate(Gate):
    """Of one process, on ports of this machine."""

    async def listen(self, sockets: list[socket.socket]) -> None:
        """The first is the proxy; the others are for the program's targets, in their order."""
        self._ports = [each.getsockname()[1] for each in sockets]
        await super().listen(sockets)

    async def _onward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, port: int
    ) -> Connection | None:
        if self._program is None:
            return None
        targets = targets_of(self._program)
        if port != self._ports[0]:
            return await self.connect_to(self._program, *targets[self._ports.index(port) - 1])
        head = await _head(reader)
        target = _asked(head)
        if target not in targets:
            writer.write(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return None
        onward = await self.connect_to(self._program, *target)
        if onward is not None and not head.startswith(b"CONNECT "):
            onward[1].write(head)  # a request with its whole address, which servers take as it is
            return onward
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n" if onward else b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        return onward


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(_HEAD_SECONDS):
            return await reader.readuntil(b"\r\n\r\n")
    except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return b""


def _asked(head: bytes) -> tuple[str, int]:
    """The host and port that a request to a proxy is for; ("", 0) when it is none."""
    words = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(words) != 3:
        return "", 0
    try:
        found = urlsplit(f"//{words[1]}" if words[0] == "CONNECT" else words[1])
        return found.hostname or "", found.port or 80
    except ValueError:
        return "", 0
