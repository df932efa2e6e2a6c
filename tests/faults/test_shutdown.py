"""How a server ends: when asked, when its parent dies, and when it should not have begun; a dead worker ends none."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faults.burst import Follower, Written, drain, lost, untold, write
from servers.data_places import DataPlace
from servers.sheetport import STOP_SECONDS, SheetportServer, free_port

ServerFactory = Callable[..., SheetportServer]
WRITERS, ROUNDS, FOLLOWERS = 8, 5, 4
CHILDREN_SECONDS = 2.0


def children(pid: int) -> list[int]:
    """The processes that ``pid`` has started and that still run."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
        except OSError:  # it ended meanwhile
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(path.parent.name))
    return found


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


@pytest.fixture
def many(tmp_path: Path, postgres_url: str, server: ServerFactory) -> SheetportServer:
    """A server of two worker processes on PostgreSQL."""
    return server(DataPlace("postgresql", tmp_path / "data", postgres_url), "--workers", "2")


@pytest.mark.parametrize("whole_group", [True, False])
def test_a_stop_answers_open_polls_empty_and_exits_cleanly(server: ServerFactory, whole_group: bool) -> None:
    one = server()
    followers = [Follower(one) for _ in range(5)]
    for follower in followers:
        follower.begin()
    with ThreadPoolExecutor(len(followers)) as pool:
        polls = [pool.submit(follower.poll) for follower in followers]
        time.sleep(0.5)
        assert not any(poll.done() for poll in polls), "the polls should wait"
        began = time.monotonic()
        (os.killpg if whole_group else os.kill)(one.pid, signal.SIGTERM)
        assert [poll.result(STOP_SECONDS) for poll in polls] == [0] * len(followers)
    assert one.kill(0) == 0
    assert time.monotonic() - began < STOP_SECONDS


def test_a_stop_ends_every_worker(many: SheetportServer) -> None:
    workers = children(many.pid)
    os.kill(many.pid, signal.SIGTERM)
    assert many.kill(0) == 0
    assert not any(map(is_running, workers))


def test_a_second_server_on_the_same_data_is_refused(server: ServerFactory) -> None:
    one = server()
    for port in (free_port(), one.port):
        second = one.command("serve", "--data", str(one.data), "--port", str(port))
        assert second.returncode != 0
        assert (str(one.data) if port != one.port else str(port)) in (second.stdout + second.stderr).replace("\n", "")
    assert one.request("GET", "/v1/spaces", token=one.development["secretKey"]).status == 200


def test_several_workers_on_sqlite_are_refused(sqlite_place: DataPlace) -> None:
    one = SheetportServer(sqlite_place)
    done = one.command("serve", "--data", str(one.data), "--port", str(one.port), "--workers", "2")
    assert done.returncode != 0
    assert "PostgreSQL" in done.stdout + done.stderr


def test_workers_do_not_outlive_their_parent(many: SheetportServer) -> None:
    workers = children(many.pid)
    assert len(workers) == 2
    follower = Follower(many)
    follower.begin()
    waiting = threading.Thread(target=follower.follow)
    waiting.start()
    os.kill(many.pid, signal.SIGKILL)
    assert wait_for(lambda: not any(map(is_running, workers)), CHILDREN_SECONDS), "a worker outlived its parent"
    waiting.join(STOP_SECONDS)
    many.kill(0)


def test_a_dead_worker_is_replaced_and_nothing_is_lost(many: SheetportServer) -> None:
    follower, written = Follower(many), Written()
    follower.begin()
    before = children(many.pid)
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(write, many, written, ROUNDS) for _ in range(WRITERS)]
        time.sleep(0.5)
        os.kill(before[0], signal.SIGKILL)
        replaced = wait_for(
            lambda: len(children(many.pid)) == 2 and before[0] not in children(many.pid), CHILDREN_SECONDS
        )
        assert replaced, "nobody took the dead worker's place"
        for each in writing:
            each.result(60)
    assert before[1] in children(many.pid), "the other worker goes on"
    assert "worker.died" in many.log.read_text()
    drain(follower, many)
    assert written.jobs
    assert lost(many, written) == []
    assert untold(follower, written) == []


def test_every_follower_gets_all_in_order_from_whichever_worker(many: SheetportServer) -> None:
    followers, written = [Follower(many) for _ in range(FOLLOWERS)], [Written() for _ in range(WRITERS)]
    for follower in followers:
        follower.begin()
    first = int(followers[0].at)
    done = threading.Event()

    def follow(follower: Follower) -> None:
        while not done.is_set():
            follower.poll()
        drain(follower, many)

    with ThreadPoolExecutor(WRITERS + FOLLOWERS) as pool:
        following = [pool.submit(follow, follower) for follower in followers]
        writing = [pool.submit(write, many, one, ROUNDS) for one in written]
        for each in writing:
            each.result(60)
        done.set()
        many.request("POST", "/v1/spaces", {"name": "done"}, many.development["secretKey"])
        for each in following:
            each.result(60)
    assert [len(one.jobs) for one in written] == [ROUNDS] * WRITERS
    shortest = min(len(follower.seen) for follower in followers)
    for follower in followers:
        assert list(follower.seen) == list(range(first + 1, first + 1 + len(follower.seen)))
        assert follower.again == 0
        assert list(follower.seen.items())[:shortest] == list(followers[0].seen.items())[:shortest]
        assert [fault for one in written for fault in untold(follower, one)] == []
        assert order_faults(follower) == []


def order_faults(follower: Follower) -> list[str]:
    """Spaces whose things were told of before they themselves were."""
    order = ["space:created", "workbook:created", "records:created", "job:created"]
    by_space: dict[str, list[int]] = {}
    for event in follower.seen.values():
        if event["topic"] in order and "spaceId" in event["context"]:
            by_space.setdefault(event["context"]["spaceId"], []).append(order.index(event["topic"]))
    return [space for space, steps in by_space.items() if steps != sorted(steps)]
