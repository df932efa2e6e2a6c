"""Runs hosted agents: one warm, jailed process for each program."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog

from sheetport.features.egress.model import Allowed
from sheetport.features.egress.service.calling import Resolve, resolve
from sheetport.kernel.errors import Invalid, Unavailable
from sheetport.kernel.requirements import read_requirements
from sheetport.runtime.agent_host.dependencies import Dependencies
from sheetport.runtime.agent_host.gate import Gate, Permits, parse_server, ports_of, targets_of
from sheetport.runtime.agent_host.launching import Launcher, LaunchFailed
from sheetport.runtime.agent_host.model import Limits, Outcome, Program
from sheetport.runtime.agent_host.open_gate import OpenGate
from sheetport.runtime.agent_host.process import AgentProcess
from sheetport.runtime.agent_host.runtimes import Runtime, javascript, open_javascript, python, with_packages
from sheetport.runtime.agent_host.self_test import weakness

_Key = tuple[str, int, str | None]
#: Compiled programs kept for a next cold start, by their key.
_MAX_COMPILED = 64
DEFAULT_INDEX = "https://pypi.org/simple"
_TIDY_SECONDS = 0.2
_log = structlog.get_logger()


async def nothing_private(_: Program) -> Allowed:
    """Allows public addresses only."""
    return Allowed()


class _Place:
    """Where the process of one program is kept; its events are handled one after another."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.wanted = 0
        self.process: AgentProcess | None = None
        self.freezing: asyncio.TimerHandle | None = None


