"""SIGHUP: a server begins anew while clients go on writing, and none of them sees it."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from faults.test_shutdown import children, wait_for
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer

ServerFactory = Callable[..., SheetportServer]
#: Between two writes of one writer: a reload is judged by their failures, not by their number.
PAUSE = 0.03


class Writer:
    """Makes spaces one after another, over one connection or a new one for each."""

    def __init__(self, server: SheetportServer, *, keeps_connection: bool) -> None:
        self.server = server
        self.keeps_connection = keeps_connection
        self.made: list[str] = []
        self.failed: list[str] = []
        self.longest = 0.0
        self.done = threading.Event()

    def run(self) -> None:
        headers = {"Authorization": f"Bearer {self.server.development['secretKey']}"}
        limits = httpx.Limits(max_keepalive_connections=1 if self.keeps_connection else 0)
        with httpx.Client(base_url=self.server.url, headers=headers, limits=limits, timeout=20) as client:
            while not self.done.is_set():
                self.write(client)

    def write(self, client: httpx.Client) -> None:
        began = time.monotonic()
        try:
            answer = client.post("/v1/spaces", json={"name": f"space {len(self.made)}"})
        except httpx.TransportError as error:
            self.failed.append(type(error).__name__)
            return
        self.longest = max(self.longest, time.monotonic() - began)
        if answer.status_code == 200:
            self.made.append(answer.json()["data"]["id"])
        else:
            self.failed.append(f"{answer.status_code} {answer.text}")
        time.sleep(PAUSE)


@contextmanager
def writing(server: SheetportServer) -> Iterator[list[Writer]]:
    """Two of each kind."""
    writers = [Writer(server, keeps_connection=keeps) for keeps in (True, True, False, False)]
    threads = [threading.Thread(target=writer.run) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield writers
    finally:
        for writer in writers:
            writer.done.set()
        for thread in threads:
            thread.join(30)


def spaces_of(server: SheetportServer) -> set[str]:
    """The ids of all spaces there are."""
    found: set[str] = set()
    number = 1
    while True:
        path = f"/v1/spaces?pageSize=1000&pageNumber={number}"
        page = server.request("GET", path, token=server.development["secretKey"]).body["data"]
        if not page:
            return found
        found |= {space["id"] for space in page}
        number += 1


def ready_lines(server: SheetportServer) -> int:
    return server.log.read_text().count("Sheetport is ready at")


@pytest.fixture
def many(tmp_path: Path, postgres_url: str, server: ServerFactory) -> SheetportServer:
    """A server of two worker processes on PostgreSQL."""
    return server(DataPlace("postgresql", tmp_path / "data", postgres_url), "--workers", "2")


def test_workers_are_replaced_one_by_one_without_a_failed_request(many: SheetportServer) -> None:
    before = set(children(many.pid))
    with writing(many) as writers:
        time.sleep(0.5)
        os.kill(many.pid, signal.SIGHUP)
        assert wait_for(lambda: "server.reloaded" in many.log.read_text(), 90)
        assert wait_for(lambda: len(children(many.pid)) == 2, 15), "the old workers are still there"
        time.sleep(0.5)
    print([(writer.keeps_connection, len(writer.made), round(writer.longest, 2)) for writer in writers])
    assert before.isdisjoint(children(many.pid))
    assert [writer.failed for writer in writers] == [[]] * 4
    assert {space for writer in writers for space in writer.made} <= spaces_of(many)
    page = many.request("GET", "/metrics").body.decode()
    assert "sheetport_workers 2.0" in page, "one scrape shows every worker"
    for worker in ("0", "1"):
        assert f'route="/v1/spaces",status="2xx",worker="{worker}"' in page


@contextmanager
def manager(path: Path) -> Iterator[list[str]]:
    """What systemd would hear at ``path``, state by state."""
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        own.bind(str(path))
        own.settimeout(0.2)
        done = threading.Event()

        def listen() -> None:
            while not done.is_set():
                with suppress(TimeoutError):
                    heard.append(own.recv(4_096).decode().partition("=")[0])

        thread = threading.Thread(target=listen)
        thread.start()
        try:
            yield heard
        finally:
            done.set()
            thread.join()


def test_a_server_of_one_process_begins_anew_and_loses_nothing(
    server: ServerFactory, sqlite_place: DataPlace, tmp_path: Path
) -> None:
    with manager(tmp_path / "notify") as heard:
        one = server(sqlite_place, env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        pid = one.pid
        with writing(one) as writers:
            time.sleep(0.5)
            os.kill(pid, signal.SIGHUP)
            assert wait_for(lambda: ready_lines(one) == 2, 60)
            time.sleep(0.5)
        print([(writer.keeps_connection, len(writer.made), round(writer.longest, 2)) for writer in writers])
        assert [writer.failed for writer in writers] == [[]] * 4
        assert {space for writer in writers for space in writer.made} <= spaces_of(one)
        assert one.command("env", "list", "--data", str(one.data)).returncode == 0, "its local socket is there again"
        one.stop()
    assert heard == ["READY", "RELOADING", "READY", "STOPPING"]
