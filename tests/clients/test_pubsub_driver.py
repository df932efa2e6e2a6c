"""The unmodified npm driver, and the Python listener, against a real server: events, a restart, an orderly end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from servers.data_places import DataPlace
from servers.sheetport import SheetportServer
from sheetport.preload import PRELOAD_PATH

Project = Callable[[str], Path]

DRIVER = """
import { Client } from "@flatfile/listener";
import { PubSubDriver } from "@flatfile/listener-driver-pubsub";
const driver = new PubSubDriver(process.env.FLATFILE_ENVIRONMENT_ID);
const say = (kind, more) => console.log(JSON.stringify({ kind, ...more }));
const listener = Client.create((client) => client.on("file:*", (event) => {
  say("event", { topic: event.topic, number: event.payload.number, keys: Object.keys(event.src).sort() });
  if (event.payload.last) { driver.shutdown(); setTimeout(() => process.exit(0), 300); }
}));
driver.mountEventHandler(listener);
driver.start().then(() => say("connected"));
"""
LISTENER = """
import asyncio, json
from sheetport.listener import Listener

listener = Listener()

def say(**said):
    print(json.dumps(said), flush=True)

@listener.on("file:*")
async def on_file(event):
    say(kind="event", number=event.payload["number"])
    if event.payload.get("last"):
        listener.stop()

asyncio.run(listener.run(on_connected=lambda scope: say(kind="connected")))
"""


class Program:
    """A listener in a process of its own; it prints JSON lines."""

    def __init__(
        self, command: list[str], folder: Path, server: SheetportServer, variables: Mapping[str, str] | None = None
    ) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("FLATFILE_", "AGENT_", "NODE_", "SHEETPORT_"))}
        self.process = subprocess.Popen(
            command, cwd=folder, env={**kept, **server.client_variables(), **(variables or {})}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def said(self) -> dict[str, object]:
        """The next thing it says; lines that are not JSON are the client's own chatter."""
        assert self.process.stdout is not None
        while line := self.process.stdout.readline():
            if line.startswith("{"):
                return dict(json.loads(line))
        raise AssertionError(f"it ended: {self.process.communicate(timeout=10)}")

    def end(self) -> None:
        """It ends by itself, without an error."""
        out, err = self.process.communicate(timeout=20)
        assert self.process.returncode == 0, f"{out}\n{err}"


def publish(server: SheetportServer, number: int, **more: object) -> None:
    environment = server.development
    body = {
        "topic": "file:created",
        "domain": "file",
        "context": {"accountId": server.info["accountId"], "environmentId": environment["id"]},
        "payload": {"number": number, **more},
    }
    answer = server.request("POST", "/v1/events", body, environment["secretKey"])
    assert answer.status == 200, answer


# What a client does is the same on both databases, and so is what it is sent: each goes with one of them.
@pytest.mark.parametrize("data_place", ["sqlite"], indirect=True)
def test_the_npm_driver_gets_every_event_also_those_from_while_the_server_was_away(
    data_place: DataPlace, server: Callable[..., SheetportServer], node: str, node_project: Project
) -> None:
    one = server(data_place)
    project = node_project("pubsub-1.23.0")
    (project / "listen.mjs").write_text(DRIVER)
    program = Program([node, "--require", str(PRELOAD_PATH), "listen.mjs"], project, one)
    try:
        assert program.said() == {"kind": "connected"}
        publish(one, 1)
        assert program.said() == {
            "kind": "event",
            "topic": "file:created",
            "number": 1,
            "keys": ["context", "createdAt", "domain", "id", "payload", "topic"],
        }
        program.process.send_signal(signal.SIGSTOP)  # so that it asks again only after the next event
        one.restart()
        publish(one, 2)
        program.process.send_signal(signal.SIGCONT)
        publish(one, 3, last=True)
        assert [program.said()["number"] for _ in range(2)] == [2, 3]
        program.end()
    finally:
        program.process.kill()
    log = one.log.read_text(errors="replace")
    assert "sst_" not in log
    assert "auth=" not in log


@pytest.mark.parametrize("data_place", ["postgresql"], indirect=True)
def test_the_python_listener_gets_every_event_too(
    data_place: DataPlace, server: Callable[..., SheetportServer], tmp_path: Path
) -> None:
    one = server(data_place)
    (tmp_path / "listen.py").write_text(LISTENER)
    program = Program([sys.executable, "listen.py"], tmp_path, one)
    try:
        assert program.said() == {"kind": "connected"}
        publish(one, 1)
        assert program.said() == {"kind": "event", "number": 1}
        one.restart()
        publish(one, 2)
        publish(one, 3, last=True)
        assert sorted(str(program.said()["number"]) for _ in range(2)) == ["2", "3"]
        program.end()
    finally:
        program.process.kill()
