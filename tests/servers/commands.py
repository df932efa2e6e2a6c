"""The ``sheetport`` command in a process of its own: a fork of its template where that comes to the same.

Executing Python and loading the modules is most of what a server or a command takes in a test. :mod:`servers.template`
says what a fork has loaded.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

TEMPLATE = str(Path(__file__).with_name("template.py"))
PROGRAM = str(Path(sys.executable).parent / "sheetport")
#: Variables that nothing reads before our own modules are loaded; the template notes what those read. Any other may
#: be for the dynamic linker, for Python or for a library, so a call that sets it differently is executed.
READ_LATE = ("SHEETPORT_", "FLATFILE_", "AGENT_INTERNAL_URL", "PYTEST_", "XDG_", "TMPDIR", "NODE_", "PATH", "NOTIFY_")

_lock = Lock()
_on = False


def fork_commands() -> None:
    """From now on fork. Without it, as in benchmarks, every command is executed."""
    global _on
    _on = True


class Command(subprocess.Popen[Any]):
    """``sheetport WORDS``, and else a Popen; ``executed`` keeps it from being forked from a template."""

    def __init__(self, words: Sequence[str], *, executed: bool = False, **options: Any) -> None:
        self._may_fork = _on and not executed
        self._call: socket.socket | None = None
        super().__init__([PROGRAM, *words], **options)

    def _execute_child(self, *given: Any) -> None:
        """What the base class calls once its pipes are made, with all that it was given."""
        args, cwd, env, ends, session = given[0], given[5], given[6] or os.environ, given[10:16], given[21]
        others = (given[2], *given[4:5], *given[17:21], given[22])  # what a template does not do
        standard = [end if end != -1 else number for number, end in enumerate((ends[0], ends[3], ends[5]))]
        if (
            self._may_fork
            and others == (None, (), None, None, None, -1, -1)
            and _is_forkable(args[1:], env)
            and not any(os.isatty(end) for end in standard)
        ):
            request = {"words": args[1:], "env": dict(env), "cwd": str(cwd or Path.cwd()), "session": session}
            call = _ask(request, standard)
            pid = _number(call)
            if pid:
                self.pid, self._child_created, self._call = pid, True, call
                self._close_pipe_fds(*ends)  # type: ignore[attr-defined]
                return
            call.close()
        super()._execute_child(*given)  # type: ignore[misc]

    def _internal_poll(self, *given: Any, **named: Any) -> int | None:
        if self._call is None:
            return super()._internal_poll(*given, **named)  # type: ignore[misc,no-any-return]
        return self._ended(0)

    def _wait(self, timeout: float | None) -> int:
        if self._call is None:
            return super()._wait(timeout)  # type: ignore[misc,no-any-return]
        status = self._ended(timeout)
        if status is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return status

    def _ended(self, timeout: float | None) -> int | None:
        """The exit status, once there is one."""
        if self.returncode is None and self._call and select.select([self._call], [], [], timeout)[0]:
            with self._call:
                self.returncode = _number(self._call)
        return self.returncode


def run_command(
    *words: str, stdin: str | None = None, timeout: float = 60, executed: bool = False, **options: Any
) -> subprocess.CompletedProcess[str]:
    """``sheetport WORDS`` to its end; options are Popen's."""
    pipe = subprocess.PIPE
    given = None if stdin is None else pipe
    with Command(words, executed=executed, stdin=given, stdout=pipe, stderr=pipe, text=True, **options) as process:
        try:
            printed, complained = process.communicate(stdin, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, printed, complained)


def _is_forkable(words: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether nothing before our own modules would be told another thing than the template was."""
    was = _first()[1]
    differing = {name for name in {*was, *env} if was.get(name) != env.get(name)}
    return bool(words) and not words[0].startswith("-") and all(name.startswith(READ_LATE) for name in differing)


def _ask(request: dict[str, Any], standard: list[int]) -> socket.socket:
    """The socket over which a template says what becomes of a call."""
    umask = os.umask(0o077)
    os.umask(umask)
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(_first()[0], [request["words"][0].encode()], [theirs.fileno(), *standard])
    ours.sendall(json.dumps({**request, "program": PROGRAM, "umask": umask}).encode() + b"\n")
    return ours


def _number(call: socket.socket) -> int:
    line = b""
    while not line.endswith(b"\n"):
        read = call.recv(1)
        if not read:
            raise RuntimeError("The template of a sheetport command ended: what it printed is above.")
        line += read
    return int(line)


def _first() -> tuple[socket.socket, dict[str, str]]:
    """The socket of this process's templates and the variables they have."""
    with _lock:
        return _start()


@cache
def _start() -> tuple[socket.socket, dict[str, str]]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    variables = dict(os.environ)
    with theirs:
        number = theirs.fileno()
        process = subprocess.Popen([sys.executable, "-P", TEMPLATE, str(number)], pass_fds=[number], env=variables)
    atexit.register(lambda: (ours.close(), process.wait()))
    return ours, variables
