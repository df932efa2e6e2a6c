"""The server's end of the launcher: one small process beside it that starts jailed programs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

from sheetport.kernel.errors import Unavailable
from sheetport.runtime.agent_jail.enter import Jail
from sheetport.runtime.agent_jail.launcher import MAX_REQUEST

_MAX_SOCKETS = 16
_START_SECONDS = 20.0


class LaunchFailed(Unavailable):
    """A jailed program could not be started on this machine; the message says which step failed."""


@dataclass(frozen=True, slots=True)
class End:
    """How a process ended: its exit code, negative for a signal, and its largest resident size."""

    status: int
    peak_bytes: int


@dataclass(slots=True)
class Launched:
    """A started program."""

    pid: int
    layers: dict[str, Any]
    #: What its connections to the outside arrive on.
    listening: list[socket.socket]
    ended: asyncio.Future[End]


class Launcher:
    """Starts the launcher and speaks with it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._answers: dict[int, asyncio.Future[Launched]] = {}
        self._ends: dict[int, asyncio.Future[End]] = {}
        self._last = 0
        self._ready: asyncio.Future[None] | None = None
        self._starting = asyncio.Lock()
        self._closed = False

    async def start(self) -> None:
        """Starts the launcher process. Raises LaunchFailed."""
        loop = asyncio.get_running_loop()
        if self._process is not None:
            await asyncio.to_thread(_wait, self._process)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = await asyncio.to_thread(_start, theirs.fileno())
        ours.setblocking(False)
        self._link, self._ready = ours, loop.create_future()
        loop.add_reader(ours.fileno(), self._receive)
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._ready
        except TimeoutError:
            raise LaunchFailed("The launcher of agents does not start.") from None

    async def launch(self, jail: Jail, standard: tuple[int, int, int]) -> Launched:
        """Starts a program with these descriptors as input, output and error; they stay the caller's to close.

        A launcher that has ended meanwhile, and with it all it had started, is started anew. Raises LaunchFailed.
        """
        async with self._starting:
            if self._link is None and not self._closed:
                await self.start()
        if self._link is None:
            raise LaunchFailed("The launcher of agents has ended.")
        self._last += 1
        answer: asyncio.Future[Launched] = asyncio.get_running_loop().create_future()
        number = self._last
        self._answers[number] = answer
        message = json.dumps({"id": number, "jail": jail}).encode()
        try:
            socket.send_fds(self._link, [message], list(standard))
            async with asyncio.timeout(_START_SECONDS):
                return await answer
        except (OSError, TimeoutError) as error:
            raise LaunchFailed(f"The launcher of agents does not answer: {type(error).__name__}.") from None
        finally:
            self._answers.pop(number, None)

    async def close(self) -> None:
        """Ends the launcher, and with it every program."""
        self._closed = True
        process, self._process = self._process, None
        self._lost("The agents' launcher was stopped.")
        if process is not None:
            await asyncio.to_thread(_wait, process)

    def _receive(self) -> None:
        assert self._link is not None  # for the checker of types  # nosec B101
        with contextlib.suppress(BlockingIOError):
            message, given, _, _ = socket.recv_fds(self._link, MAX_REQUEST, _MAX_SOCKETS)
            if not message:
                return self._lost("The launcher of agents has ended.")
            self._take(json.loads(message), [socket.socket(fileno=each) for each in given])
        return None

    def _take(self, message: dict[str, Any], listening: list[socket.socket]) -> None:
        if "ended" in message:
            end = self._ends.pop(message["ended"], None)
            if end is not None and not end.done():
                end.set_result(End(message["status"], message["peak"]))
            return
        if "ready" in message:
            assert self._ready is not None  # for the checker of types  # nosec B101
            self._ready.set_result(None)
            return
        answer = self._answers.pop(message["id"], None)
        if answer is None or answer.done() or "error" in message:
            for each in listening:
                each.close()
            if answer is not None and not answer.done():
                answer.set_exception(LaunchFailed(f"The jail cannot be made: {message['error']}."))
            return
        ended: asyncio.Future[End] = asyncio.get_running_loop().create_future()
        self._ends[message["pid"]] = ended
        answer.set_result(Launched(message["pid"], message["layers"], listening, ended))

    def _lost(self, reason: str) -> None:
        link, self._link = self._link, None
        if link is not None:
            asyncio.get_running_loop().remove_reader(link.fileno())
            link.close()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(LaunchFailed(reason))
        for end in self._ends.values():
            if not end.done():
                end.set_result(End(-9, 0))
        self._answers.clear()
        self._ends.clear()


def _start(descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - this very program
        [sys.executable, "-I", "-m", "sheetport.runtime.agent_jail.launcher", str(descriptor)],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        env={"PATH": os.environ.get("PATH", os.defpath)},
    )


def _wait(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
