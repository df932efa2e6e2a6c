"""Ten thousand open connections, and senders that take forever, beside one ordinary client."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from architecture.envelopes import error_fault
from faults.wire import Step, Talk, request, talk
from servers.sheetport import SheetportServer

CROWD = 10_000
#: The server's limits for a head and for a pause in a body are 30 seconds.
CUT_SECONDS = 35.0
ORDINARY_SECONDS = 1.0
#: Memory of an open connection, and of one that has sent half a request.
KIBIBYTES = 30
TYPE = "Content-Type: application/json"


@contextmanager
def many_files(count: int) -> Iterator[None]:
    """This process and those it starts may open that many files."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    hard = before[1] if before[1] == resource.RLIM_INFINITY else max(before[1], count)
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def memory(pid: int) -> int:
    """KiB that the process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4


def drip(data: bytes, every: float, count: int) -> list[Step]:
    """One byte at a time."""
    return [step for at in range(count) for step in (data[at : at + 1] or b"x", every)]


def slow(token: str) -> dict[str, tuple[list[Step], list[int], bool]]:
    """name → what is sent, the statuses that come back, and whether the server has to hang up."""
    head = request("GET", "/v1/environments", token=token)

    def post(length: str, *sent: Step) -> list[Step]:
        return [request("POST", "/v1/spaces", token=token, headers=(TYPE, length)), *sent]

    name = b'{"name":"' + b"s" * 40 + b'"}'
    large = b'{"name":"x","metadata":{"text":"' + b"x" * 60_000 + b'"}}'
    pieces: list[Step] = [step for at in range(0, len(large), 10_000) for step in (large[at : at + 10_000], 1.0)]
    return {
        "nothing": ([CUT_SECONDS], [], True),
        "half a head": ([head[:40], CUT_SECONDS], [], True),
        "a dripping head": (drip(head, 3.0, 12), [], True),
        "nothing more": ([head, CUT_SECONDS], [200], True),
        "no body": (post("Content-Length: 10"), [408], True),
        "a body never asked for": (post("Content-Length: 10\r\nExpect: 100-continue"), [408], True),
        "a dripping body": (post(f"Content-Length: {len(name)}", *drip(name, 2.0, 18)), [408], True),
        "a dripping chunk": (post("Transfer-Encoding: chunked", b"ff\r\n", *drip(name, 2.0, 18)), [408], True),
        "a body that stops": (post("Content-Length: 4000000", b"x" * 2_000_000), [408], True),
        "a slow body": (post(f"Content-Length: {len(large)}", *pieces), [200], False),
    }


def ordinary(server: SheetportServer) -> float:
    """The seconds that an ordinary client waits for an answer on a fresh connection."""
    began = time.monotonic()
    assert server.request("GET", "/v1/environments", token=server.development["secretKey"]).status == 200
    return time.monotonic() - began


@contextmanager
def crowd(server: SheetportServer, count: int) -> Iterator[list[socket.socket]]:
    """Connections that stay open: of each four two are idle, one has sent half a head, one is kept alive."""
    head = request("GET", "/healthz")
    with ExitStack() as stack:
        opened = []
        for number in range(count):
            one = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=20))
            opened.append(one)
            if number % 4 == 2:
                one.sendall(head[:30])
            elif number % 4 == 3:
                one.sendall(head)
                assert one.recv(1 << 12).startswith(b"HTTP/1.1 200")
        yield opened


def faults_of(name: str, got: Talk, answers: list[int], hangs_up: bool) -> list[str]:
    faults = [] if got.statuses == answers else [f"{got.statuses} instead of {answers}"]
    faults += ["is still open"] if hangs_up and not got.closed else []
    faults += [f"took {got.seconds:.0f} s"] if got.seconds > CUT_SECONDS + 3 else []
    faults += [fault for r in got.replies if r.status >= 400 and (fault := error_fault(r.status, r.body))]
    return [f"{name}: {fault}" for fault in faults]


def test_a_crowd_and_slow_senders_hold_nobody_up(
    server: Callable[..., SheetportServer], record_property: Callable[[str, object], None]
) -> None:
    with many_files(1_024):  # what a login shell or a service often has
        one = server(executed=True)
    with many_files(CROWD + 1_000):
        cases = slow(one.development["secretKey"])
        ordinary(one)
        with ThreadPoolExecutor(len(cases)) as pool, ExitStack() as stack:
            talking = {
                name: pool.submit(talk, one.port, steps, CUT_SECONDS, len(answers) + 1)
                for name, (steps, answers, _) in cases.items()
            }
            before = memory(one.pid)
            opened = stack.enter_context(crowd(one, CROWD))
            waited = [ordinary(one) for _ in range(10)]
            each = (memory(one.pid) - before) / CROWD
            record_property("KiB a connection", each)
            assert max(waited) < ORDINARY_SECONDS
            assert each < KIBIBYTES
            got = {name: task.result(CUT_SECONDS * 2) for name, task in talking.items()}
            assert [f for name, one_got in got.items() for f in faults_of(name, one_got, *cases[name][1:])] == []
            assert sum(map(still_open, opened)) == 0
        assert ordinary(one) < ORDINARY_SECONDS
        assert len(list(Path(f"/proc/{one.pid}/fd").iterdir())) < 100


def still_open(connection: socket.socket) -> bool:
    """Whether the server has not hung up by now."""
    connection.settimeout(CUT_SECONDS)
    try:
        return connection.recv(1) != b""
    except OSError as error:
        return isinstance(error, TimeoutError)


def test_at_the_limit_of_files_connections_wait(server: Callable[..., SheetportServer]) -> None:
    one = server(executed=True)
    used = len(list(Path(f"/proc/{one.pid}/fd").iterdir()))
    _, most = resource.prlimit(one.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(one.pid, resource.RLIMIT_NOFILE, (used + 50, most))
    with crowd(one, 48), ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(socket.create_connection(("127.0.0.1", one.port), timeout=20))
        time.sleep(0.3)
    assert ordinary(one) < 5