class _Compiled:
    """What V8 made of programs, on disk: it is read by processes of the same program only, which made it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: dict[_Key, tuple[bytes, Path]] = {}

    async def keep(self, program: Program, compiled: bytes) -> None:
        while len(self._kept) >= _MAX_COMPILED:
            self._kept.pop(next(iter(self._kept)))[1].unlink(missing_ok=True)
        path = self._folder / secrets.token_hex(8)
        await asyncio.to_thread(path.write_bytes, compiled)
        # V8 itself would take it for another text of the same length.
        self._kept[program.key] = (await asyncio.to_thread(_digest, program.source), path)

    async def find(self, program: Program) -> bytes | None:
        digest, path = self._kept.get(program.key, (b"", None))
        if path is None or digest != await asyncio.to_thread(_digest, program.source):
            return None
        return await asyncio.to_thread(path.read_bytes)


def _digest(source: bytes) -> bytes:
    return hashlib.sha256(source).digest()


class AgentHost:
    """Starts, reuses and ends the processes of agents. ``folder`` is its own; of what it held before only
    the dependencies of Python programs are kept.

    ``server_url`` is this server as it is reached from this machine. ``permits`` says what a program's account has
    allowed beyond the public internet.
    """

    def __init__(
        self,
        folder: Path,
        server_url: str,
        limits: Limits,
        *,
        resolver: Resolve = resolve,
        permits: Permits = nothing_private,
        index_url: str = DEFAULT_INDEX,
    ) -> None:
        self._folder = folder
        self._server = parse_server(server_url)
        self._limits = limits
        self._resolver = resolver
        self._permits = permits
        self._launcher = Launcher()
        self._compiled = _Compiled(folder / "compiled")
        self._dependencies = Dependencies(folder / "packages", index_url)
        self._starting = asyncio.Lock()
        self._preparing = asyncio.Lock()
        self._started = False
        self._namespaces = True
        self._slots = folder / "slots"
        self._places: dict[_Key, _Place] = {}
        self._running = asyncio.Semaphore(limits.processes)
        #: Started without a program, by compiler; Python's only once there was a Python program.
        self._spare: dict[str, list[AgentProcess]] = {"js": []}
        self._tasks: set[asyncio.Task[None]] = set()
        #: Whether the kernel keeps agents from connecting anywhere but through this server's gate; known after start.
        self.egress_enforced = False
        #: Why Python programs are not run here, None where they are.
        self.python_refused: str | None = "The agent host has not started yet."

    async def start(self) -> None:
        """Starts the launcher and the spare processes; ``run`` does so too. Raises LaunchFailed."""
        async with self._starting:
            if self._started:
                return
            await asyncio.to_thread(_clear, self._folder)
            await self._launcher.start()
            await self._begin()
            self.python_refused = await weakness(
                self._launcher, self._slot(), self._limits, namespaces=self._namespaces
            )
            self._started = True

    async def run(self, program: Program, event: bytes) -> Outcome:
        """Hands an event (its JSON as on the wire) to the program, whose process is started or reused."""
        if not self._started:
            await self.start()
        place = self._places.setdefault(program.key, _Place())
        place.wanted += 1
        try:
            async with place.turn, self._running:
                return await self._run(place, program, event, time.monotonic())
        finally:
            place.wanted -= 1
            if place.wanted == 0 and place.process is None:
                self._places.pop(program.key, None)

    async def install(self, program: Program) -> str | None:
        """Installs what a Python program's header asks for, so that its first event need not wait for that.

        Returns what went wrong as one line. Raises Invalid for a wrong header, Unavailable where Python is refused.
        """
        await self.start()
        if program.compiler != "python":
            return None
        self._runtime(program.compiler)
        wanted = read_requirements(program.source)
        if not wanted:
            return None
        gate = Gate(self._server, self._resolver, self._permits)
        return await self._dependencies.install(program, wanted, self._launcher, self._slot(), gate, self._server)

    async def evict(self, agent_id: str) -> None:
        """Ends every process of the agent, busy ones too: what they were doing ends as "crashed"."""
        for key in [key for key in self._places if key[0] == agent_id]:
            place = self._places[key]
            if place.process is not None:
                place.process.kill()
            if place.wanted == 0:
                await self._end(key)

    async def close(self) -> None:
        """Ends all processes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        kept = [place.process for place in self._places.values() if place.process is not None]
        for place in self._places.values():
            if place.freezing is not None:
                place.freezing.cancel()
        await asyncio.gather(*(each.close() for each in (*kept, *itertools.chain(*self._spare.values()))))
        self._places.clear()
        self._spare.clear()
        await self._launcher.close()
        await asyncio.to_thread(shutil.rmtree, self._slots, ignore_errors=True)
        await asyncio.to_thread(_clear, self._folder)

    async def _run(self, place: _Place, program: Program, event: bytes, began: float) -> Outcome:
        if place.freezing is not None:
            place.freezing.cancel()
        process, cold = place.process, False
        if process is not None and (process.program != program or not process.alive):
            place.process = None
            await process.close()
        if place.process is None:
            trouble = await self._trouble(program)
            if trouble is not None:
                return Outcome("failed", trouble, trouble, round((time.monotonic() - began) * 1000), 0, cold=True)
            place.process, cold = await self._for(program), True
        process = place.process
        outcome = await process.handle(event, cold=cold, began=began)
        if not process.alive:
            place.process = None
            await process.close()
        else:
            place.freezing = asyncio.get_running_loop().call_later(self._limits.settle_seconds, process.freeze)
        if cold:
            self._later(self._tidy(process, program))
        return outcome

    async def _trouble(self, program: Program) -> str | None:
        """Why the program cannot be run here, whatever else happens."""
        if program.compiler == "python" and self.python_refused is not None:
            return self.python_refused
        try:
            return await self.install(program)
        except Invalid as error:
            return error.message

    async def _for(self, program: Program) -> AgentProcess:
        """A process that has been given the program."""
        ports = ports_of(program, self._server)
        runtime = self._runtime(program.compiler)
        wanted = read_requirements(program.source) if program.compiler == "python" else ()
        if wanted:
            runtime = with_packages(runtime, self._dependencies.place(wanted))
        if not self._namespaces:
            process = await self._open(program)
            await process.load(program, self._server, await self._compiled.find(program))
            return process
        spare = self._spare.setdefault(program.compiler, [])
        usual = ports == self._usual_ports() and not wanted
        process = spare.pop() if usual and spare else await self._new(runtime, ports)
        if not process.alive:
            await process.close()
            process = await self._new(runtime, ports)
        await process.load(program, self._server, await self._compiled.find(program))
        return process

    def _runtime(self, compiler: str) -> Runtime:
        if compiler == "js":
            return javascript(self._limits)
        if compiler != "python" or self.python_refused is not None:
            raise Unavailable(self.python_refused or f"There is no runtime for {compiler!r} programs.")
        return python()

    def _slot(self) -> Path:
        return self._slots / secrets.token_hex(8)  # beside a process of a server that is about to leave

    async def _open(self, program: Program) -> AgentProcess:
        """A process for a program where there are no namespaces."""
        slot, targets = self._slot(), targets_of(program)
        runtime = open_javascript(self._limits, slot, self._server.port, targets)
        gate = OpenGate(self._server, self._resolver, self._permits)
        process = AgentProcess(slot, runtime, self._limits, gate)
        await process.start(self._launcher, self._server, [0] * (1 + len(targets)), namespaces=False)
        return process

    async def _new(self, runtime: Runtime, ports: list[int]) -> AgentProcess:
        gate = Gate(self._server, self._resolver, self._permits)
        process = AgentProcess(self._slot(), runtime, self._limits, gate)
        await process.start(self._launcher, self._server, ports, namespaces=self._namespaces)
        return process

    def _usual_ports(self) -> list[int]:
        return [self._server.port, *sorted({80, 443} - {self._server.port})]

    async def _prepare(self) -> None:
        """Starts what is missing of the spare processes."""
        if not self._namespaces:
            return  # what deno permits is said when it starts, and differs by program
        async with self._preparing:
            for compiler, spare in list(self._spare.items()):
                while len(spare) < self._limits.spare:
                    spare.append(await self._new(self._runtime(compiler), self._usual_ports()))

    async def _begin(self) -> None:
        """The first process shows whether this machine gives namespaces."""
        if self._namespaces:
            try:
                await self._prepare()
            except LaunchFailed as error:
                _log.warning("agents.no-namespaces", reason=error.message)
                self._namespaces = False
        if not self._namespaces and os.geteuid() == 0:
            # The agents' other user has to come as far as here, which it cannot in a data directory.
            self._slots = Path(tempfile.mkdtemp(prefix="sheetport-agents-"))
            self._slots.chmod(0o711)
        self.egress_enforced = self._namespaces

    async def _tidy(self, process: AgentProcess, program: Program) -> None:
        """After a cold start: keeps what was compiled, ends what is too much, starts a spare process."""
        await asyncio.sleep(_TIDY_SECONDS)
        compiled, process.compiled = process.compiled, None
        if compiled is not None:
            await self._compiled.keep(program, compiled)
        with contextlib.suppress(LaunchFailed):
            await self._make_room()
            await self._prepare()

    async def _make_room(self) -> None:
        """Ends idle processes, those unused for longest first, until number and memory are within the limits."""
        while True:
            kept = {key: place.process for key, place in self._places.items() if place.process is not None}
            total = sum(each.memory_bytes for each in kept.values())
            if len(kept) <= self._limits.processes and total <= self._limits.total_bytes:
                return
            idle = [key for key in kept if self._places[key].wanted == 0]
            if not idle:
                return
            await self._end(min(idle, key=lambda key: kept[key].used_at))

    async def _end(self, key: _Key) -> None:
        place = self._places.pop(key)
        if place.freezing is not None:
            place.freezing.cancel()
        if place.process is not None:
            await place.process.close()

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _clear(folder: Path) -> None:
    for name in ("slots", "root", "compiled"):
        shutil.rmtree(folder / name, ignore_errors=True)
        (folder / name).mkdir(parents=True)
