"""The process that starts jailed programs for the server: ``python -m sheetport.runtime.agent_jail.launcher FD``.

FD is one end of a sequenced-packet socket. A request is the JSON of a ``Jail`` with an ``id`` and the three descriptors
of standard input, output and error. It answers ``{"id", "pid", "layers"}`` with the listening sockets, or
``{"id", "error"}``, and later ``{"ended": pid, "status", "peak"}``. It ends with the other end of the socket, and every
program with it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
from typing import Any

from sheetport.runtime.agent_jail import calls, enter
from sheetport.runtime.agent_jail.enter import Jail

MAX_REQUEST = 64 * 1024
_STANDARD = 3


def main(descriptor: int) -> None:
    """Serves until the server is gone."""
    calls.adopt_orphans()
    os.umask(0o022)  # the server keeps its files to itself, and what a jail shows is read by another user
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the server decides
    link = socket.socket(fileno=descriptor)
    woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    waiting = select.poll()
    waiting.register(link, select.POLLIN)
    waiting.register(woken, select.POLLIN)
    link.send(b'{"ready":true}')
    while True:
        ready = {fd for fd, _ in waiting.poll()}
        if woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(woken, 4096)
            _report_ended(link)
        if descriptor in ready and not _serve(link):
            return


def _serve(link: socket.socket) -> bool:
    """One request; False at the end of the link."""
    message, given, _, _ = socket.recv_fds(link, MAX_REQUEST, _STANDARD)
    if not message:
        return False
    request = json.loads(message)
    listening: list[socket.socket] = []
    try:
        answer, listening = _launch(request["jail"], given)
    except (OSError, ValueError) as error:
        answer = {"error": str(error)}
    finally:
        for descriptor in given:
            os.close(descriptor)
    answer["id"] = request["id"]
    with contextlib.suppress(BrokenPipeError):
        socket.send_fds(link, [json.dumps(answer).encode()], [each.fileno() for each in listening])
    for each in listening:
        each.close()
    return True


def _report_ended(link: socket.socket) -> None:
    while True:
        try:
            pid, status, used = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        message = {"ended": pid, "status": os.waitstatus_to_exitcode(status), "peak": used.ru_maxrss * 1024}
        with contextlib.suppress(BrokenPipeError):
            link.send(json.dumps(message).encode())


def _launch(jail: Jail, standard: list[int]) -> tuple[dict[str, Any], list[socket.socket]]:
    """A helper enters the namespaces and forks the program in them; it is gone before the program starts."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    helper = os.fork()
    if helper == 0:
        ours.close()
        _separate_and_fork(jail, standard, theirs)
    theirs.close()
    with ours:
        message, given, _, _ = socket.recv_fds(ours, MAX_REQUEST, 16)
        os.waitpid(helper, 0)
        listening = [socket.socket(fileno=each) for each in given]
        answer = json.loads(message or b'{"error":"the helper ended by itself"}')
        if "pid" in answer:
            ours.send(b"go")  # it is this process's child now, which it has to know to end with it
            while said := ours.recv(MAX_REQUEST):
                answer |= json.loads(said)
        if "layers" not in answer:
            for each in listening:
                each.close()
            return {"error": answer.get("error", "the program's process ended by itself")}, []
        return answer, listening


def _separate_and_fork(jail: Jail, standard: list[int], link: socket.socket) -> None:
    try:
        if jail["namespaces"]:
            enter.separate()
            enter.raise_loopback()
        listening = enter.listen(jail)
        if not jail["namespaces"]:
            enter.name_ports(jail, listening)
        program = os.fork()
        if program == 0:
            for each in listening:
                each.close()
            _become(jail, standard, link)
        message = json.dumps({"pid": program}).encode()
        socket.send_fds(link, [message], [each.fileno() for each in listening])
    except OSError as error:
        link.send(json.dumps({"error": str(error)}).encode())
    os._exit(0)


def _become(jail: Jail, standard: list[int], link: socket.socket) -> None:
    try:
        if link.recv(2) != b"go":
            os._exit(1)
        os.setsid()
        signal.set_wakeup_fd(-1)
        for each in (signal.SIGINT, signal.SIGCHLD, signal.SIGPIPE):
            signal.signal(each, signal.SIG_DFL)
        if jail["namespaces"]:
            enter.furnish(jail)
        for number, descriptor in enumerate(standard):
            os.dup2(descriptor, number, inheritable=True)
        kept = link.fileno()
        os.closerange(_STANDARD, kept)
        os.closerange(kept + 1, 65_536)
        layers = enter.give_up_rights(jail)
        link.send(json.dumps({"layers": layers}).encode())
        enter.start(jail, jail["environment"])
    except Exception as error:  # noqa: BLE001 - whatever it is, the server hears of it
        link.send(json.dumps({"error": f"{type(error).__name__}: {error}"}).encode())
    os._exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]))
