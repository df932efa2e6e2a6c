"""``sheetport listen`` and ``sheetport events``: what they say while events come, and of those that came."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cli.conftest import Shell, end

LISTENER = """
import os
from sheetport.listener import Event, Listener

listener = Listener()

@listener.on("job:ready", job="space:greet")
async def greet(event: Event) -> None:
    await event.job.ack("working", 10)
    if event.payload.get("input") == {"fail": True} or event.context["jobId"] in open("failing.txt").read():
        raise ValueError("this one fails")
    await event.job.complete(f"hello from {os.environ['LISTEN_TEST']}")
"""


class Lines:
    """The lines of a program's stream, as they come."""

    def __init__(self, stream: Any) -> None:
        self.seen: list[str] = []
        threading.Thread(target=self._read, args=(stream,), daemon=True).start()

    def _read(self, stream: Any) -> None:
        for line in stream:
            self.seen.append(line.rstrip("\n"))

    def wait(self, text: str, seconds: float = 20) -> str:
        """The first line that holds the text."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for line in list(self.seen):
                if text in line:
                    return line
            time.sleep(0.02)
        raise AssertionError(f"no line with {text!r} in {self.seen}")


@contextmanager
def running(shell: Shell, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], Lines, Lines]]:
    """A command in the background with its standard output and standard error."""
    process = shell.start(*arguments)
    try:
        yield process, Lines(process.stdout), Lines(process.stderr)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


def post(shell: Shell, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = shell.server.request("POST", path, body, shell.server.development["secretKey"])
    assert answer.status == 200, answer
    return dict(answer.body["data"])


def make_space(shell: Shell, name: str) -> str:
    return str(post(shell, "/v1/spaces", {"name": name, "environmentId": shell.server.development["id"]})["id"])


def make_job(shell: Shell, space: str) -> str:
    wanted = {"type": "space", "operation": "greet", "source": space, "trigger": "manual"}
    return str(post(shell, "/v1/jobs", wanted)["id"])


def job_once_it_is(shell: Shell, job: str, status: str) -> dict[str, Any]:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        found = shell.server.request("GET", f"/v1/jobs/{job}", token=shell.server.development["secretKey"]).body["data"]
        if found["status"] == status:
            return dict(found)
        time.sleep(0.05)
    raise AssertionError(found)


def test_a_listener_says_what_it_handled_and_what_failed(shell: Shell) -> None:
    shell.printed("env", "set", "LISTEN_TEST=its variables")
    (shell.folder / "greet.py").write_text(LISTENER)
    space = make_space(shell, "Listen")
    good, bad = make_job(shell, space), make_job(shell, space)
    (shell.folder / "failing.txt").write_text(bad)
    with running(shell, "listen", "greet.py") as (process, _, said):
        said.wait(f"Connected to development of {shell.server.url}")
        for job in (good, bad):
            post(shell, f"/v1/jobs/{job}/execute", {})
        assert said.wait(good).startswith("handled  job:ready")
        assert job_once_it_is(shell, good, "complete")["outcome"]["message"] == "hello from its variables"
        assert "this one fails" in json.dumps(job_once_it_is(shell, bad, "failed"))
        said.wait("failed   job:ready")
        assert "greet.py:" in said.wait("this one fails")
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0
    assert not any("sk_dev_" in line for line in said.seen)
    shell.printed("env", "unset", "LISTEN_TEST")


def test_a_changed_file_is_loaded_again(shell: Shell) -> None:
    file = shell.folder / "greet.py"
    file.write_text(LISTENER)
    with running(shell, "listen", "greet.py", "--reload") as (_, _, said):
        said.wait("Connected")
        file.write_text("this is no Python")
        said.wait("goes on until this is fixed")
        file.write_text(LISTENER + "\n")
        said.wait("Loaded")


def test_a_file_that_cannot_be_run_is_an_error(shell: Shell) -> None:
    assert "There is no file none.py" in shell.refused("listen", "none.py")
    (shell.folder / "bad.py").write_text("raise ValueError('at the top')")
    said = shell.refused("listen", "bad.py")
    assert "bad.py:1" in said
    assert "at the top" in said


def test_tail_prints_a_line_for_each_event_of_the_topic(shell: Shell) -> None:
    with running(shell, "events", "tail", "--topic", "space:*") as (process, printed, said):
        said.wait("Connected")
        space = make_space(shell, "Tail")
        line = printed.wait("space:created")
        assert f"spaceId={space}" in line
        assert line[:4].isdigit()
        make_job(shell, space)
        second = make_space(shell, "Tail again")
        printed.wait(f"spaceId={second}")
        assert all("space:created" in line for line in printed.seen)
        process.send_signal(signal.SIGINT)
        assert process.wait(15) == 0


def test_tail_of_a_space_prints_its_events_whole(shell: Shell) -> None:
    space = make_space(shell, "Whole")
    with running(shell, "events", "tail", "--space", space, "--json") as (_, printed, said):
        said.wait("Connected")
        make_space(shell, "Another")
        job = make_job(shell, space)
        event = json.loads(printed.wait(job))
        assert event["context"]["spaceId"] == space
        assert {"id", "topic", "domain", "context", "payload"} <= set(event)
        assert all(json.loads(line)["context"]["spaceId"] == space for line in printed.seen)


def test_tail_ends_when_its_reader_has_enough(shell: Shell) -> None:
    process = shell.start("events", "tail")
    try:
        assert process.stderr is not None
        assert process.stdout is not None
        assert "Connected" in process.stderr.readline()
        process.stdout.close()
        make_space(shell, "Enough")
        assert process.wait(15) == 0
        assert process.stderr.read() == ""
    finally:
        process.stdout = None
        end(process)


def test_tail_prints_the_log_first_and_each_event_once(shell: Shell) -> None:
    before = make_space(shell, "Before")
    events = f"/v1/events?topic=space:created&pageSize=100&spaceId={before}"
    first = shell.server.request("GET", events, token=shell.server.development["secretKey"]).body["data"][0]
    past = make_space(shell, "Past")
    make_job(shell, past)
    options = ("--since", first["id"], "--topic", "space:created", "--topic", "job:*", "--domain", "space")
    with running(shell, "events", "tail", *options) as (_, printed, said):
        said.wait("Connected")
        printed.wait(f"spaceId={past}")
        live = make_space(shell, "Live")
        printed.wait(f"spaceId={live}")
    ids = [line.split("  ")[2] for line in printed.seen]
    assert len(ids) == len(set(ids)), "once"
    assert all("  space:created  " in line for line in printed.seen), "of the domain"
    assert not any(before in line for line in printed.seen), "behind the event"


def test_tail_refuses_a_beginning_that_is_none(shell: Shell) -> None:
    assert "--since takes" in shell.refused("events", "tail", "--since", "yesterday")
    assert "us_evt_none" in shell.type("events", "tail", "--since", "us_evt_none").stderr


REPLAYED = """
from sheetport.listener import Event, Listener

