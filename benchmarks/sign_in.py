"""What signing in and revoking cost.

    python benchmarks/sign_in.py [SECONDS [DATABASE_URL]]

Starts ``sheetport serve`` on a temporary folder: on SQLite, or on an empty PostgreSQL database with four workers.
Prints the processor time of ``POST /auth`` with client credentials; password sign-ins a second beside what argon2id
alone would allow on one core of this machine in the same run, and how much longer a small read takes meanwhile; and
for 10,000 fresh tokens, each revoked after a use, how often one was accepted after the revocation was answered, and
how long that took.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from argon2.low_level import Type, hash_secret
from meter import CREDENTIALS, Load, Sheetport, initialise, processor_seconds, serving, wrk

PUSHERS, REVOCATIONS = 4, 10_000


class Caller:
    """Calls over one connection that stays open."""

    def __init__(self, url: str, token: str = "") -> None:
        self._connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})

    def call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, object]]:
        content = None if body is None else json.dumps(body)
        self._connection.request(method, path, body=content, headers=self._headers)
        answer = self._connection.getresponse()
        return answer.status, json.loads(answer.read())


def client_credentials(server: Sheetport, token: str, user: str, seconds: float) -> None:
    account = Caller(server.url, token).call("GET", "/v1/accounts/current")[1]["data"]["id"]  # type: ignore[index]
    made = Caller(server.url, token).call("POST", f"/v1/users/{user}/api-token?tenantId={account}")[1]["data"]
    body = {"clientId": made["clientId"], "secret": made["secret"]}  # type: ignore[index]
    caller, count, end = Caller(server.url), 0, time.perf_counter() + seconds
    before = processor_seconds(server.pid)
    while time.perf_counter() < end:
        if caller.call("POST", "/v1/auth", body)[0] != 200:
            sys.exit("a sign-in was refused")
        count += 1
    used = processor_seconds(server.pid) - before
    print(f"client credentials: {1000 * used / count:.2f} ms of processor each, {count / seconds:,.0f} a second")


def argon2_seconds() -> float:
    """One hash with the server's costs, on this machine now; the median of a few."""
    times = []
    for _ in range(9):
        began = time.process_time()
        hash_secret(b"correct horse battery staple", b"16 bytes of salt", 1, 46 * 1024, 1, 32, Type.ID)
        times.append(time.process_time() - began)
    return statistics.median(times)


def passwords(server: Sheetport, space: str, seconds: int) -> None:
    """Sign-ins by password at full speed, and a small read before and beside them."""
    path, headers = f"{server.url}/v1/spaces/{space}", {"Authorization": f"Bearer {server.environment['secretKey']}"}
    alone = read(path, headers, server.pid, seconds)
    stop, counts = threading.Event(), []

    def push() -> None:
        caller, count = Caller(server.url), 0
        while not stop.is_set():
            count += caller.call("POST", "/v1/auth", CREDENTIALS)[0] == 200
        counts.append(count)

    hashing = argon2_seconds()
    with ThreadPoolExecutor(PUSHERS) as pool:
        began, before = time.perf_counter(), processor_seconds(server.pid)
        for _ in range(PUSHERS):
            pool.submit(push)
        time.sleep(seconds)
        stop.set()
    took, used = time.perf_counter() - began, processor_seconds(server.pid) - before
    whole = sum(counts)
    print(
        f"password sign-ins: {whole / took:.1f} a second with {used / took:.2f} cores;"
        f" a core: {whole / used:.1f}, {whole / used * hashing:.2f} x what argon2id alone allows ({1 / hashing:.1f})"
    )
    stop.clear()
    with ThreadPoolExecutor(PUSHERS) as pool:
        for _ in range(PUSHERS):
            pool.submit(push)
        beside = read(path, headers, server.pid, seconds)
        stop.set()
    print(f"a small read's p99: {alone.p99:.1f} ms alone, {beside.p99:.1f} ms beside ({beside.p99 / alone.p99:.1f} x)")


def read(path: str, headers: dict[str, str], pid: int, seconds: int) -> Load:
    """One connection at a time: how long a caller waits, not how many there may be."""
    return wrk(path, headers, (pid,), seconds, connections=1)


def revocations(server: Sheetport, token: str, space: str) -> None:
    """Fresh tokens, each used by a second connection until it is refused."""
    owner, stale, times = Caller(server.url, token), 0, []
    for _ in range(REVOCATIONS):
        made = owner.call("POST", "/v1/auth/personal-access-tokens", {"name": "benchmark"})[1]["data"]
        raw, name = made["token"], made["personalAccessToken"]["id"]  # type: ignore[index]
        user = Caller(server.url, raw)
        if user.call("GET", f"/v1/spaces/{space}")[0] != 200:
            sys.exit("a fresh token was refused")
        began = time.perf_counter()
        owner.call("DELETE", f"/v1/auth/personal-access-tokens/{name}")
        times.append(1000 * (time.perf_counter() - began))
        # On the connection that has used it, and on a fresh one, which another worker may take.
        stale += any(each.call("GET", f"/v1/spaces/{space}")[0] == 200 for each in (user, Caller(server.url, raw)))
    cuts = statistics.quantiles(times, n=100)
    print(f"{REVOCATIONS:,} revocations: {stale} accepted afterwards")
    print(f"a revocation is answered in {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")


def main() -> None:
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 8
    database = ("--database-url", sys.argv[2]) if len(sys.argv) > 2 else ()
    workers = ("--workers", "4") if database else ()
    os.environ["SHEETPORT_RATE_LIMITS"] = "off"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with serving(data, initialise(data, *database), *database, *workers) as server:
            signed = Caller(server.url).call("POST", "/v1/auth", CREDENTIALS)[1]
            token, user = str(signed["accessToken"]), str(signed["userId"])
            with server.client() as client:
                wanted = {"name": "Benchmark", "environmentId": server.environment["id"]}
                space = client.post("/v1/spaces", json=wanted).json()["data"]["id"]
            client_credentials(server, token, user, seconds)
            passwords(server, space, seconds)
            revocations(server, token, space)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
