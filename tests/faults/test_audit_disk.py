"""While the audit log cannot be written no secret leaves the server; once it can, they do, without a restart."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from faults.disks import failing_calls, fill, free, small_disk
from servers.data_places import DataPlace
from servers.sheetport import Answer, SheetportServer

CANARY = "canary-that-must-not-leave"
READERS, READS = 4, 6


def read(server: SheetportServer) -> Answer:
    path = f"/v1/secrets?environmentId={server.development['id']}"
    return server.request("GET", path, token=str(server.development["secretKey"]))


def write(server: SheetportServer, name: str) -> Answer:
    body = {"name": name, "value": CANARY, "environmentId": server.development["id"]}
    return server.request("POST", "/v1/secrets", body, str(server.development["secretKey"]))


def assert_nothing_leaves(server: SheetportServer) -> None:
    """Every reading and writing that would show values is refused in words, however many there are."""
    with ThreadPoolExecutor(READERS) as pool:
        answers = list(pool.map(lambda _: read(server), range(READERS * READS)))
    for answer in [*answers, write(server, "another"), write(server, "another")]:
        assert answer.status == 503, answer
        assert CANARY not in str(answer.body)
        assert int(answer.headers["retry-after"]) > 0
    messages = {answer.body["errors"][0]["message"] for answer in answers}
    assert all("not recorded there is not sent" in message for message in messages), messages


def assert_soon_there(server: SheetportServer) -> None:
    deadline = time.monotonic() + 10
    while (answer := read(server)).status != 200:
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    assert CANARY in str(answer.body)
    assert write(server, "later").status == 200
    while (answer := server.request("GET", "/readyz")).status != 200:  # how far the log has come is written each second
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)


@pytest.mark.parametrize("error", ["EIO", "EROFS"])
def test_a_log_that_cannot_be_written_or_synced(sqlite_place: DataPlace, error: str) -> None:
    calls = "fsync,fdatasync" if error == "EIO" else "pwrite64,ftruncate"
    server = SheetportServer(sqlite_place)
    server.start()
    try:
        assert write(server, "one").status == 200
        with failing_calls(server.pid, calls, error):
            assert_nothing_leaves(server)
            assert server.request("GET", "/readyz").status == 503
        assert_soon_there(server)
        assert CANARY not in server.log.read_text()
    finally:
        server.stop()
    verified = server.command("audit", "verify", "--data", str(server.data))
    assert verified.returncode == 0, verified


def test_a_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 12) as disk:
        server = SheetportServer(DataPlace("sqlite", disk / "data", None))
        server.start()
        try:
            assert write(server, "one").status == 200
            fill(disk)
            while (answer := read(server)).status == 200:  # until the log has no room left either
                continue
            assert answer.status == 503
            assert_nothing_leaves(server)
            free(disk)
            assert_soon_there(server)
        finally:
            server.stop()
