"""Disks that tests fill, and faults that tests put between a process and its disk."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILLER = "filler"


@contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A file system of its own of that size at ``folder``. Needs root, as in CI."""
    assert os.geteuid() == 0, "Mounting a small disk needs root: run these tests as root, as CI does."
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m,mode=755", "tmpfs", str(folder)]
    subprocess.run(mount, check=True, timeout=20)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, timeout=20)


def fill(disk: Path) -> None:
    """Use up the last byte."""
    block = bytes(1 << 16)
    with (disk / FILLER).open("ab", buffering=0) as filler:
        while block:
            try:
                filler.write(block)
            except OSError:
                block = block[: len(block) // 2]


def free(disk: Path) -> None:
    """Give the space back."""
    (disk / FILLER).unlink()


@contextmanager
def failing_calls(pid: int, calls: str, error: str) -> Iterator[None]:
    """Within this, these system calls of the process end in ``error``, as the kernel would answer."""
    command = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={calls}"]
    command += ["-e", f"inject={calls}:error={error}", "-p", str(pid)]
    tracer = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        _wait_until_traced(pid, tracer)
        yield
    finally:
        tracer.send_signal(signal.SIGINT)
        tracer.communicate(timeout=20)


def _wait_until_traced(pid: int, tracer: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while not all(_is_traced(task, tracer.pid) for task in Path(f"/proc/{pid}/task").iterdir()):
        assert tracer.poll() is None, f"strace ended: {tracer.communicate()[1]}"
        assert time.monotonic() < deadline, "strace does not attach"
        time.sleep(0.02)


def _is_traced(task: Path, tracer: int) -> bool:
    try:
        return f"TracerPid:\t{tracer}\n" in (task / "status").read_text()
    except OSError:  # a thread that has just ended
        return True
