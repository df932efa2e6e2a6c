"""The gate: how the connections of a jailed program leave.

In its network namespace a program finds loopback only. Names that it may call stand in its /etc/hosts with loopback
addresses of their own; what connects there arrives here, on sockets that were made in the namespace, and its local
address says which host was meant. That host is resolved here, every address it has must be permitted, and the
connection is made to the address that was looked at. So every client in every language works without knowing of a
proxy, TLS stays between the program and the host, and there is no other way out.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import structlog

from sheetport.features.egress.model import Allowed, host_key
from sheetport.features.egress.service.calling import MAX_ADDRESSES, Resolve
from sheetport.kernel.addresses import Address, parse_address
from sheetport.runtime.agent_host.model import Program

#: What a program's account has allowed beyond the public internet.
Permits = Callable[[Program], Awaitable[Allowed]]
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]
USUAL_PORTS = (80, 443)
MAX_HOSTS = 200
_MAX_CONNECTIONS = 64
_CONNECT_SECONDS = 5.0
_CHUNK = 64 * 1024
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Server:
    """This server, as a program calls it."""

    host: str
    port: int
    secure: bool

    @property
    def inside_url(self) -> str:
        """Its address inside: over TLS its name has to stay."""
        return f"https://{self.host}:{self.port}" if self.secure else f"http://127.0.0.1:{self.port}"


def parse_server(url: str) -> Server:
    """The server's address, such as http://127.0.0.1:4010."""
    found = urlsplit(url)
    if found.scheme not in ("http", "https") or not found.hostname:
        raise ValueError(f"{url!r} is no address of a server")
    secure = found.scheme == "https"
    return Server(found.hostname, found.port or (443 if secure else 80), secure)


def split_host(text: str) -> tuple[str, int | None]:
    """("hooks.example.com", 8443) of "hooks.example.com:8443"; without a port None."""
    host, colon, port = text.strip().rpartition(":")
    return (host_key(host), int(port)) if colon and port.isdigit() else (host_key(text.strip()), None)


def ports_of(program: Program, server: Server) -> list[int]:
    """All ports that may be called."""
    own = {split_host(each)[1] for each in program.allowed_hosts} - {None}
    return [server.port, *sorted({*USUAL_PORTS, *(each for each in own if each)} - {server.port})]


def inside_address(number: int) -> str:
    """The loopback address of a program's n-th host."""
    return f"127.100.{number // 250}.{number % 250 + 1}"


def hosts_file(program: Program, server: Server) -> str:
    """The names that a program finds."""
    lines = ["127.0.0.1 localhost"]
    if server.secure:
        lines.append(f"127.0.0.1 {server.host}")
    lines += [f"{inside_address(number)} {host}" for number, host in enumerate(_names(program))]
    return "\n".join(lines) + "\n"


def targets_of(program: Program) -> list[tuple[str, int]]:
    """All that may be called, as (host, port)."""
    found = [split_host(each) for each in program.allowed_hosts[:MAX_HOSTS]]
    pairs = [(host, each) for host, port in found for each in (USUAL_PORTS if port is None else (port,))]
    return list(dict.fromkeys(pairs))


def _names(program: Program) -> list[str]:
    return list(dict.fromkeys(split_host(each)[0] for each in program.allowed_hosts))[:MAX_HOSTS]


class Gate:
    """Of one process. It notes in the program's log why a connection was refused."""

    def __init__(self, server: Server, resolver: Resolve, permits: Permits) -> None:
        self._server = server
        self._resolve = resolver
        self._permits = permits
        self._note: Callable[[str], None] = lambda _: None
        self._program: Program | None = None
        self._open: set[asyncio.Task[None]] = set()
        self._listening: list[asyncio.Server] = []

    async def listen(self, sockets: list[socket.socket]) -> None:
        """Takes connections from these."""
        for each in sockets:
            each.setblocking(False)
            self._listening.append(await asyncio.start_server(self._arrived, sock=each))

    def admit(self, program: Program, note: Callable[[str], None]) -> None:
        """Whose gate this is from now on; before that everything but the server itself is refused."""
        self._program, self._note = program, note

    def close(self) -> None:
        """Cuts every connection."""
        for server in self._listening:
            server.close()
        for task in self._open:
            task.cancel()

    async def _arrived(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # for the checker of types: this is a task  # nosec B101
        address, port = writer.get_extra_info("sockname")[:2]
        self._open.add(task)
        try:
            if len(self._open) > _MAX_CONNECTIONS:
                self._note(f"More than {_MAX_CONNECTIONS} connections at once: one was refused.")
                return
            onward = await self._onward(reader, writer, address, port)
            if onward is not None:
                await _join(reader, writer, *onward)
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._open.discard(task)
            writer.close()

    async def _onward(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str, port: int
    ) -> Connection | None:
        """Where what arrived at this local address is meant to go; None when it may not."""
        if address == "127.0.0.1":
            if port != self._server.port:
                return None
            return await asyncio.open_connection(self._server.host, port)
        host = self._meant(address, port)
        if host is None or self._program is None:
            return None
        return await self.connect_to(self._program, host, port)

    def _meant(self, address: str, port: int) -> str | None:
        names = _names(self._program) if self._program is not None else []
        for number, host in enumerate(names):
            if inside_address(number) == address and self._program is not None:
                ports = {each[1] for each in map(split_host, self._program.allowed_hosts) if each[0] == host}
                if port in ports or (None in ports and port in USUAL_PORTS):
                    return host
                self._note(f"{host}:{port} is not on this agent's list of allowed hosts; {host} is on other ports.")
        return None

    async def connect_to(self, program: Program, host: str, port: int) -> Connection | None:
        """Connects to a host of the program's list, if every address of it is permitted."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                found = [parse_address(each) for each in (await self._resolve(host, port))[:MAX_ADDRESSES]]
        except (OSError, UnicodeError, ValueError, TimeoutError):
            self._note(f"{host} has no address.")
            return None
        allowed = await self._permits(program)
        if not all(allowed.permits(host, each) for each in found):
            _log.warning("egress.refused", host=host, agent=program.agent_id)
            self._note(f"{host} is not in the public internet; if it is yours: sheetport egress allow {host}")
            return None
        for address in found:
            connection = await self._try(address, port)
            if connection is not None:
                return connection
        self._note(f"{host}:{port} cannot be connected to.")
        return None

    async def _try(self, address: Address, port: int) -> Connection | None:
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_CONNECT_SECONDS):
                return await asyncio.open_connection(str(address), port)
        return None


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
) -> None:
    """Passes bytes both ways until both ends have said all."""
    try:
        await asyncio.gather(_pass(reader, far_writer), _pass(far_reader, writer))
    finally:
        far_writer.close()


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(_CHUNK):
        target.write(data)
        await target.drain()
    with contextlib.suppress(OSError):
        target.write_eof()
