"""The sockets a server listens on, which outlive the process that serves them.

They are bound by the process that was started and handed on to whatever serves next: worker processes, or this
one after it has replaced itself. Connections that come meanwhile wait in the kernel; none is refused.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

from sheetport.config import HttpSettings

LISTEN_VARIABLE = "SHEETPORT_LISTEN_FDS"


class PortInUseError(Exception):
    """The address cannot be listened on."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """The server's own, and the one of its plain-HTTP side."""

    main: socket.socket
    redirect: socket.socket | None = None

    def descriptors(self) -> list[int]:
        return [one.fileno() for one in (self.main, self.redirect) if one is not None]

    def variable(self) -> dict[str, str]:
        """What tells the next process of them."""
        return {LISTEN_VARIABLE: ",".join(map(str, self.descriptors()))}

    def outlive(self) -> None:
        """Let them stay open when this process replaces itself."""
        for descriptor in self.descriptors():
            os.set_inheritable(descriptor, True)

    def close(self) -> None:
        self.main.close()
        if self.redirect is not None:
            self.redirect.close()


def bind(http: HttpSettings) -> Sockets:
    """Bound, not listening: several may be bound to one port, and the listening ones share its connections."""
    redirect = http.tls.redirect_port if http.tls else None
    main = _bind(http.host, http.port)
    return Sockets(main, _bind(http.host, redirect) if redirect is not None else None)


def inherited() -> Sockets | None:
    """Those another process has handed on, None when this one is the first."""
    text = os.environ.pop(LISTEN_VARIABLE, None)
    if text is None:
        return None
    found = [socket.socket(fileno=int(word)) for word in text.split(",")]
    for one in found:
        one.set_inheritable(False)
    return Sockets(*found)


def check_port_free(http: HttpSettings) -> None:
    """Raise PortInUseError when somebody listens already; the server's own sockets would share the port."""
    _check_free(http.host, http.port, "--port")


@contextmanager
def held_ports(http: HttpSettings, *, ours: bool) -> Iterator[None]:
    """Hold the addresses from before the set-up to the end; ``ours`` are listened on already. Raises PortInUseError.

    Until a server listens its port looks free, and two that start at once would share it. A socket in the kernel's
    own name space can be bound once, and is gone with its process.
    """
    with ExitStack() as stack:
        for port, option in _ports(http):
            if not ours:
                _check_free(http.host, port, option)
            _guard(stack, http.host, port, option)
        yield


def _ports(http: HttpSettings) -> list[tuple[int, str]]:
    redirect = http.tls.redirect_port if http.tls else None
    ports = [(http.port, "--port")]
    return ports if redirect is None else [*ports, (redirect, "--http-redirect-port")]


def _guard(stack: ExitStack, host: str, port: int, option: str) -> None:
    guard = stack.enter_context(socket.socket(socket.AF_UNIX))
    try:
        guard.bind(f"\0sheetport {host} {port}")
    except OSError:
        raise PortInUseError(
            f"{host}:{port} is taken by another server that is starting. Choose another {option}."
        ) from None


def _check_free(host: str, port: int, option: str) -> None:
    with socket.socket(_family(host)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortInUseError(
                f"{host}:{port} cannot be used ({error.strerror}). Stop what listens there or choose {option}."
            ) from None


def _bind(host: str, port: int) -> socket.socket:
    made = socket.socket(_family(host))
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with suppress(OSError):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise PortInUseError(f"{host}:{port} cannot be used ({error.strerror}).") from None
    return made


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