listener = Listener()

@listener.on("space:created")
async def told(event: Event) -> None:
    name = (await event.fetch(f"v1/spaces/{event.context['spaceId']}"))["name"]
    if name == "Broken":
        raise ValueError("cannot greet this one")
    open("told.txt", "a").write(name + "\\n")
"""


def test_replay_hands_events_to_a_local_listener_again(shell: Shell) -> None:
    (shell.folder / "told.py").write_text(REPLAYED)
    space = make_space(shell, "Replayed")
    make_job(shell, space)
    shown = shell.printed("events", "replay", "told.py", "--since", "10m", "--space", space, "--dry-run")
    assert [row.split("  ")[0].strip() for row in shown.splitlines() if "space:created" in row] == ["would run"]
    assert not (shell.folder / "told.txt").exists()
    done = shell.type("events", "replay", "told.py", "--since", "10m", "--space", space)
    assert done.returncode == 0, done.stderr
    assert (shell.folder / "told.txt").read_text() == "Replayed\n"
    assert "1 handled, 0 failed" in done.stderr
    event = next(row for row in shown.splitlines() if "space:created" in row).split("  ")
    shell.printed("events", "replay", "told.py", next(word for word in event if word.startswith("us_evt_")))
    assert (shell.folder / "told.txt").read_text() == "Replayed\n" * 2


def test_replay_says_what_failed_and_where(shell: Shell) -> None:
    (shell.folder / "told.py").write_text(REPLAYED)
    space = make_space(shell, "Broken")
    done = shell.type("events", "replay", "told.py", "--since", "10m", "--space", space, "--topic", "space:*")
    assert done.returncode == 1
    assert done.stdout.startswith("failed      ")
    assert "told.py:" in done.stderr
    assert "cannot greet this one" in done.stderr
    assert "either their ids, or --since" in shell.refused("events", "replay", "told.py")
