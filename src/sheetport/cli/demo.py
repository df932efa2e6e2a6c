"""``sheetport demo``: rows from a file to a webhook, through a space, a job and a listener, step by step."""

from __future__ import annotations

import asyncio
import csv
import json
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.markup import escape

from sheetport.cli.caller import EnvironmentCaller, environment_caller
from sheetport.cli.client import Client
from sheetport.cli.errors import CommandError
from sheetport.cli.local_socket import NoLocalServer
from sheetport.cli.options import Data, out
from sheetport.cli.run import confirm_production
from sheetport.listener import Listener

SHEETS = ("airlines", "airports", "planes")
STEPS = 8
OPERATION = "submitActionBar"
JOB_SECONDS = 30
START_SECONDS = 30
_FILES = Path(__file__).parent / "demo_data"


@dataclass
class Receiver:
    """What arrived at the webhook: the bearer token and the bodies."""

    bearers: list[str] = field(default_factory=list, repr=False)
    rows: dict[str, int] = field(default_factory=dict)


class _Steps:
    """Numbers the steps and says each in a line."""

    def __init__(self) -> None:
        self._done = 0

    def say(self, text: str) -> None:
        self._done += 1
        out.print(f"[bold]{self._done}/{STEPS}[/]  {text}")


def demo(
    data: Data = None,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the space, to look at it.")] = False,
) -> None:
    """Take three small files through a space, a submit job and a listener to a webhook, and explain each step.

    It uses the server of --data when one runs there, and starts one of its own in a temporary folder otherwise.

        sheetport demo
    """
    with _some_server(data) as caller, caller.client() as client, _receiver() as (url, received):
        confirm_production(caller, yes=False)
        steps = _Steps()
        steps.say(f"A server at {caller.url}; environment {escape(caller.environment)} ({caller.environment_id}).")
        space, workbook = _furnish(client, caller, steps)
        try:
            token = _keep_secrets(client, caller, space, url, steps)
            asyncio.run(_submit(client, caller, workbook, steps))
        finally:
            if not keep:
                client.call("DELETE", f"/v1/spaces/{space}")
        _show(received, token, steps)


def _furnish(client: Client, caller: EnvironmentCaller, steps: _Steps) -> tuple[str, dict[str, Any]]:
    """A space with a workbook of three sheets, and the files' rows in them."""
    space = client.data("POST", "/v1/spaces", {"name": "Demo", "environmentId": caller.environment_id})["id"]
    steps.say(f"A [bold]space[/] for one guest's import: {space}")
    files = {name: list(csv.DictReader((_FILES / f"{name}.csv").open(encoding="utf-8"))) for name in SHEETS}
    sheets = [
        {"name": name.capitalize(), "slug": name, "fields": [{"key": key, "type": "string"} for key in rows[0]]}
        for name, rows in files.items()
    ]
    action = {"operation": OPERATION, "label": "Submit", "mode": "foreground", "primary": True}
    wanted = {"name": "Flights", "spaceId": space, "sheets": sheets, "actions": [action]}
    workbook: dict[str, Any] = client.data("POST", "/v1/workbooks", wanted)
    steps.say(f"A [bold]workbook[/] with the sheets {', '.join(SHEETS)} and a Submit action.")
    for sheet in workbook["sheets"]:
        rows = [{key: {"value": value} for key, value in row.items()} for row in files[sheet["slug"]]]
        client.call("POST", f"/v1/sheets/{sheet['id']}/records", rows)
    total = sum(len(rows) for rows in files.values())
    steps.say(f"{total} [bold]records[/] from three CSV files, each sheet's in one durable call.")
    return space, workbook


def _keep_secrets(client: Client, caller: EnvironmentCaller, space: str, url: str, steps: _Steps) -> str:
    """Store what the listener will read; the value that the webhook asks for."""
    token = secrets.token_urlsafe(12)
    for name, value in (("EXTERNAL_API_KEY", token), ("WEBHOOK_URL", url)):
        wanted = {"name": name, "value": value, "environmentId": caller.environment_id, "spaceId": space}
        client.call("POST", "/v1/secrets", wanted)
    steps.say("Two [bold]secrets[/] of this space, sealed on disk: EXTERNAL_API_KEY and WEBHOOK_URL.")
    return token


