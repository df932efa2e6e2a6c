"""From the call that writes an event to the handler of an unmodified npm listener that gets it.

    python benchmarks/listener_latency.py [EVENTS]

Starts ``sheetport serve`` on a temporary folder and one Node.js program with @flatfile/listener and its pubsub driver
(the packages of tests/clients), writes EVENTS (default 50) single events in each of five rounds, and prints for each
round the median and the slowest, with the server's processor time an event. The time begins before the call is sent
and ends in the handler; both programs read the machine's one monotonic clock.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
from meter import Sheetport, initialise, processor_seconds, serving

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from servers.node import install_packages, make_project, node_tools
from sheetport.preload import PRELOAD_PATH

ROUNDS = 5
LISTENER = """
import { Client } from "@flatfile/listener";
import { PubSubDriver } from "@flatfile/listener-driver-pubsub";
const driver = new PubSubDriver(process.env.FLATFILE_ENVIRONMENT_ID);
driver.mountEventHandler(Client.create((client) => client.on("file:created", (event) => {
  console.log(JSON.stringify({ number: event.payload.number, at: String(process.hrtime.bigint()) }));
})));
driver.start().then(() => console.log(JSON.stringify({ number: -1 })));
"""


def start_listener(server: Sheetport, folder: Path) -> subprocess.Popen[str]:
    """The program, connected."""
    project = make_project(install_packages("pubsub-1.23.0"), folder / "project")
    (project / "listen.mjs").write_text(LISTENER)
    variables = {
        "FLATFILE_API_URL": f"{server.url}/v1",
        "FLATFILE_API_KEY": server.environment["secretKey"],
        "FLATFILE_BEARER_TOKEN": server.environment["secretKey"],
        "FLATFILE_ENVIRONMENT_ID": server.environment["id"],
        "AGENT_INTERNAL_URL": server.url,
    }
    command = [node_tools().node, "--require", str(PRELOAD_PATH), "listen.mjs"]
    environment = {**os.environ, **variables}
    program = subprocess.Popen(command, cwd=project, env=environment, text=True, stdout=subprocess.PIPE)
    said(program)
    return program


def said(program: subprocess.Popen[str]) -> dict[str, str]:
    """The next line of JSON; others are the client's own."""
    assert program.stdout is not None
    while line := program.stdout.readline():
        if line.startswith("{"):
            return dict(json.loads(line))
    sys.exit("the listener has ended")


def measure(server: Sheetport, client: httpx.Client, program: subprocess.Popen[str], count: int) -> tuple[float, float]:
    """The median and the longest of a round, milliseconds."""
    times = []
    context = {"environmentId": server.environment["id"]}
    for number in range(count):
        event = {"topic": "file:created", "domain": "file", "context": context, "payload": {"number": number}}
        began = time.monotonic_ns()
        client.post("/v1/events", json=event)
        got = said(program)
        assert got["number"] == number, got
        times.append((int(got["at"]) - began) / 1e6)
        time.sleep(0.02)  # the listener polls again meanwhile
    return statistics.median(times), max(times)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment = initialise(folder / "data")
        with serving(folder / "data", environment) as server, server.client() as client:
            program = start_listener(server, folder)
            try:
                medians = []
                for _ in range(ROUNDS):
                    used = processor_seconds(server.pid)
                    median, longest = measure(server, client, program, count)
                    used = (processor_seconds(server.pid) - used) / count
                    medians.append(median)
                    print(f"median {median:.1f} ms, slowest {longest:.1f} ms, server {1_000 * used:.1f} ms an event")
            finally:
                program.terminate()
                program.wait()
    print(f"median of {ROUNDS} rounds: {statistics.median(medians):.1f} ms")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
