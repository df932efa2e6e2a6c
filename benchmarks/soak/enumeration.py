"""Whether the time of a refusal tells if an account exists: sign-ins and wishes for a reset link.

    PYTHONPATH=benchmarks python benchmarks/soak/enumeration.py [ROUNDS]

Starts ``sheetport serve`` on a temporary folder. Interleaves ROUNDS (400) calls each for an address that exists and one
that does not, and compares the fastest of each, which is the work itself. Ends with 1 when they differ by more than
2 ms or 2 %, or when a body differs.
"""

from __future__ import annotations

import http.client
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlencode

from meter import CREDENTIALS, Sheetport, initialise, serving

KNOWN, UNKNOWN = CREDENTIALS["email"], "z@example.com"
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def call(connection: http.client.HTTPConnection, path: str, email: str) -> tuple[float, bytes]:
    """(seconds, body) of a refused sign-in, or of the answer to a wish."""
    fields = {"email": email, "password": "not the password of anybody"}
    kind, body = (JSON, json.dumps(fields)) if path == "/v1/auth" else (FORM, urlencode(fields))
    began = time.perf_counter()
    connection.request("POST", path, body=body, headers={"Content-Type": kind})
    answer = connection.getresponse()
    content = answer.read()
    return time.perf_counter() - began, content


def compare(server: Sheetport, path: str, rounds: int) -> bool:
    """Whether the fastest calls of both take the same time, and all bodies are one."""
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    times: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    bodies = set()
    for _ in range(rounds):
        for email, taken in times.items():
            seconds, body = call(connection, path, email)
            taken.append(seconds)
            bodies.add(body)
    known, unknown = (1000 * min(times[email]) for email in (KNOWN, UNKNOWN))
    difference = abs(known - unknown)
    print(
        f"{path}: {rounds} each, fastest {known:.2f} ms known, {unknown:.2f} ms unknown: {difference:.2f} ms,"
        f" {100 * difference / known:.1f} %; {len(bodies)} body"
    )
    return difference <= 2 and (difference <= 0.02 * known or difference <= 0.05) and len(bodies) == 1


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    os.environ |= {"SHEETPORT_RATE_LIMITS": "off", "SHEETPORT_SMTP_URL": "smtp://127.0.0.1:9"}
    os.environ["SHEETPORT_MAIL_FROM"] = "us@example.com"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with serving(data, initialise(data)) as server:
            alike = [compare(server, path, rounds) for path in ("/v1/auth", "/forgot")]
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(0 if all(alike) else 1)


if __name__ == "__main__":
    main()