async def _submit(client: Client, caller: EnvironmentCaller, workbook: dict[str, Any], steps: _Steps) -> None:
    """Run a listener, submit, and wait for the job's end."""
    listener, connected = _listener(workbook), asyncio.Event()
    running = asyncio.create_task(
        listener.run(
            scope=workbook["spaceId"],
            environment_id=caller.environment_id,
            api_url=caller.url,
            token=caller.key,
            on_connected=lambda _: connected.set(),
        )
    )
    try:
        await asyncio.wait_for(connected.wait(), JOB_SECONDS)
        steps.say('A [bold]listener[/] in Python waits for [cyan]job:ready[/]: @listener.on("job:ready", job=…)')
        wanted = {"type": "workbook", "operation": OPERATION, "source": workbook["id"], "trigger": "immediate"}
        job = (await asyncio.to_thread(client.data, "POST", "/v1/jobs", wanted))["id"]
        ended = await _end_of(client, job)
    finally:
        listener.stop()
        await running
    if ended["status"] != "complete":
        raise CommandError(f"The job ended as {ended['status']}: {ended.get('info')}")
    steps.say(f"The submit [bold]job[/] went ready, executing, complete: {ended['outcome']['message']}")


def _listener(workbook: dict[str, Any]) -> Listener:
    listener = Listener()

    @listener.on("job:ready", job=f"workbook:{OPERATION}")
    async def submit(event: Any) -> None:
        await event.job.ack("Reading the records", 10)
        key, url = await event.secrets("EXTERNAL_API_KEY"), await event.secrets("WEBHOOK_URL")
        # The receiver is on this very machine, so no proxy is asked for it.
        async with httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, trust_env=False) as http:
            for sheet in workbook["sheets"]:
                page = await event.fetch(f"v1/sheets/{sheet['id']}/records")
                answer = await http.post(url, json={"sheet": sheet["slug"], "records": page["records"]})
                answer.raise_for_status()
        await event.job.complete(f"{len(workbook['sheets'])} sheets sent to the webhook")

    return listener


async def _end_of(client: Client, job: str) -> dict[str, Any]:
    for _ in range(JOB_SECONDS * 10):
        found: dict[str, Any] = await asyncio.to_thread(client.data, "GET", f"/v1/jobs/{job}")
        if found["status"] in {"complete", "failed", "canceled"}:
            return found
        await asyncio.sleep(0.1)
    raise CommandError(f"The job {job} did not end within {JOB_SECONDS} seconds; see the server's log.")


def _show(received: Receiver, token: str, steps: _Steps) -> None:
    if set(received.bearers) != {f"Bearer {token}"}:
        raise CommandError("The webhook was called without the secret; see the server's log.")
    rows = ", ".join(f"{count} {sheet}" for sheet, count in received.rows.items())
    steps.say(f"The [bold]webhook[/] got {rows}, each call with the secret as its bearer token.")
    out.print("\n[green]Done.[/] Write your own: [bold]sheetport listen FILE.py[/]  (see --help)")


@contextmanager
def _receiver() -> Iterator[tuple[str, Receiver]]:
    """A webhook on this machine."""
    received = Receiver()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            received.bearers.append(self.headers["Authorization"])
            received.rows[body["sheet"]] = len(body["records"])
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Quiet: the demo says what arrived."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", received
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _some_server(data: Path | None) -> Iterator[EnvironmentCaller]:
    """The caller of the server that runs on ``data``, or of one made for the demo."""
    waiting = environment_caller(None, data, "demo")
    try:
        caller = waiting.__enter__()
    except NoLocalServer:
        with _own_server() as own, environment_caller(None, own, "demo") as caller:
            yield caller
        return
    try:
        yield caller
    finally:
        waiting.__exit__(None, None, None)


@contextmanager
def _own_server() -> Iterator[Path]:
    """A server in a temporary folder, while the demo lasts."""
    with tempfile.TemporaryDirectory(prefix="sheetport-demo-") as folder:
        data = Path(folder) / "data"
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        out.print("No server runs here: starting one for the demo, in a temporary folder.")
        command = [sys.executable, "-m", "sheetport.cli", "serve", "--data", str(data), "--port", str(port)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                _await_ready(server)
                yield data
            finally:
                server.terminate()
                with suppress(subprocess.TimeoutExpired):
                    server.wait(START_SECONDS)


def _await_ready(server: subprocess.Popen[str]) -> None:
    assert server.stdout is not None  # for mypy: it has a pipe  # nosec B101
    for line in server.stdout:
        if "is ready at" in line:
            return
    raise CommandError("The demo's server did not start; run 'sheetport serve' to see why.")
