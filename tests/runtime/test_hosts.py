"""Several hosts of one server: what joins, what does not, and that a change on one is known on all once answered."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from servers.data_places import DataPlace
from servers.postgres import PostgresCluster
from servers.sheetport import SheetportServer

ROUNDS = 12


def further_host(first: SheetportServer, folder: Path) -> SheetportServer:
    """A host with a directory of its own, a copy of the first's key file, and the same database."""
    shutil.copy2(first.data.with_suffix(".key"), folder / "data.key")
    return SheetportServer(DataPlace("postgresql", folder / "data", first.place.url), info=first.info)


@pytest.fixture(scope="module")
def hosts(
    postgres_server: PostgresCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[SheetportServer, SheetportServer]]:
    url = postgres_server.new_database()
    first = SheetportServer(DataPlace("postgresql", tmp_path_factory.mktemp("one") / "data", url))
    first.start()
    second = further_host(first, tmp_path_factory.mktemp("two"))
    second.start()
    yield first, second
    second.stop()
    first.stop()
    postgres_server.drop_database(url)


def make_key(server: SheetportServer, name: str) -> dict[str, str]:
    """A fresh secret key with its ``id`` and ``rawKey``, made by the first administrator."""
    signed_in = server.request("POST", "/v1/auth", {"email": server.email, "password": server.password})
    path = f"/v1/auth/api-key?environmentId={server.development['id']}&type=SECRET"
    made = server.request("POST", path, {"name": name}, token=signed_in.body["accessToken"])
    return next(dict(key) for key in made.body["data"] if key["name"] == name)


def revoke(server: SheetportServer, key: dict[str, str]) -> None:
    signed_in = server.request("POST", "/v1/auth", {"email": server.email, "password": server.password})
    path = f"/v1/auth/credentials/{key['id']}"
    assert server.request("DELETE", path, token=signed_in.body["accessToken"]).status == 200


def status(server: SheetportServer, key: dict[str, str]) -> int:
    return server.request("GET", "/v1/spaces", token=key["rawKey"]).status


def test_a_host_with_the_key_file_joins_and_says_so(hosts: tuple[SheetportServer, SheetportServer]) -> None:
    first, second = hosts
    assert "has joined" in second.log.read_text()
    space = first.request("POST", "/v1/spaces", {"name": "Orders"}, token=first.development["secretKey"])
    path = f"/v1/spaces/{space.body['data']['id']}"
    assert second.request("GET", path, token=first.development["secretKey"]).body["data"]["name"] == "Orders"
    assert second.data.stat().st_mode & 0o777 == 0o700


def test_a_key_revoked_on_one_host_is_refused_by_the_other(hosts: tuple[SheetportServer, SheetportServer]) -> None:
    first, second = hosts
    for number in range(ROUNDS):
        key = make_key(first, f"round {number}")
        assert [status(second, key) for _ in range(2)] == [200, 200]
        revoke(first, key)
        assert status(second, key) == 401


def test_a_stream_on_the_other_host_is_cut(hosts: tuple[SheetportServer, SheetportServer]) -> None:
    first, second = hosts
    key = make_key(first, "stream")
    connection = HTTPConnection("127.0.0.1", second.port, timeout=5)
    path = f"/v1/events/stream?environmentId={first.development['id']}"
    connection.request("GET", path, headers={"Authorization": f"Bearer {key['rawKey']}"})
    answer = connection.getresponse()
    assert answer.status == 200
    revoke(first, key)
    assert b"" in iter(answer.readline, None), "the stream ends"  # a TimeoutError fails the test
    connection.close()


def test_a_host_that_stood_still_accepts_nothing_that_ended_meanwhile(
    hosts: tuple[SheetportServer, SheetportServer],
) -> None:
    first, second = hosts
    key = make_key(first, "stopped")
    assert status(second, key) == 200
    os.kill(second.pid, signal.SIGSTOP)
    try:
        began = time.monotonic()
        revoke(first, key)
        assert time.monotonic() - began < 5, "a host that stands still holds nobody up"
        with socket.create_connection(("127.0.0.1", second.port), timeout=20) as waiting:
            waiting.sendall(
                f"GET /v1/spaces HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key['rawKey']}\r\n\r\n".encode()
            )
            os.kill(second.pid, signal.SIGCONT)
            assert waiting.recv(12) == b"HTTP/1.1 401"
    finally:
        os.kill(second.pid, signal.SIGCONT)


@pytest.mark.parametrize("kind", ["another server's key file", "an empty database"])
def test_who_does_not_belong_does_not_join(
    kind: str,
    hosts: tuple[SheetportServer, SheetportServer],
    postgres_server: PostgresCluster,
    tmp_path: Path,
) -> None:
    first = hosts[0]
    if kind == "an empty database":
        shutil.copy2(first.data.with_suffix(".key"), tmp_path / "data.key")
        url, reason = postgres_server.new_database(), "holds no server"
    else:
        SheetportServer(DataPlace("sqlite", tmp_path / "other", None), set_up_anew=True)
        shutil.copy2(tmp_path / "other.key", tmp_path / "data.key")
        url, reason = str(first.place.url), "belongs to another server"
    done = first.command("serve", "--data", str(tmp_path / "data"), "--database-url", url)
    assert (done.returncode, reason in done.stderr.replace("\n", " ")) == (1, True), done.stderr
    assert not (tmp_path / "data").exists()
    if kind == "an empty database":
        postgres_server.drop_database(url)
