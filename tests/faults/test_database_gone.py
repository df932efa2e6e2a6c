"""PostgreSQL that goes away and comes back while a server runs: quick 503s meanwhile, nothing lost, no restart."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.burst import Follower, Written, drain, key, lost, untold, write
from servers.data_places import DataPlace
from servers.postgres import PostgresCluster, running_postgres
from servers.sheetport import SheetportServer, free_port

ServerFactory = Callable[..., SheetportServer]
WRITERS = 3
#: Each refusal has to come by then, whatever the database does.
QUICK_SECONDS = 3.0
BACK_SECONDS = 10.0


class Cluster:
    """A PostgreSQL of this test's own that keeps what it has committed, and can be stopped."""

    def __init__(self, cluster: PostgresCluster) -> None:
        self.url = cluster.new_database()
        self._data = Path(cluster.sql("SHOW data_directory"))
        self._command = shlex.split((self._data / "postmaster.opts").read_text())
        self.started: list[subprocess.Popen[bytes]] = []

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Within this the database is down, as after a crash; then it starts again."""
        lock, owner = self._data / "postmaster.pid", self._data.stat()
        os.kill(int(lock.read_text().split()[0]), signal.SIGQUIT)
        for process in self.started:
            process.wait(10)
        while lock.exists():
            time.sleep(0.02)
        try:
            yield
        finally:
            user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()} if os.geteuid() == 0 else {}
            with (self._data / "again.log").open("ab") as log:
                again = subprocess.Popen(self._command, stdout=log, stderr=log, cwd=self._data, **user)
            self.started.append(again)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running_postgres(durable=True) as running:
        made = Cluster(running)
        try:
            yield made
        finally:
            for process in made.started:
                process.send_signal(signal.SIGQUIT)
                process.wait(10)


def assert_quick_refusal(server: SheetportServer, method: str, path: str, body: object = None) -> None:
    began = time.monotonic()
    answer = server.request(method, path, body, key(server))
    assert answer.status == 503, answer
    assert int(answer.headers["retry-after"]) > 0
    assert "cannot be reached; nothing was changed" in answer.body["errors"][0]["message"]
    assert time.monotonic() - began < QUICK_SECONDS


def wait_until_back(server: SheetportServer) -> None:
    """Return once a write works again, without a restart."""
    deadline = time.monotonic() + BACK_SECONDS
    while server.request("POST", "/v1/spaces", {"name": "back"}, key(server)).status != 200:
        assert time.monotonic() < deadline, "the server does not find the database again"
        time.sleep(0.1)


def test_a_database_that_goes_and_comes_back(cluster: Cluster, tmp_path: Path, server: ServerFactory) -> None:
    one = server(DataPlace("postgresql", tmp_path / "data", cluster.url))
    follower, written = Follower(one), [Written() for _ in range(WRITERS)]
    follower.begin()
    with ThreadPoolExecutor(WRITERS) as pool:
        writing = [pool.submit(write, one, each, 1_000) for each in written]
        time.sleep(0.7)
        with cluster.stopped():
            for ended in writing:
                ended.result(QUICK_SECONDS * 2)
            for _ in range(3):
                assert_quick_refusal(one, "GET", "/v1/spaces")
                assert_quick_refusal(one, "POST", "/v1/spaces", {"name": "s"})
            assert one.request("GET", "/healthz").status == 200
            assert one.request("GET", "/readyz").status == 503
            refused_start(one)
        wait_until_back(one)
    assert {refusal[1] for each in written for refusal in each.refused} == {503}
    for each in written:
        each.refused.clear()
        assert each.spaces
        assert lost(one, each) == []
    drain(follower, one)
    assert [fault for each in written for fault in untold(follower, each)] == []
    with ThreadPoolExecutor(1) as pool:
        poll = pool.submit(follower.poll)
        time.sleep(0.3)
        with cluster.stopped():
            time.sleep(0.5)
            assert not poll.done(), "an open long poll should outlive the database"
        wait_until_back(one)
        assert poll.result(BACK_SECONDS) > 0
    assert "request.failed" not in one.log.read_text()


def refused_start(server: SheetportServer) -> None:
    """Another process of the same server is not started without its database, and says so."""
    done = server.command("serve", "--data", str(server.data), *server.place.arguments, "--port", str(free_port()))
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done
    assert "--database-url" in done.stderr
