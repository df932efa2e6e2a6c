"""``sheetport run``: whose key a program gets, how it ends, and that the key ends with it."""

from __future__ import annotations

import os
import platform
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cli.conftest import PRINT, Shell, end
from servers.commands import PROGRAM
from servers.sheetport import SheetportServer
from sheetport.cli.variables import node_options
from sheetport.storage.engine import sqlite_path

#: Prints its key, then waits for its standard input to end.
HOLD = "import os, sys; print(os.environ['FLATFILE_API_KEY'], flush=True); sys.stdin.read()"


@contextmanager
def holding(shell: Shell, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A program under ``run`` that waits, and its key."""
    process = shell.start("run", *options, "--", sys.executable, "-c", HOLD)
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        end(process)


def until(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False


def test_a_program_gets_the_key_the_addresses_and_the_preload(shell: Shell) -> None:
    names = ("FLATFILE_API_KEY", "FLATFILE_BEARER_TOKEN", "FLATFILE_ENVIRONMENT_ID", "FLATFILE_API_URL")
    script = "import os, sys; print(*(os.environ[name] for name in sys.argv[1:]))"
    command = ("run", "--", sys.executable, "-c", script, *names, "AGENT_INTERNAL_URL")
    key, bearer, environment, url, agent_url = shell.printed(*command).split()
    assert key.startswith("sk_dev_")
    assert (bearer, environment) == (key, shell.server.development["id"])
    assert (url, agent_url) == (shell.server.url, shell.server.url)
    preload = shell.printed("preload").strip()
    assert shell.variable("NODE_OPTIONS") == f"--require {preload}"
    assert shell.variable("NODE_OPTIONS", env={"NODE_OPTIONS": "--no-warnings"}) == f"--require {preload} --no-warnings"


def test_the_key_works_while_the_program_runs_and_has_ended_when_run_has(shell: Shell) -> None:
    with holding(shell) as (process, key):
        assert shell.status(key) == 200
        process.communicate("", timeout=20)
        assert process.returncode == 0
        assert shell.status(key) == 401


def test_the_key_ends_when_run_is_killed(shell: Shell) -> None:
    with holding(shell) as (process, key):
        assert shell.status(key) == 200
        process.kill()
        assert until(lambda: shell.status(key) == 401)


def test_the_key_outlives_a_restart_of_the_server_and_ends_with_run(
    server: Callable[..., SheetportServer], tmp_path: Path
) -> None:
    shell = Shell(server(), tmp_path)
    with holding(shell) as (process, key):
        shell.server.restart()
        assert shell.status(key) == 200
        process.communicate("", timeout=20)
        assert shell.status(key) == 401


def test_the_environment_is_chosen_by_name_or_id(shell: Shell) -> None:
    production = shell.server.production["id"]
    assert shell.variable("FLATFILE_ENVIRONMENT_ID", "--environment", "production") == production
    assert shell.variable("FLATFILE_API_KEY", "--environment", production).startswith("sk_prod_")
    said = shell.refused("run", "--environment", "staging", "--", "true")
    assert "staging" in said
    assert all(name in said for name in ("development", "production"))


def test_the_order_of_the_keys(shell: Shell) -> None:
    development, production = shell.server.development, shell.server.production
    (shell.folder / ".env.production").write_text(
        f"# ours\nFLATFILE_API_KEY='{production['secretKey']}'\nFLATFILE_API_URL={shell.server.url}/v1\n"
    )
    given = {"FLATFILE_API_KEY": development["secretKey"], "FLATFILE_API_URL": f"{shell.server.url}/v1/"}
    assert shell.variable("FLATFILE_API_KEY", env=given) == development["secretKey"]
    assert shell.variable("FLATFILE_API_URL", env=given) == shell.server.url
    assert shell.variable("FLATFILE_ENVIRONMENT_ID", env=given) == development["id"]
    in_file = shell.variable("FLATFILE_API_KEY", "--environment", "production")
    assert in_file == production["secretKey"]
    assert shell.variable("FLATFILE_ENVIRONMENT_ID", "--environment", "production") == production["id"]
    assert shell.variable("FLATFILE_API_KEY") not in {development["secretKey"], production["secretKey"]}


def test_a_key_of_another_environment_is_refused(shell: Shell) -> None:
    given = {"FLATFILE_API_KEY": shell.server.development["secretKey"], "FLATFILE_API_URL": shell.server.url}
    said = shell.refused("run", "--environment", "production", "--", "true", env=given)
    assert "does not reach the environment 'production'" in said
    assert given["FLATFILE_API_KEY"] not in said


def test_a_wrong_key_is_said_and_not_shown(shell: Shell) -> None:
    given = {"FLATFILE_API_KEY": "sk_dev_wrong", "FLATFILE_API_URL": shell.server.url}
    said = shell.refused("run", "--", "true", env=given)
    assert "FLATFILE_API_KEY is not accepted" in said
    assert "sk_dev_wrong" not in said
    unreachable = shell.refused("run", "--", "true", env={**given, "FLATFILE_API_URL": "http://127.0.0.1:9"})
    assert "http://127.0.0.1:9 cannot be reached" in unreachable


def test_without_a_server_the_three_ways_are_named(nowhere: Shell) -> None:
    said = nowhere.refused("run", "--", "true")
    assert all(way in said for way in ("sheetport serve", "FLATFILE_API_KEY", ".env.development"))


def test_the_environments_own_variables_are_there(shell: Shell) -> None:
    shell.printed("env", "set", "RUN_TEST_URL=https://example.com/a b?c='d'")
    assert shell.variable("RUN_TEST_URL") == "https://example.com/a b?c='d'"
    shell.printed("env", "unset", "RUN_TEST_URL")
    gone = shell.type("run", "--", sys.executable, "-c", PRINT, "RUN_TEST_URL")
    assert gone.returncode == 1
    assert "KeyError" in gone.stderr


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137), ("kill -TERM $$", 143)]
)
def test_the_exit_status_is_the_programs(shell: Shell, script: str, status: int) -> None:
    assert shell.type("run", "--", "sh", "-c", script).returncode == status


def test_a_program_that_is_not_there(shell: Shell) -> None:
    done = shell.type("run", "--", "no-such-program")
    assert done.returncode == 127
    assert "no-such-program" in done.stderr
    (shell.folder / "plain").write_text("")
    assert shell.type("run", "--", "./plain").returncode == 126


def test_standard_streams_are_the_programs(shell: Shell) -> None:
    assert shell.printed("run", "--", "cat", stdin="line\n") == "line\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGUSR1])
def test_signals_reach_the_program(shell: Shell, number: signal.Signals) -> None:
    script = (
        "import signal, sys\n"
        f"signal.signal({int(number)}, lambda *_: sys.exit(9))\n"
        "print('set', flush=True)\nsignal.pause()\n"
    )
    process = shell.start("run", "--", sys.executable, "-c", script)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "set\n"
        process.send_signal(number)
        assert process.wait(20) == 9
    finally:
        end(process)


def test_ctrl_c_reaches_the_program_once(shell: Shell) -> None:
    script = (
        "import signal, sys, time\n"
        "seen = []\nsignal.signal(signal.SIGINT, lambda *_: seen.append(1))\n"
        "print('set', flush=True)\nsignal.pause()\ntime.sleep(0.5)\nprint('seen', len(seen), flush=True)\n"
    )
    with on_terminal(shell, "run", "--", sys.executable, "-c", script) as (process, terminal):
        assert "set" in read_until(terminal, "set")
        os.write(terminal, b"\x03")
        assert "seen 1" in read_until(terminal, "seen ")
        assert process.wait(20) == 0


def test_production_asks_first_on_a_terminal(shell: Shell) -> None:
    command = ("run", "--environment", "production", "--", "echo", "it ran")
    with on_terminal(shell, *command) as (process, terminal):
        read_until(terminal, "Go on?")
        os.write(terminal, b"n\n")
        assert process.wait(20) == 1
        assert "it ran" not in read_until(terminal, "Nothing was run")
    with on_terminal(shell, *command) as (process, terminal):
        read_until(terminal, "Go on?")
        os.write(terminal, b"y\n")
        assert "it ran" in read_until(terminal, "it ran")
        assert process.wait(20) == 0
    with on_terminal(shell, "run", "--yes", *command[1:]) as (process, terminal):
        assert "Go on?" not in read_until(terminal, "it ran")
        assert process.wait(20) == 0


def test_production_goes_on_without_a_terminal(shell: Shell) -> None:
    assert shell.printed("run", "--environment", "production", "--", "echo", "it ran") == "it ran\n"


def test_a_minted_key_is_named_after_command_and_host(shell: Shell) -> None:
    before = secret_keys(shell)
    with holding(shell) as (process, _):
        (minted,) = secret_keys(shell) - before
        assert key_name(shell, minted) == f"run on {platform.node()}"
        process.communicate("", timeout=20)
    assert minted not in secret_keys(shell)


def secret_keys(shell: Shell) -> set[str]:
    """The ids of the development environment's secret keys."""
    development = shell.server.development
    path = f"/v1/auth/api-keys?environmentId={development['id']}"
    listed = shell.server.request("GET", path, token=development["secretKey"]).body["data"]
    return {key["id"] for key in listed if key["type"] == "SECRET"}


def key_name(shell: Shell, key_id: str) -> str:
    """The name of a key, which no route of the API shows, as the database holds it."""
    with closing(sqlite3.connect(f"file:{sqlite_path(shell.server.data)}?mode=ro", uri=True)) as database:
        (name,) = database.execute("SELECT name FROM credentials WHERE id = ?", (key_id,)).fetchone()
    return str(name)


@pytest.mark.parametrize(
    ("existing", "preload", "merged"),
    [
        ("", "/a/p.cjs", "--require /a/p.cjs"),
        ("--no-warnings", "/a/p.cjs", "--require /a/p.cjs --no-warnings"),
        ("--require /a/p.cjs --no-warnings", "/a/p.cjs", "--require /a/p.cjs --no-warnings"),
        ("", "/a b/p.cjs", '--require "/a b/p.cjs"'),
        ("", '/a"b\\c/p.cjs', '--require "/a\\"b\\\\c/p.cjs"'),
    ],
)
def test_node_options_are_merged(existing: str, preload: str, merged: str) -> None:
    assert node_options(existing, preload) == merged


def test_node_reads_a_path_with_spaces_and_quotes(node: str, tmp_path: Path) -> None:
    folder = tmp_path / 'with space "and" quotes'
    folder.mkdir()
    preload = folder / "preload.cjs"
    preload.write_text("console.log('loaded');")
    options = node_options("--no-warnings", str(preload))
    done = subprocess.run(
        [node, "-e", "console.log('main')"],
        capture_output=True,
        text=True,
        timeout=30,
        env={**os.environ, "NODE_OPTIONS": options},
    )
    assert done.stdout.split() == ["loaded", "main"], done.stderr


@contextmanager
def on_terminal(shell: Shell, *arguments: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """A command on a terminal of its own, whose other end is the file descriptor."""
    terminal, screen = os.openpty()
    process = subprocess.Popen(
        ["setsid", "--ctty", "--wait", PROGRAM, *arguments],
        stdin=screen,
        stdout=screen,
        stderr=screen,
        env=shell.variables,
        cwd=shell.folder,
    )
    os.close(screen)
    try:
        yield process, terminal
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
        os.close(terminal)


def read_until(terminal: int, text: str, seconds: float = 20) -> str:
    """What came on the terminal up to ``text``."""
    seen = ""
    deadline = time.monotonic() + seconds
    os.set_blocking(terminal, False)
    while text not in seen or not seen.endswith("\n"):
        assert time.monotonic() < deadline, seen
        try:
            seen += os.read(terminal, 4096).decode(errors="replace")
        except BlockingIOError:
            time.sleep(0.02)
            if text in seen and "?" in text:
                break
        except OSError:  # the other end is closed
            break
    assert text in seen, seen
    return seen


def test_development_is_the_default_among_several(shell: Shell) -> None:
    login = {"email": shell.server.email, "password": shell.server.password}
    token = shell.server.request("POST", "/v1/auth", login).body["accessToken"]
    made = shell.server.request("POST", "/v1/environments", {"name": "a-test", "isProd": False}, token)
    assert made.status == 200
    assert shell.variable("FLATFILE_ENVIRONMENT_ID") == shell.server.development["id"]
    assert shell.variable("FLATFILE_ENVIRONMENT_ID", "-e", "a-test") == made.body["data"]["id"]
    as_user = {"FLATFILE_API_KEY": token, "FLATFILE_API_URL": shell.server.url}
    assert shell.variable("FLATFILE_ENVIRONMENT_ID", env=as_user) == shell.server.development["id"]
    shell.server.request("DELETE", f"/v1/environments/{made.body['data']['id']}", token=token)
