"""How long small durable writes take beside bulk inserts, on SQLite.

    python benchmarks/beside_bulk.py [SECONDS]

Starts ``sheetport serve`` on a temporary folder. One client renames a space over and over, first alone and then while
another inserts 100,000 records of ten cells in one call, again and again. Prints the times of the renames, which are
transactions with an event and an audit record, and the records a second of the bulk.
"""

from __future__ import annotations

import gzip
import http.client
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from multiprocessing.synchronize import Event
from pathlib import Path

from meter import Sheetport, initialise, serving

RECORDS, FIELDS = 100_000, 10


class Caller:
    """Calls over one connection; every answer other than 200 ends the run."""

    def __init__(self, url: str, key: str) -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=120)
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: bytes, **headers: str) -> bytes:
        self._connection.request(method, path, body=body, headers={**self._headers, **headers})
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            sys.exit(f"{method} {path}: {answer.status} {content[:300]!r}")
        return content


def bulk_body() -> bytes:
    record = {f"f{field}": {"value": f"value {field} of some length"} for field in range(FIELDS)}
    return gzip.compress(json.dumps([record] * RECORDS).encode(), 1)


def insert_until(stop: Event, started: Event, url: str, key: str, sheet: str, done: object) -> None:
    """Insert RECORDS at a time until told to stop; puts the number of inserts and the seconds."""
    caller, body, count = Caller(url, key), bulk_body(), 0
    started.set()
    began = time.perf_counter()
    while not stop.is_set():
        caller.call("POST", f"/v1/sheets/{sheet}/records", body, **{"Content-Encoding": "gzip"})
        count += 1
    done.put((count, time.perf_counter() - began))  # type: ignore[attr-defined]


def rename(caller: Caller, space: str, seconds: float) -> list[float]:
    """Milliseconds of each rename."""
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        caller.call("PATCH", f"/v1/spaces/{space}", json.dumps({"name": f"at {began}"}).encode())
        times.append(1_000 * (time.perf_counter() - began))
        time.sleep(0.005)
    return times


def told(name: str, times: list[float]) -> None:
    cuts = statistics.quantiles(times, n=100)
    print(f"{name:24}{len(times):8,}{statistics.median(times):10.2f}{cuts[94]:10.2f}{cuts[98]:10.2f}{max(times):10.2f}")


def measure(server: Sheetport, seconds: float) -> None:
    key = server.environment["secretKey"]
    caller = Caller(server.url, key)
    with server.client() as client:
        made = client.post("/v1/spaces", json={"name": "Benchmark", "environmentId": server.environment["id"]})
        space = made.json()["data"]["id"]
        fields = [{"key": f"f{field}", "type": "string"} for field in range(FIELDS)]
        book = {"name": "B", "spaceId": space, "sheets": [{"name": "S", "slug": "s", "fields": fields}]}
        sheet = client.post("/v1/workbooks", json=book).json()["data"]["sheets"][0]["id"]
    alone = rename(caller, space, seconds)
    stop, started, done = multiprocessing.Event(), multiprocessing.Event(), multiprocessing.Queue()
    bulk = multiprocessing.Process(target=insert_until, args=(stop, started, server.url, key, sheet, done))
    bulk.start()
    started.wait()
    beside = rename(caller, space, seconds)
    stop.set()
    count, took = done.get()
    bulk.join()
    print(f"{'rename a space':24}{'calls':>8}{'median ms':>10}{'p95':>10}{'p99':>10}{'longest':>10}")
    told("alone", alone)
    told("beside bulk inserts", beside)
    print(f"bulk: {count} x {RECORDS:,} records, {count * RECORDS / took:,.0f} a second with their echo")


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 15.0
    os.environ |= {"SHEETPORT_RATE_LIMITS": "off", "SHEETPORT_LIMIT_ROWS": "1000000000"}
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with serving(data, initialise(data)) as server:
            measure(server, seconds)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
