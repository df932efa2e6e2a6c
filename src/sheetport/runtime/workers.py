"""Several server processes behind one port, under a parent that only watches them."""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable

WORKER_VARIABLE = "SHEETPORT_WORKER"
READY_VARIABLE = "SHEETPORT_READY_FD"
STOP_SECONDS = 9.0
_PR_SET_PDEATHSIG = 1


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


def supervise(count: int, on_ready: Callable[[], None]) -> int:
    """Run ``count`` workers of this very command; the exit status. A worker that dies ends the others."""
    reader, writer = os.pipe()
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    workers = [_start(index, writer) for index in range(count)]
    os.close(writer)
    ready = 0
    while not stopping and all(worker.poll() is None for worker in workers):
        if ready < count and select.select([reader], [], [], 0.2)[0]:
            ready += len(os.read(reader, count))
            if ready == count:
                on_ready()
        elif ready >= count:
            time.sleep(0.2)
    return _stop(workers, asked=stopping)


def _start(index: int, writer: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, WORKER_VARIABLE: str(index), READY_VARIABLE: str(writer)}
    return subprocess.Popen([sys.executable, "-m", "sheetport.cli", *sys.argv[1:]], env=environment, pass_fds=[writer])  # noqa: S603


def _stop(workers: list[subprocess.Popen[bytes]], *, asked: bool) -> int:
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for worker in workers:
        try:
            worker.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
    return 0 if asked else 1
