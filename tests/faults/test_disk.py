"""A disk that is full or read-only: writes answer 503 and say why, reads go on, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from faults.disks import failing_calls, fill, free, small_disk
from servers.data_places import DataPlace
from servers.postgres import PostgresCluster
from servers.sheetport import PASSWORD, Answer, SheetportServer, free_port

WRITERS = 4
#: More than fits into what a file system and a database keep in reserve.
METADATA = {"text": "x" * 20_000}


def key(server: SheetportServer) -> str:
    return str(server.development["secretKey"])


def make(server: SheetportServer) -> Answer:
    return server.request("POST", "/v1/spaces", {"name": "s", "metadata": METADATA}, key(server))


def write_until_refused(server: SheetportServer) -> tuple[list[str], list[Answer]]:
    """The ids of the spaces that several writers made, and the first refusal each of them got."""

    def writer(_: int) -> tuple[list[str], Answer]:
        made = []
        for _ in range(1_000):
            answer = make(server)
            if answer.status != 200:
                return made, answer
            made.append(answer.body["data"]["id"])
        raise AssertionError("the disk does not get full")

    with ThreadPoolExecutor(WRITERS) as pool:
        ended = list(pool.map(writer, range(WRITERS)))
    return [id_ for made, _ in ended for id_ in made], [answer for _, answer in ended]


def assert_refused(answer: Answer, *words: str) -> None:
    """503 that says why, when to come again and that nothing was changed."""
    assert (answer.status, int(answer.headers["retry-after"]) > 0) == (503, True), answer
    message = answer.body["errors"][0]["message"]
    assert all(word in message for word in (*words, "nothing was changed")), message


def assert_there(server: SheetportServer, ids: list[str]) -> None:
    assert [id_ for id_ in ids if server.request("GET", f"/v1/spaces/{id_}", token=key(server)).status != 200] == []


def make_soon(server: SheetportServer) -> str:
    """The id of a space that has to get made within five seconds, without a restart."""
    deadline = time.monotonic() + 5
    while (answer := make(server)).status != 200:
        assert time.monotonic() < deadline, answer
        time.sleep(0.1)
    return str(answer.body["data"]["id"])


@pytest.fixture
def disk() -> Iterator[Path]:
    """Twelve MiB, in a folder that every user may pass through, as PostgreSQL's has to."""
    with tempfile.TemporaryDirectory(prefix="sheetport-disk-") as name:
        Path(name).chmod(0o755)
        with small_disk(Path(name) / "disk", 12) as made:
            yield made


def test_a_full_disk_under_sqlite(disk: Path) -> None:
    server = SheetportServer(DataPlace("sqlite", disk / "data", None))  # its log is on this disk too
    server.start()
    try:
        early = [make_soon(server) for _ in range(5)]
        fill(disk)
        late, refused = write_until_refused(server)
        for answer in refused:
            assert_refused(answer, "disk is full")
        assert_there(server, early + late)
        for _ in range(30):  # until the log has no room either
            assert_refused(make(server), "disk is full")
        free(disk)
        after = make_soon(server)
        assert "disk is full" in server.log.read_text()
        assert "request.failed" not in server.log.read_text()
        server.restart(signal.SIGKILL)
        assert_there(server, [*early, *late, after])
    finally:
        server.stop()


def test_a_full_disk_under_postgresql(disk: Path, tmp_path: Path, postgres_server: PostgresCluster) -> None:
    with tablespace(disk, postgres_server) as url:
        server = SheetportServer(
            DataPlace("postgresql", tmp_path / "data", url), set_up_anew=True
        )  # its tables lie there
        server.start()
        try:
            early = [make_soon(server) for _ in range(5)]
            fill(disk)
            late, refused = write_until_refused(server)
            for answer in refused:
                assert_refused(answer, "disk is full")
            assert_there(server, early + late)
            free(disk)
            assert_there(server, [*early, *late, make_soon(server)])
            assert "disk is full" in server.log.read_text()
            assert "request.failed" not in server.log.read_text()
        finally:
            server.stop()


@contextmanager
def tablespace(disk: Path, cluster: PostgresCluster) -> Iterator[str]:
    """The URL of a database whose tables lie on that disk; the log of the cluster lies elsewhere."""
    folder = disk / "tables"
    folder.mkdir()
    owner = Path(cluster.sql("SHOW data_directory")).stat()
    for path in (disk, folder):
        os.chown(path, owner.st_uid, owner.st_gid)
    cluster.sql(f"CREATE TABLESPACE small LOCATION '{folder}'")
    cluster.sql("CREATE DATABASE small TEMPLATE template0 TABLESPACE small")
    url = cluster.url("small")
    try:
        yield url
    finally:
        cluster.drop_database(url)
        cluster.sql("DROP TABLESPACE small")


def test_a_disk_that_turns_read_only_under_sqlite(sqlite_place: DataPlace) -> None:
    server = SheetportServer(sqlite_place)
    server.start()
    try:
        made = [make_soon(server) for _ in range(3)]
        with failing_calls(server.pid, "pwrite64,ftruncate", "EROFS"):
            for _ in range(5):
                assert_refused(make(server))
            assert_there(server, made)
        made.append(make_soon(server))
        with failing_calls(server.pid, "fsync,fdatasync", "EIO"):
            assert_refused(make(server), "disk failed")
            assert_there(server, made)
        assert_there(server, [*made, make_soon(server)])
    finally:
        server.stop()


def refused_start(server: SheetportServer) -> str:
    """What ``serve`` says that has to end at once with status 1."""
    done = server.command("serve", "--data", str(server.data), "--port", str(free_port()))
    assert done.returncode == 1, done
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    return done.stderr


@contextmanager
def remounted_read_only(disk: Path) -> Iterator[None]:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True, timeout=20)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True, timeout=20)


def test_a_start_where_nothing_can_be_written(disk: Path) -> None:
    server = SheetportServer(DataPlace("sqlite", disk / "data", None))
    before = {path: path.stat().st_mtime_ns for path in server.data.iterdir()}
    with remounted_read_only(disk):
        said = refused_start(server)
    assert f"{server.data} cannot be written" in said
    assert "read-only" in said
    assert {path: path.stat().st_mtime_ns for path in server.data.iterdir()} == before
    fill(disk)
    assert "disk is full" in refused_start(server)
    done = server.command("init", "--data", str(disk / "other"), "--email", "a@example.com", "--password", PASSWORD)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done
    assert not (disk / "other.key").exists()
    free(disk)
    server.start()
    server.stop()
