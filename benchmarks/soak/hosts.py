"""What two hosts of one server accept after a change was answered by the other, and while one host stands still.

    sudo python benchmarks/soak/hosts.py DATABASE_URL [ROUNDS]

DATABASE_URL is an empty PostgreSQL database on an address that network namespaces reach; say ``{host}`` where its host
stands, and PostgreSQL has to listen on that (10.211.0.1, of a bridge that this makes) and let 10.211.0.0/24 in. Two
network namespaces are the hosts: each has an address, a data directory and a copy of the key file of its own, and
nothing else in common but the database. ROUNDS (10,000 by default) changes are made at the first, and the key or user
tried at the second, on a connection that stays open and on a fresh one; see revoke.py for the kinds of change. Then
the second is stopped (SIGSTOP) through further rounds, which have to be answered as fast, and after SIGCONT no token
that ended meanwhile may be accepted, not by a request that was sent while it stood still either.

Ends with 1 for a stale accept, an open stream, or a p99 above 50 ms.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from idle_server import PROGRAM
from meter import Sheetport, initialise
from revoke import P99_MILLISECONDS, ROUNDS, Soak

BRIDGE, NETWORK = "spbr0", "10.211.0"
STOPPED_ROUNDS, PORT = 200, 4010


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@contextmanager
def hosts() -> Iterator[tuple[str, ...]]:
    """Two network namespaces behind one bridge."""
    names = ("sphost1", "sphost2")
    ip("link", "add", BRIDGE, "type", "bridge")
    try:
        ip("addr", "add", f"{NETWORK}.1/24", "dev", BRIDGE)
        ip("link", "set", BRIDGE, "up")
        for number, name in enumerate(names, start=11):
            ip("netns", "add", name)
            ip("link", "add", f"{name}o", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"{name}o", "master", BRIDGE, "up")
            ip("-n", name, "addr", "add", f"{NETWORK}.{number}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield names
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL, check=False)
        ip("link", "del", BRIDGE)


@contextmanager
def serving_on(name: str, address: str, data: Path, url: str) -> Iterator[subprocess.Popen[str]]:
    """``sheetport serve`` on one host, ready."""
    command = [PROGRAM, "serve", "--data", str(data), "--database-url", url, "--host", address, "--port", str(PORT)]
    environment = {**os.environ, "SHEETPORT_RATE_LIMITS": "off"}
    server = subprocess.Popen(
        ["ip", "netns", "exec", name, *command], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        if not any("is ready" in line for line in server.stdout or ()):
            sys.exit(f"{name} did not get ready")
        yield server
    finally:
        server.send_signal(signal.SIGCONT)
        server.terminate()
        server.wait()


def asked_while_stopped(soak: Soak, stopped: int, tokens: list[str]) -> int:
    """How many requests that a stopped host was sent are accepted when it goes on."""
    address = (f"{NETWORK}.12", PORT)
    connections = [socket.create_connection(address, timeout=30) for _ in tokens]
    for connection, token in zip(connections, tokens, strict=True):
        head = f"GET {soak.path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
        connection.sendall(head.encode())
    os.kill(stopped, signal.SIGCONT)
    return sum(connection.recv(12)[9:12] == b"200" for connection in connections)


def one_stopped(soak: Soak, stopped: int) -> tuple[int, float]:
    """Changes while the other host stands still: stale accepts once it goes on, and the p99 of the answers in ms."""
    keys = [soak.make_key(f"stopped {number}") for number in range(STOPPED_ROUNDS)]
    for _, token in keys:
        soak.use(token)
    os.kill(stopped, signal.SIGSTOP)
    times = []
    for key, _ in keys:
        began = time.perf_counter()
        soak.revoke(key)
        times.append(1_000 * (time.perf_counter() - began))
    stale = asked_while_stopped(soak, stopped, [token for _, token in keys])
    return stale, statistics.quantiles(times, n=100)[98]


def main() -> None:
    url = sys.argv[1].replace("{host}", f"{NETWORK}.1")
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else ROUNDS
    with tempfile.TemporaryDirectory() as folder, hosts() as (one, two):
        first, second = Path(folder) / "one", Path(folder) / "two"
        environment = initialise(first, "--database-url", url)
        shutil.copy2(first.with_suffix(".key"), second.with_suffix(".key"))
        with (
            serving_on(one, f"{NETWORK}.11", first, url) as server,
            serving_on(two, f"{NETWORK}.12", second, url) as other,
        ):
            soak = Soak(
                Sheetport(f"http://{NETWORK}.11:{PORT}", server.pid, environment), f"http://{NETWORK}.12:{PORT}"
            )
            for number in range(rounds):
                soak.turn(number)
            status = soak.told(rounds)
            stale, p99 = one_stopped(soak, other.pid)
    print(f"{STOPPED_ROUNDS} revocations with one host stopped: p99 {p99:.1f} ms; {stale} accepted when it went on")
    sys.exit(status or (1 if stale or p99 > P99_MILLISECONDS else 0))


if __name__ == "__main__":
    main()
