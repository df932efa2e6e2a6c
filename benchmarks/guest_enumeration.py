"""Whether the time of an answer tells whose address is a guest's.

    python benchmarks/guest_enumeration.py [ROUNDS]

Starts ``sheetport serve`` with a mail server of its own on a temporary folder, and asks for sign-in links of a space,
ROUNDS times (400) by an address that is a guest's there and as often by one that is nobody's, in turns, each address
asked for once. Prints the floor of both (the mean of the fastest tenth), their difference, and whether the answers
differ in anything but the address.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from meter import free_port, initialise, serving

ROUNDS = 400


class Caller:
    """Calls over one connection that stays open."""

    def __init__(self, url: str, token: str = "") -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def post(self, path: str, body: Any) -> bytes:
        self._connection.request("POST", path, body=json.dumps(body), headers=self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            sys.exit(f"{path}: {answer.status} {content[:200]!r}")
        return content


def floor(times: list[float]) -> float:
    """The mean of the fastest tenth, milliseconds."""
    fastest = sorted(times)[: max(1, len(times) // 10)]
    return 1000 * sum(fastest) / len(fastest)


def measure(url: str, environment: dict[str, Any], rounds: int) -> None:
    # Random, so that neither kind lies before the other in any index.
    addresses = {word: [f"{secrets.token_hex(8)}@example.com" for _ in range(rounds)] for word in ("known", "other")}
    owner = Caller(url, environment["secretKey"])
    space = json.loads(owner.post("/v1/spaces", {"name": "S", "environmentId": environment["id"]}))["data"]["id"]
    for begin in range(0, rounds, 100):
        guests = [
            {
                "environmentId": environment["id"],
                "email": addresses["known"][number],
                "name": "G",
                "spaces": [{"id": space}],
            }
            for number in range(begin, min(rounds, begin + 100))
        ]
        owner.post("/v1/guests", guests)
    anybody, answers = Caller(url), set()
    times: dict[str, list[float]] = {"known": [], "other": []}
    for number in range(rounds):
        for word in ("known", "other") if number % 2 else ("other", "known"):
            email = addresses[word][number]
            began = time.perf_counter()
            answer = anybody.post("/v1/invitations/exchange", {"email": email, "spaceId": space})
            times[word].append(time.perf_counter() - began)
            answers.add(answer.replace(email.encode(), b"ADDRESS"))
    known, other = floor(times["known"]), floor(times["other"])
    apart = abs(known - other)
    print(f"floors of {rounds} each: {known:.3f} ms known, {other:.3f} ms unknown")
    print(f"apart by {apart:.3f} ms, {100 * apart / max(known, other):.2f} %; {len(answers)} kind of answer")


def main() -> None:
    rounds, port = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS, free_port()
    os.environ["SHEETPORT_RATE_LIMITS"] = "off"
    os.environ |= {"SHEETPORT_SMTP_URL": f"smtp://127.0.0.1:{port}", "SHEETPORT_MAIL_FROM": "benchmark@example.com"}
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            data = Path(folder) / "data"
            with serving(data, initialise(data)) as server:
                measure(server.url, server.environment, rounds)
    finally:
        controller.stop()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
