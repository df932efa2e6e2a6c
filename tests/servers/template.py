"""Processes that stand ready with a command's modules loaded, and fork at once what takes a second to begin anew.

The first of them has loaded what every ``sheetport`` command loads. For each command it forks one more, its template,
which loads that command as the command line itself does, and nothing else; a call is a fork of that. So a call runs
in a process of its own with just the modules it would have loaded itself, and what it makes of them ends with it.

Whoever asks sends, over the socket whose number is the first argument, the command's name with four descriptors: a
socket for this call, and what becomes its standard input, output and error. Over the call's socket come a line of
JSON (see :mod:`servers.commands`) and back go a line with the process's id, or 0 where the call has to be executed
instead, and one with its exit status when it ends, negative for a signal.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

#: Each holds some 40 MB that no other process has.
MOST_TEMPLATES = 8

#: Variables that modules read when they were loaded, and what they were.
_read_early: dict[str, str | None] = {}


class _Noted(os._Environ):  # type: ignore[type-arg]
    """The environment while modules are loaded: notes what they read, as they will not read it again."""

    def __getitem__(self, name: str) -> str:
        try:
            value = super().__getitem__(name)
        except KeyError:
            _read_early[name] = None
            raise
        _read_early[name] = value
        return value


class _Call(Exception):
    """This is now the process of a call."""


class Template:
    """Forks the calls of one command until nobody can ask any more, and tells how each ended."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)

    def run(self) -> NoReturn:
        while self._selector.get_map():
            for key, _ in self._selector.select():
                if key.fileobj is self._control:
                    self._take()
                else:
                    self._tell_end(key.fd, *key.data)
        os._exit(0)

    def _take(self) -> None:
        _, descriptors = receive(self._control)
        if not descriptors:
            self._selector.unregister(self._control)
            return
        call, *standard = descriptors
        with open(call, "rb", closefd=False) as reader:
            request = json.loads(reader.readline())
        if any(request["env"].get(name) != value for name, value in _read_early.items()):
            close(*standard)
            tell(call, 0)
            close(call)
            return
        pid = os.fork()
        if pid == 0:
            self._selector.close()
            self._control.close()
            become(request, standard)
            raise _Call
        close(*standard)
        self._selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, call))
        tell(call, pid)

    def _tell_end(self, handle: int, pid: int, call: int) -> None:
        self._selector.unregister(handle)
        _, status = os.waitpid(pid, 0)
        tell(call, os.waitstatus_to_exitcode(status))
        close(handle, call)


class First:
    """Makes each template when its command is first called, and hands calls on to them."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._templates: dict[str, socket.socket] = {}

    def run(self) -> NoReturn:
        while True:
            name, descriptors = receive(self._control)
            if not descriptors:
                os._exit(0)
            template = self._templates.pop(name, None) or self._make(name, descriptors)
            self._templates[name] = template  # the one used last is the last
            socket.send_fds(template, [b"call"], descriptors)
            close(*descriptors)
            if len(self._templates) > MOST_TEMPLATES:
                self._templates.pop(next(iter(self._templates))).close()
            with suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG) != (0, 0):
                    pass

    def _make(self, name: str, of_the_call: list[int]) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork():
            theirs.close()
            return ours
        for other in (ours, self._control, *self._templates.values()):
            other.close()
        close(*of_the_call)
        with loading():
            load(name)
        gc.collect()
        gc.freeze()
        return Template(theirs).run()


def receive(control: socket.socket) -> tuple[str, list[int]]:
    """The next call's command and descriptors; no descriptors when nobody is there to ask any more."""
    name, descriptors, _, _ = socket.recv_fds(control, 200, 4)
    return name.decode(), descriptors


def tell(call: int, number: int) -> None:
    """Answer whoever asked, who may be gone."""
    with suppress(OSError):
        os.write(call, b"%d\n" % number)


def close(*descriptors: int) -> None:
    for one in descriptors:
        os.close(one)


def become(request: dict[str, Any], standard: list[int]) -> None:
    """Make this process what executing the program would have made it."""
    for number, descriptor in enumerate(standard):
        os.dup2(descriptor, number)
    os.closerange(3, 4096)
    if request["session"]:
        os.setsid()
    os.umask(request["umask"])
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    sys.argv = [request["program"], *request["words"]]
    sys.orig_argv = [sys.executable, *sys.argv]
    signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def loading() -> Iterator[None]:
    """For what loads modules: notes the variables they read, and sees that they begin no thread."""
    plain = os.environ.__class__
    os.environ.__class__ = _Noted  # type: ignore[assignment]
    try:
        yield
    finally:
        os.environ.__class__ = plain
    assert len(os.listdir("/proc/self/task")) == 1, "loading a command began a thread, which no fork would have"


def load(name: str) -> None:
    """Load a command as the command line does before it runs it."""
    command_line = importlib.import_module("typer.main").get_command(main.app)
    command_line.get_command(None, name)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is for the tests and the calls
    sys.path.insert(0, os.path.dirname(sys.executable))  # where the program lies
    with loading():
        main = importlib.import_module("sheetport.cli.main")
    with suppress(_Call):
        First(socket.socket(fileno=int(sys.argv[1]))).run()
    sys.exit(main.main())
