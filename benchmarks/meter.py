"""What the benchmarks share: processor time of a server's processes, a load by wrk, and servers to compare with."""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from idle_server import PROGRAM, family, free_port, start

TICKS = os.sysconf("SC_CLK_TCK")
CREDENTIALS = {"email": "a@example.com", "password": "correct horse battery staple"}


@dataclass(frozen=True, slots=True)
class Load:
    """One run of a load: requests a second, server's processor microseconds a request, the slowest of 99 in ms."""

    rate: float
    processor: float
    p99: float


def processor_seconds(*pids: int) -> float:
    """User and system time of processes and all that descend from them so far."""
    each = {member for pid in pids for member in family(pid)}
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in each]
    return sum(int(field[11]) + int(field[12]) for field in fields) / TICKS


def wrk(url: str, headers: dict[str, str], pids: tuple[int, ...], seconds: int = 3, connections: int = 16) -> Load:
    """``wrk -t1 -c16`` on one address. Ends the run when an answer is not 2xx."""
    named = [part for name, value in headers.items() for part in ("-H", f"{name}: {value}")]
    before = processor_seconds(*pids)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *named, url]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    used = processor_seconds(*pids) - before
    if "Non-2xx" in printed or "Socket errors" in printed:
        raise SystemExit(f"{url}: the load met errors\n{printed}")
    found = re.search(r"(\d+) requests in", printed), re.search(r"Requests/sec:\s+([\d.]+)", printed)
    slow = re.search(r"99%\s+([\d.]+)(us|ms|s)", printed)
    if not (found[0] and found[1] and slow):
        raise SystemExit(printed)
    unit = {"us": 0.001, "ms": 1.0, "s": 1_000.0}[slow[2]]
    return Load(float(found[1][1]), 1e6 * used / int(found[0][1]), float(slow[1]) * unit)


def median(loads: list[Load]) -> Load:
    """The median of each figure."""
    return Load(*(statistics.median(getattr(load, name) for load in loads) for name in ("rate", "processor", "p99")))


@dataclass(frozen=True, slots=True)
class Sheetport:
    """A server under measurement with its first environment."""

    url: str
    pid: int
    environment: dict[str, str]

    def client(self) -> httpx.Client:
        """Calls with the environment's secret key; every answer other than 2xx raises."""
        return httpx.Client(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.environment['secretKey']}"},
            timeout=60,
            event_hooks={"response": [lambda response: response.raise_for_status() and None]},
        )


def initialise(data: Path, *extra: str) -> dict[str, str]:
    """Set up a server's data; its first environment with both keys."""
    command = [PROGRAM, "init", "--data", str(data), "--json", *extra]
    named = [part for name, value in CREDENTIALS.items() for part in (f"--{name}", value)]
    made = subprocess.run([*command, *named], check=True, stdout=subprocess.PIPE)
    environment: dict[str, str] = json.loads(made.stdout)["environments"][0]
    return environment


@contextmanager
def serving(data: Path, environment: dict[str, str], *extra: str) -> Iterator[Sheetport]:
    """``sheetport serve`` on data that is set up."""
    port = free_port()
    server, _ = start(data, port, *extra)
    try:
        yield Sheetport(f"http://127.0.0.1:{port}", server.pid, environment)
    finally:
        server.terminate()
        server.wait()


@contextmanager
def pocketbase(program: str, folder: Path) -> Iterator[tuple[str, int, dict[str, str]]]:
    """PocketBase with one record of ten columns; the record's address, the process, and the headers to read it."""
    port, data = free_port(), folder / "pocketbase"
    common = [f"--dir={data}"]
    who = ("a@example.com", "password1234")
    subprocess.run([program, "superuser", "upsert", *who, *common], check=True, stdout=subprocess.DEVNULL)
    command = [program, "serve", f"--http=127.0.0.1:{port}", "--automigrate=false", *common]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        base = f"http://127.0.0.1:{port}/api/collections"
        _until_it_answers(f"http://127.0.0.1:{port}/api/health")
        with httpx.Client() as client:
            sign_in = {"identity": who[0], "password": who[1]}
            token = client.post(f"{base}/_superusers/auth-with-password", json=sign_in).json()["token"]
            headers = {"Authorization": token}
            fields = [{"name": f"c{index}", "type": "text" if index < 6 else "number"} for index in range(10)]
            collection = {"name": "rec", "type": "base", "fields": fields}
            client.post(base, json=collection, headers=headers).raise_for_status()
            row = {f"c{index}": f"value {index}" if index < 6 else index for index in range(10)}
            made = client.post(f"{base}/rec/records", json=row, headers=headers).raise_for_status().json()
        yield f"{base}/rec/records/{made['id']}", server.pid, headers
    finally:
        server.terminate()
        server.wait()


def _until_it_answers(url: str) -> None:
    for _ in range(200):
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit(f"{url} does not answer")
