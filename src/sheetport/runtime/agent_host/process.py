"""One jailed process of one program: events in, answers out, watched while it works."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import secrets
import shutil
import signal
import socket
import struct
import time
from pathlib import Path
from typing import Any, NamedTuple

from sheetport.preload import PRELOAD_PATH
from sheetport.runtime.agent_host.gate import Gate, Server, hosts_file, targets_of
from sheetport.runtime.agent_host.launching import Launched, Launcher
from sheetport.runtime.agent_host.model import Limits, Outcome, Program, State
from sheetport.runtime.agent_host.runtimes import TUNNEL_PATH, Runtime
from sheetport.runtime.agent_host.writing import Log, one_line
from sheetport.runtime.agent_jail.enter import TEMPORARY, Jail

_WATCH_SECONDS = 0.03
_PAGE, _TICKS = resource.getpagesize(), os.sysconf("SC_CLK_TCK")
#: More than this written by one event is no log: the program is ended.
_MAX_WRITTEN = 16 * 1024 * 1024
_MAX_ANSWER = 64 * 1024
_MAX_COMPILED = 32 * 1024 * 1024
_OUT_OF_MEMORY = ("JavaScript heap out of memory", "JavaScript out of memory", "Array buffer allocation failed")
_NO_MEMORY = (*_OUT_OF_MEMORY, "MemoryError", "memory allocation of")


class _Verdict(NamedTuple):
    """How the event in work came to its end."""

    state: State
    error: str | None


class AgentProcess:
    """Started without a program; ``load`` gives it one, ``handle`` its events, one at a time."""

    def __init__(self, slot: Path, runtime: Runtime, limits: Limits, gate: Gate | None = None) -> None:
        self._slot = slot
        self._runtime = runtime
        self._limits = limits
        self._gate = gate
        self._mark = f"\n\x1e{secrets.token_hex(16)} ".encode()
        self._log = Log()
        self._token = ""
        self._buffer = bytearray()
        self._verdict: asyncio.Future[_Verdict] | None = None
        self._compiled_left = 0
        self._killed = self._closed = False
        self.compiled: bytes | None = None
        self.program: Program | None = None
        self.memory_bytes = 0
        self.used_at = 0.0

    async def start(self, launcher: Launcher, server: Server, ports: list[int], *, namespaces: bool) -> None:
        """Starts the runtime in its jail. Raises LaunchFailed."""
        self._open = not namespaces
        make_slot(self._slot)
        child_in, our_out = os.pipe()
        our_in, child_out = os.pipe()
        try:
            jail = make_jail(self._slot, self._runtime, self._limits, ports, namespaces=namespaces)
            self._launched: Launched = await launcher.launch(jail, (child_in, child_out, child_out))
        except BaseException:
            os.close(our_out)
            os.close(our_in)
            raise
        finally:
            os.close(child_in)
            os.close(child_out)
        self._pidfd = os.pidfd_open(self._launched.pid)
        self._launched.ended.add_done_callback(lambda _: self._has_ended())
        if self._gate is not None:
            await self._gate.listen(self._launched.listening)
        await self._connect(our_out, our_in)

    @property
    def alive(self) -> bool:
        """Whether it can take another event."""
        return not self._killed and not self._launched.ended.done()

    async def load(self, program: Program, server: Server, compiled: bytes | None) -> None:
        """Gives it its program, which it loads before its first event."""
        self.program, self._token = program, program.token
        await asyncio.to_thread(self._place, program, server, compiled)
        if self._gate is not None:
            self._gate.admit(program, self._note)
        self._send(b"L", json.dumps(self._loading(program, server, cached=compiled is not None)).encode())

    def _place(self, program: Program, server: Server, compiled: bytes | None) -> None:
        text = self._runtime.opening + program.source + self._runtime.closing
        (self._slot / "agent" / self._runtime.file).write_bytes(text)
        if compiled is not None:
            (self._slot / "agent/agent.cache").write_bytes(compiled)
        hosts = self._slot / "etc/hosts"
        hosts.write_text(hosts_file(program, server))
        for each in (hosts, *(self._slot / "agent").glob("agent.*")):
            each.chmod(0o644)

    def _loading(self, program: Program, server: Server, *, cached: bool) -> dict[str, object]:
        return {
            "mark": self._mark.strip(b"\n\x1e ").decode(),
            "folder": str(self._slot / "agent") if self._open else "/agent",
            "env": _variables(program, server, self._slot if self._open else None),
            "preload": str(PRELOAD_PATH) if self._open else "/host/preload.cjs",
            "tunnel": _tunnel(program, self._launched.listening) if self._open else None,
            "oneByte": program.source.isascii(),
            "opening": len(self._runtime.opening),
            "cached": cached,
        }

    async def handle(self, event: bytes, *, cold: bool, began: float) -> Outcome:
        """One event. ``began`` is when the waiting for it began, by the monotonic clock."""
        loop = asyncio.get_running_loop()
        self._log, self.memory_bytes = Log(), 0
        self._verdict = loop.create_future()
        if self._launched.ended.done():
            self._has_ended()
        self._signal(signal.SIGCONT)
        self._cpu_before = self._cpu()
        self._send(b"E", event)
        self._watching = loop.call_later(_WATCH_SECONDS, self._watch)
        deadline = loop.call_at(began + self._limits.event_seconds, self._late)
        try:
            verdict = await self._verdict
        except asyncio.CancelledError:
            self.kill()
            raise
        finally:
            self._watching.cancel()
            deadline.cancel()
            self._verdict = None
        self._measure()
        if not self.alive or verdict.state not in ("done", "failed"):
            self.kill()
            end = await self._launched.ended
            self.memory_bytes = max(self.memory_bytes, end.peak_bytes)
        self.used_at = time.monotonic()
        return self._outcome(verdict, cold=cold, began=began)

    def freeze(self) -> None:
        """Stops it until its next event."""
        if self._verdict is None:
            self._signal(signal.SIGSTOP)

    def kill(self) -> None:
        """Ends it, and every thread of it."""
        self._killed = True
        self._signal(signal.SIGKILL)

    async def close(self) -> None:
        """Ends it and removes its files."""
        self.kill()
        if self._closed:
            return
        self._closed = True
        await self._launched.ended
        if self._gate is not None:
            self._gate.close()
        for transport in (self._output, self._input):
            transport.close()
        with contextlib.suppress(OSError):
            os.close(self._pidfd)
        await asyncio.to_thread(shutil.rmtree, self._slot, ignore_errors=True)

    def _note(self, line: str) -> None:
        self._log.note(line)

    # ---- the pipes

    async def _connect(self, our_out: int, our_in: int) -> None:
        loop = asyncio.get_running_loop()
        os.set_blocking(our_out, False)
        os.set_blocking(our_in, False)
        self._output, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(our_out, "wb", 0))
        self._input, _ = await loop.connect_read_pipe(lambda: _Reader(self), os.fdopen(our_in, "rb", 0))

    def _send(self, kind: bytes, body: bytes) -> None:
        self._output.write(struct.pack(">I", len(body) + 1) + kind + body)

    def received(self, data: bytes) -> None:
        """What the process wrote: the log, with answers between."""
        self._buffer += data
        while self._buffer:
            if self._compiled_left:
                if not self._take_compiled():
                    return
                continue
            start = self._buffer.find(self._mark)
            if start < 0:
                kept = len(self._mark) - 1
                self._write(bytes(self._buffer[:-kept]))
                del self._buffer[: max(0, len(self._buffer) - kept)]
                return
            end = self._buffer.find(b"\n", start + len(self._mark))
            if end < 0 and len(self._buffer) - start < _MAX_ANSWER:
                return
            self._write(bytes(self._buffer[:start]))
            line = bytes(self._buffer[start + len(self._mark) : end if end >= 0 else None])
            del self._buffer[: end + 1 if end >= 0 else None]
            self._answered(line)

    def _take_compiled(self) -> bool:
        if len(self._buffer) < self._compiled_left:
            return False
        self.compiled = bytes(self._buffer[: self._compiled_left])
        del self._buffer[: self._compiled_left]
        self._compiled_left = 0
        return True

    def _write(self, text: bytes) -> None:
        self._log.add(text)
        if self._log.written > _MAX_WRITTEN:
            self._decide("failed", f"The program wrote more than {_MAX_WRITTEN // 1024 // 1024} MiB; it was ended.")
            self.kill()

    def _answered(self, line: bytes) -> None:
        try:
            message: dict[str, Any] = json.loads(line)
            if "cache" in message:
                self._compiled_left = min(int(message["cache"]), _MAX_COMPILED)
                return
            error = message["error"]
        except (ValueError, KeyError, TypeError):
            self._decide("crashed", "The program's process answered what is no answer.")
            self.kill()
            return
        if error is None:
            self._decide("done", None)
        elif any(each in str(error) for each in _NO_MEMORY):
            self._decide("memory", str(error))
        else:
            self._decide("failed", str(error))

    # ---- watching

    def _decide(self, state: State, error: str | None) -> None:
        if self._verdict is not None and not self._verdict.done():
            self._verdict.set_result(_Verdict(state, error))

    def _has_ended(self) -> None:
        """The process ended by itself: what it wrote last says why. The pipe may still hold that."""
        asyncio.get_running_loop().call_later(0.01, self._decide_ended)

    def _decide_ended(self) -> None:
        status = self._launched.ended.result().status
        self._log.add(bytes(self._buffer))
        self._buffer.clear()
        kept = self._log.text(self._token)
        if any(each in kept for each in _NO_MEMORY):
            self._decide("memory", "The program needs more memory than it may have.")
        elif status < 0:
            self._decide("crashed", f"The program's process was ended by signal {-status}.")
        else:
            self._decide("crashed", f"The program ended its process with exit code {status}.")

    def _late(self) -> None:
        self._decide("timeout", f"The event was not handled within {self._limits.event_seconds:g} seconds.")

    def _watch(self) -> None:
        self._measure()
        if self.memory_bytes > self._limits.memory_bytes:
            used, limit = map(_megabytes, (self.memory_bytes, self._limits.memory_bytes))
            self._decide("memory", f"The program used {used}, more than its {limit}.")
        elif self._cpu() - self._cpu_before > self._limits.cpu_seconds:
            self._decide("timeout", f"The event used more than {self._limits.cpu_seconds:g} seconds of processor time.")
        else:
            self._watching = asyncio.get_running_loop().call_later(_WATCH_SECONDS, self._watch)

    def _measure(self) -> None:
        with contextlib.suppress(OSError, IndexError, ValueError):
            pages = int(Path(f"/proc/{self._launched.pid}/statm").read_bytes().split()[1])
            self.memory_bytes = max(self.memory_bytes, pages * _PAGE)

    def _cpu(self) -> float:
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = Path(f"/proc/{self._launched.pid}/stat").read_bytes().rpartition(b")")[2].split()
            return (int(fields[11]) + int(fields[12])) / _TICKS
        return 0.0

    def _signal(self, number: signal.Signals) -> None:
        if not self._launched.ended.done():
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._pidfd, number)

    def _outcome(self, verdict: _Verdict, *, cold: bool, began: float) -> Outcome:
        error = None if verdict.error is None else one_line(verdict.error, self._token)
        if error is not None and verdict.state != "failed":
            self._log.note(error)
        return Outcome(
            verdict.state,
            self._log.text(self._token),
            error,
            round((time.monotonic() - began) * 1000),
            self.memory_bytes,
            cold,
        )


class _Reader(asyncio.Protocol):
    def __init__(self, process: AgentProcess) -> None:
        self._process = process

    def data_received(self, data: bytes) -> None:
        self._process.received(data)


def _tunnel(program: Program, listening: list[socket.socket]) -> dict[str, object]:
    """What the tunnel needs to know: the sockets' ports are the proxy's and then those of the program's targets."""
    ports = [each.getsockname()[1] for each in listening]
    targets = (f"{host}:{port}" for host, port in targets_of(program))
    return {"script": str(TUNNEL_PATH), "proxy": ports[0], "ports": dict(zip(targets, ports[1:], strict=True))}


