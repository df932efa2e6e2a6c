"""``sheetport init`` and ``serve``: set-up happens whole or not at all, stays private, and a server ends in order."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import pytest

from servers.commands import PROGRAM
from servers.data_places import DataPlace
from servers.sheetport import EMAIL, PASSWORD, SheetportServer, clean_environment, free_port, send

#: What a secret of any kind begins with.
SECRET = re.compile(r"(sk_|pk_|pat_|at_|setup_)\w+|token=")


def sheetport(folder: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """``sheetport ARGUMENTS`` to its end, in the folder."""
    done = subprocess.run(
        [PROGRAM, *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        env=clean_environment(),
        cwd=folder,
    )
    assert "Traceback" not in done.stderr
    return done


def refused(folder: Path, *arguments: str, stdin: str = "") -> str:
    """The error of a command that has to end with status 1 and print nothing else."""
    done = sheetport(folder, *arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert done.stderr.startswith("error: "), done.stderr
    return done.stderr


def init(*further: str, password: str = PASSWORD) -> list[str]:
    return ["init", "--data", "data", "--email", EMAIL, "--password", password, *further]


def contents(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Every file's and folder's mode, and the files' bytes."""
    return {
        str(path.relative_to(folder)): (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SheetportServer]:
    """A server that this module's tests look at and leave as it is."""
    server = SheetportServer(DataPlace("sqlite", tmp_path_factory.mktemp("serve") / "data", None))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> SheetportServer:
    """A server that was set up; whoever starts it stops it."""
    return SheetportServer(DataPlace("sqlite", tmp_path_factory.mktemp("init") / "data", None))


def test_init_prints_one_object_with_all_keys(stopped: SheetportServer) -> None:
    made = stopped.info
    assert set(made) == {"accountId", "userId", "email", "environments", "auditKey"}
    assert made["email"] == EMAIL
    seen = [(entry["name"], entry["isProd"]) for entry in made["environments"]]
    assert seen == [("development", False), ("production", True)]
    for entry, kind in zip(made["environments"], ("dev", "prod"), strict=True):
        assert set(entry) == {"id", "name", "isProd", "secretKey", "publishableKey"}
        assert entry["secretKey"].startswith(f"sk_{kind}_")
        assert entry["publishableKey"].startswith("pk_")


def test_what_init_makes_is_its_owners_alone(stopped: SheetportServer) -> None:
    assert stopped.data.stat().st_mode & 0o777 == 0o700
    private = [stopped.data.with_name("data.key"), *(path for path in stopped.data.rglob("*") if path.is_file())]
    assert stopped.data / "sheetport.db" in private
    assert {path: path.stat().st_mode & 0o777 for path in private} == dict.fromkeys(private, 0o600)


def test_a_second_init_is_refused_and_changes_nothing(stopped: SheetportServer) -> None:
    folder = stopped.data.parent
    before = contents(folder)
    assert "already holds a server's data; nothing was changed" in refused(folder, *init("--json"))
    assert contents(folder) == before


def test_an_existing_key_file_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "data.key").write_text("somebody's")
    assert "already exists; nothing was changed" in refused(tmp_path, *init())
    assert [path.name for path in tmp_path.iterdir()] == ["data.key"]
    assert (tmp_path / "data.key").read_text() == "somebody's"


def test_a_weak_password_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    said = refused(tmp_path, *init(password="canary"))
    assert "15" in said
    assert "canary" not in said
    assert list(tmp_path.iterdir()) == []


