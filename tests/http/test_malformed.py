"""What is no HTTP, no text or no JSON gets a 4xx in the one shape or a closed connection, from the real server."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from architecture.envelopes import error_fault
from faults.broken_requests import Case, cases, get
from faults.wire import Talk, talk
from servers.sheetport import SheetportServer

#: The server's own answer takes milliseconds; this is for a busy machine.
AT_MOST_SECONDS = 8.0
#: What further walks may add: nothing but what an allocator keeps.
MORE_MEMORY = 16 * 1024 * 1024


def faults_of(case: Case, got: Talk) -> list[str]:
    """What is wrong with what came back."""
    faults = []
    if tuple(got.statuses) != case.answers and not (case.or_none and got.closed and not got.replies):
        faults.append(f"{got.statuses} instead of {list(case.answers)}")
    if not got.replies and not got.closed:
        faults.append("neither answered nor closed")
    if got.seconds > AT_MOST_SECONDS:
        faults.append(f"took {got.seconds:.1f} s")
    for reply in got.replies:
        if case.by_parser and (reply.body or reply.headers.get("connection") != "close"):
            faults.append("the parser's refusal has a body, or leaves the connection open")
        if not case.by_parser and reply.status >= 400:
            faults += filter(None, [error_fault(reply.status, reply.body)])
    return [f"{case.name}: {fault}" for fault in faults]


def files_open(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def memory(pid: int) -> int:
    """Bytes that the process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


def test_no_broken_request_breaks_the_server(server: Callable[..., SheetportServer]) -> None:
    one = server()
    token = one.development["secretKey"]
    again = get("/v1/environments", token=token)
    table = cases(token)
    assert len({case.name for case in table}) == len(table)

    made = 0

    def walk(walked: list[Case]) -> list[str]:
        nonlocal made
        faults = []
        for case in walked:
            got = talk(one.port, case.steps, AT_MOST_SECONDS, len(case.answers) or 1)
            made += sum(str(reply.body).startswith("{'data': {'id': 'us_sp_") for reply in got.replies)
            faults += faults_of(case, got)
            if talk(one.port, [again], AT_MOST_SECONDS).statuses != [200]:
                faults.append(f"{case.name}: the next request on a fresh connection is not answered")
        return faults

    assert talk(one.port, [again]).statuses == [200]
    files = files_open(one.pid)
    assert walk(table) == []
    held = memory(one.pid)
    small = [case for case in table if sum(len(step) for step in case.steps if isinstance(step, bytes)) < 1_000]
    for _ in range(3):
        assert walk(small) == []
    assert memory(one.pid) < held + MORE_MEMORY
    deadline = time.monotonic() + 5
    while files_open(one.pid) > files and time.monotonic() < deadline:
        time.sleep(0.05)
    assert files_open(one.pid) <= files + 1  # a second reader of the database may have been opened
    assert "request.failed" not in one.log.read_text()
    listed = one.request("GET", "/v1/spaces?pageSize=1", token=token).body["pagination"]["totalCount"]
    assert listed == made > 0