def _variables(program: Program, server: Server, slot: Path | None) -> dict[str, str]:
    """The whole environment of a program; ``slot`` where it has no root of its own."""
    temporary = TEMPORARY if slot is None else str(slot / "tmp")
    return {
        "HOME": temporary,
        "TMPDIR": temporary,
        "LAMBDA_TASK_ROOT": "/agent" if slot is None else str(slot / "agent"),
        "AGENT_INTERNAL_URL": server.inside_url,
        "FLATFILE_API_URL": server.inside_url,
        "FLATFILE_BEARER_TOKEN": program.token,
        "FLATFILE_API_KEY": program.token,
        "FLATFILE_ENVIRONMENT_ID": program.environment_id,
    }


def make_slot(slot: Path) -> None:
    """The folders of one process: its program, its names, and its files where there is no private /tmp."""
    for name in ("agent", "agent/packages", "etc", "tmp"):
        (slot / name).mkdir(mode=0o755, parents=True)
        (slot / name).chmod(0o755)
    slot.chmod(0o755)  # the server makes its own files for itself only, and a program is another user
    (slot / "tmp").chmod(0o1777)
    for name, text in (("nsswitch.conf", "hosts: files\n"), ("hosts", "127.0.0.1 localhost\n")):
        (slot / "etc" / name).write_text(text)
        (slot / "etc" / name).chmod(0o644)


def make_jail(slot: Path, runtime: Runtime, limits: Limits, ports: list[int], *, namespaces: bool) -> Jail:
    """What the launcher is asked for."""
    shown = [[str(slot / "agent"), "/agent"], [str(slot / "etc"), "/etc"], *map(list, runtime.shown)]
    root = slot.parent.parent / "root"
    return {
        "command": list(runtime.command),
        "environment": runtime.environment,
        "root": str(root),
        "shown": shown,
        "executable": list(runtime.executable),
        "temporary_bytes": limits.temporary_bytes,
        "temporary": str(slot / "tmp"),
        "ports": ports,
        "reachable": list(runtime.reachable),
        "namespaces": namespaces,
        "limits": [
            ["RLIMIT_CORE", 0],
            ["RLIMIT_NOFILE", 512],
            ["RLIMIT_FSIZE", limits.temporary_bytes],
            ["RLIMIT_NPROC", limits.threads],
            ["RLIMIT_DATA", limits.memory_bytes + runtime.reserved_bytes],
        ],
    }


def _megabytes(size: int) -> str:
    return f"{size / 1024 / 1024:.0f} MiB"