def test_after_a_refused_address_init_can_be_run_again_with_the_password_by_standard_input(tmp_path: Path) -> None:
    wrong = ["init", "--data", "data", "--email", "nobody", "--password", PASSWORD]
    assert "email" in refused(tmp_path, *wrong).lower()
    assert not (tmp_path / "data.key").exists()
    done = sheetport(tmp_path, *init(password="-"), stdin=f"{PASSWORD}\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert "shown this once" in done.stdout
    assert PASSWORD not in done.stdout


def test_serve_on_an_empty_folder_prints_no_secret_without_a_terminal(tmp_path: Path) -> None:
    port = free_port()
    command = [PROGRAM, "serve", "--data", "data", "--port", str(port)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=subprocess.STDOUT, text=True, env=clean_environment(), cwd=tmp_path
    ) as process:
        assert process.stdout is not None
        lines: list[str] = []
        try:
            for line in process.stdout:
                lines.append(line)
                if f"Sheetport is ready at http://127.0.0.1:{port}" in line:
                    break
            first_run = tmp_path / "data" / "first-run.txt"
            assert first_run.stat().st_mode & 0o777 == 0o600
            assert f"http://127.0.0.1:{port}/setup?token=" in first_run.read_text()
            assert SECRET.search(first_run.read_text())
        finally:
            process.terminate()
        lines.append(process.stdout.read())
        assert process.wait(15) == 0
    printed = "".join(lines)
    assert SECRET.search(printed) is None, printed
    assert all(path in printed for path in ("data.key", "first-run.txt"))
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_a_second_server_on_the_same_data_is_refused(running: SheetportServer) -> None:
    folder = running.data.parent
    said = refused(folder, "serve", "--data", str(running.data), "--port", str(free_port()))
    assert f"Another server is running on {running.data}" in said
    assert "PostgreSQL" in said
    key = running.development["secretKey"]
    assert running.request("GET", "/v1/environments", token=key).status == 200


def test_a_port_that_is_taken_is_said_before_anything_is_made(running: SheetportServer, tmp_path: Path) -> None:
    said = refused(tmp_path, "serve", "--data", "data", "--port", str(running.port))
    assert f"127.0.0.1:{running.port} cannot be used" in said
    assert "--port" in said
    assert list(tmp_path.iterdir()) == []


def test_more_workers_need_postgresql(tmp_path: Path) -> None:
    assert "PostgreSQL" in refused(tmp_path, "serve", "--data", "data", "--workers", "2")
    assert list(tmp_path.iterdir()) == []


def test_serve_without_its_key_file(stopped: SheetportServer, tmp_path: Path) -> None:
    gone = tmp_path / "gone.key"
    options = ("--data", str(stopped.data), "--key-file", str(gone), "--port", str(free_port()))
    assert f"The key file {gone} is missing" in refused(tmp_path, "serve", *options)
    assert not gone.exists()


def test_what_a_running_server_makes_is_private(running: SheetportServer) -> None:
    loose = {
        str(path): oct(path.stat().st_mode & 0o777)
        for path in running.data.rglob("*")
        if path.stat().st_mode & 0o077 and not path.is_symlink()
    }
    assert loose == {}
    assert (running.data / "admin.sock").is_socket()


@pytest.mark.parametrize("send_signal", [os.kill, os.killpg], ids=["process", "group"])
def test_sigterm_answers_an_open_long_poll_and_ends_with_0(
    stopped: SheetportServer, send_signal: Callable[[int, int], None]
) -> None:
    stopped.start()
    try:
        subscribe = subscription(stopped)
        start = send(f"{subscribe}&tt=0", "GET").body["t"]["t"]
        with ThreadPoolExecutor(1) as pool:
            poll = pool.submit(send, f"{subscribe}&tt={start}", "GET")
            time.sleep(0.5)
            assert not poll.done()
            began = time.monotonic()
            send_signal(stopped.pid, signal.SIGTERM)
            answer = poll.result(10)
        assert (answer.status, answer.body["m"]) == (200, [])
        stopped.stop()
        assert time.monotonic() - began < 10
        assert not (stopped.data / "admin.sock").exists()
    finally:
        stopped.kill()


def subscription(server: SheetportServer) -> str:
    """The address at which the development environment's events are polled, but for ``tt``."""
    environment = server.development
    granted = server.request("GET", f"/v1/subscription?scope={environment['id']}", token=environment["secretKey"])
    grant = granted.body["data"]
    channel = quote(f"environment.{environment['id']}")
    return f"{server.url}/v2/subscribe/{grant['subscribeKey']}/{channel}/0?auth={quote(grant['token'])}&uuid=test"


def test_the_command_is_also_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "sheetport.cli", "version"], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, b"")


def test_two_servers_that_start_at_once_do_not_share_a_port(tmp_path: Path) -> None:
    port = str(free_port())
    both = [
        subprocess.Popen(
            [PROGRAM, "serve", "--data", str(tmp_path / name), "--port", port],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean_environment(),
            cwd=tmp_path,
        )
        for name in ("one", "other")
    ]
    refused = wait_for_first(both)
    served = next(process for process in both if process is not refused)
    said = refused.communicate(timeout=30)[0]
    served.send_signal(signal.SIGTERM)
    served.communicate(timeout=30)
    assert refused.returncode == 1
    assert f"{port}" in said
    assert "another --port" in said or "choose --port" in said
    assert served.returncode in {0, -signal.SIGTERM}


def wait_for_first(processes: list[subprocess.Popen[str]]) -> subprocess.Popen[str]:
    """The process that ends by itself."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for process in processes:
            if process.poll() is not None:
                return process
        time.sleep(0.02)
    raise AssertionError("neither server was refused")
