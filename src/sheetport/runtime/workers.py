"""Several server processes behind one port, under a parent that watches them and replaces those that end.

Each worker has a socket of its own on the shared port, which the parent keeps open: when a worker is replaced on
request (SIGHUP, one after another), its connections wait for its successor and none is refused.
"""

from __future__ import annotations

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from sheetport.config import HttpSettings
from sheetport.runtime.notify import notify, without_manager
from sheetport.runtime.sockets import Sockets, bind

WORKER_VARIABLE = "SHEETPORT_WORKER"
READY_VARIABLE = "SHEETPORT_READY_FD"
SIBLINGS_VARIABLE = "SHEETPORT_SIBLINGS"
#: By which a worker is told that its successor is ready.
RETIRE = signal.SIGUSR1
STOP_SECONDS = 9.0
START_SECONDS = 60.0
#: A worker that lived this long died of something new: its successor starts at once.
STEADY_SECONDS = 30.0
LONGEST_PAUSE = 15.0
_PR_SET_PDEATHSIG = 1
_log = structlog.get_logger()


def die_with_parent() -> None:
    """Have the kernel end this process when its parent dies, however it dies."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent or parent == 1:
        sys.exit("the parent process is gone")


def report_ready() -> bool:
    """Tell the parent that this worker accepts requests; False when there is no parent to tell."""
    handle = os.environ.pop(READY_VARIABLE, None)
    if handle is None:
        return False
    os.write(int(handle), b"r")
    os.close(int(handle))
    return True


@dataclass(slots=True, eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    ready_pipe: int
    began: float
    ready: bool = False


@dataclass(slots=True)
class _Slot:
    """A worker's place. ``coming`` is its successor; ``due`` is when a dead one is replaced."""

    index: int
    sockets: Sockets
    current: _Worker | None = None
    coming: _Worker | None = None
    failures: int = 0
    due: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """Runs ``count`` workers of this very command until it is told to stop."""

    count: int
    http: HttpSettings
    on_ready: Callable[[], None]
    may_reload: Callable[[], bool]
    _slots: list[_Slot] = field(default_factory=list)
    _leaving: list[tuple[_Worker, float]] = field(default_factory=list)
    _to_replace: list[_Slot] = field(default_factory=list)
    _folder: str = ""
    _stopping: bool = False
    _hung_up: bool = False
    _started: bool = False

    def run(self) -> int:
        """The exit status: 1 when the first workers do not get ready."""
        self._folder = tempfile.mkdtemp(prefix="sheetport-")
        awake = _wake_on_signals(self._on_signal)
        try:
            self._slots = [_Slot(index, bind(self.http)) for index in range(self.count)]
            while not self._stopping:
                if not self._step(time.monotonic()):
                    return self._stop(1)
                self._sleep(awake)
            return self._stop(0)
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _on_signal(self, number: int, _: object) -> None:
        if number == signal.SIGHUP:
            self._hung_up = True
        elif number != signal.SIGCHLD:
            self._stopping = True

    def _step(self, now: float) -> bool:
        """Look at everything once; False when the server cannot start."""
        for slot in self._slots:
            if not self._look_after(slot, now):
                return False
        if not self._started and all(slot.current and slot.current.ready for slot in self._slots):
            self._started = True
            notify("READY")
            self.on_ready()
        self._reload(now)
        self._bury(now)
        return True

    def _look_after(self, slot: _Slot, now: float) -> bool:
        worker = slot.current
        if worker is not None and worker.process.poll() is not None:
            if not self._started:
                return False
            _log.warning("worker.died", worker=slot.index, status=worker.process.returncode)
            self._mourn(slot, worker, now)
        elif worker is not None and not worker.ready and not _still_starting(worker, now):
            worker.process.kill()
        elif worker is None and now >= slot.due:
            slot.current = self._start(slot, now)
        return True

    def _mourn(self, slot: _Slot, worker: _Worker, now: float) -> None:
        """Plan the successor of a dead worker. Until that is ready, the others get its connections."""
        _close_pipe(worker)
        if slot.coming is not None:
            slot.current, slot.coming = slot.coming, None
            return
        slot.current = None
        steady = worker.ready and now - worker.began > STEADY_SECONDS
        slot.failures = 0 if steady else slot.failures + 1
        slot.due = now + (min(0.25 * 2 ** (slot.failures - 1), LONGEST_PAUSE) if slot.failures else 0.0)
        slot.sockets.close()
        slot.sockets = bind(self.http)

    def _reload(self, now: float) -> None:
        """Replace the workers one after another: the next one's turn comes when a successor is ready."""
        if self._hung_up and self._started and not self._to_replace:
            self._hung_up = False
            if self.may_reload():
                notify("RELOADING")
                self._to_replace = list(self._slots)
        if not self._to_replace:
            return
        slot = self._to_replace[0]
        if slot.coming is None and slot.current is not None and slot.current.ready:
            slot.coming = self._start(slot, now)
        elif slot.coming is not None and slot.coming.ready:
            self._retire(slot, now)
            self._to_replace.pop(0)
            if not self._to_replace:
                notify("READY")
                _log.info("server.reloaded", workers=self.count)
        elif slot.coming is not None and not _still_starting(slot.coming, now):
            _log.error("server.not-reloaded", worker=slot.index, reason="the new worker did not get ready")
            _close_pipe(slot.coming)
            self._leaving.append((slot.coming, now))
            slot.coming = None
            self._to_replace.clear()
            notify("READY")

    def _retire(self, slot: _Slot, now: float) -> None:
        old, slot.current, slot.coming = slot.current, slot.coming, None
        if old is not None:
            old.process.send_signal(RETIRE)
            self._leaving.append((old, now + STOP_SECONDS + 3))

    def _bury(self, now: float) -> None:
        for worker, until in list(self._leaving):
            if worker.process.poll() is None and now >= until:
                worker.process.kill()
                worker.process.wait()
            if worker.process.poll() is not None:
                self._leaving.remove((worker, until))

    def _start(self, slot: _Slot, now: float) -> _Worker:
        reader, writer = os.pipe()
        environment = {
            **without_manager(dict(os.environ)),
            **slot.sockets.variable(),
            WORKER_VARIABLE: str(slot.index),
            READY_VARIABLE: str(writer),
            SIBLINGS_VARIABLE: self._folder,
        }
        command = own_command()
        process = subprocess.Popen(command, env=environment, pass_fds=[writer, *slot.sockets.descriptors()])  # noqa: S603
        os.close(writer)
        return _Worker(process, reader, now)

    def _sleep(self, awake: int) -> None:
        """Until a signal, a worker's word or the next thing that is due."""
        workers = [worker for slot in self._slots for worker in (slot.current, slot.coming) if worker is not None]
        pipes = {worker.ready_pipe: worker for worker in workers if not worker.ready and worker.ready_pipe >= 0}
        now = time.monotonic()
        due = [until for _, until in self._leaving] + [worker.began + START_SECONDS for worker in pipes.values()]
        due += [slot.due for slot in self._slots if slot.current is None]
        timeout = max(0.0, min(due) - now) if due else None
        for readable in select.select([awake, *pipes], [], [], timeout)[0]:
            if readable == awake:
                os.read(awake, 4_096)
            else:
                worker = pipes[readable]
                worker.ready = os.read(readable, 1) == b"r"
                _close_pipe(worker)

    def _stop(self, status: int) -> int:
        notify("STOPPING")
        workers = [worker for slot in self._slots for worker in (slot.current, slot.coming) if worker is not None]
        workers += [worker for worker, _ in self._leaving]
        for slot in self._slots:
            slot.sockets.close()
        for worker in workers:
            worker.process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for worker in workers:
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()
        return status


def own_command() -> list[str]:
    """What runs this command again; ``-P`` keeps the current folder from being looked through for modules."""
    return [sys.executable, "-P", "-m", "sheetport.cli", *sys.argv[1:]]


def _still_starting(worker: _Worker, now: float) -> bool:
    return worker.process.poll() is None and now - worker.began < START_SECONDS


def _close_pipe(worker: _Worker) -> None:
    if worker.ready_pipe >= 0:
        os.close(worker.ready_pipe)
        worker.ready_pipe = -1


def _wake_on_signals(handle: Callable[[int, object], None]) -> int:
    """A descriptor that becomes readable when one of the supervisor's signals comes."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, handle)
    return reader
