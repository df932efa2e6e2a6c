"""Send 1,000 secrets, tokens and passwords through a server, kill it, and look for them in all that it leaves.

    python benchmarks/soak/canaries.py [CANARIES]

Once on SQLite and once on PostgreSQL: database, write-ahead log, audit log, server log, temporary files, a backup and
what lies there after a kill -9; raw, as UTF-16, hexadecimal and Base64. Prints every find, and ends with 1 if there
was one.
"""

from __future__ import annotations

import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from faults.canaries import Canaries, files_of, found
from servers.data_places import DataPlace
from servers.postgres import running_postgres
from servers.sheetport import SheetportServer


def search(kind: str, count: int) -> int:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        beside = [folder / "temporary", folder / "backups"]
        for each in beside:
            each.mkdir()
        url = None
        if kind == "postgresql":
            cluster = stack.enter_context(running_postgres())
            url = cluster.new_database()
            beside.append(Path(cluster.sql("SHOW data_directory")))
        server = SheetportServer(DataPlace(kind, folder / "data", url), env={"TMPDIR": str(beside[0])})
        server.start()
        canaries = Canaries(server, count // 3 + 1)
        for send in (canaries.put_secrets, canaries.make_tokens, canaries.try_passwords, canaries.change_secrets):
            send()
        made = server.command(
            "backup", str(beside[1] / "a.backup"), *server.place.arguments, "--data", str(server.data)
        )
        assert made.returncode == 0, made.stderr
        assert found([canaries.environment], files_of(server, *beside)), "the scan does not see what is there"
        hits = found(canaries.all, files_of(server, *beside))
        server.kill(signal.SIGKILL)
        hits += found(canaries.all, files_of(server, *beside))
        server.start()
        server.stop()
        hits += found(canaries.all, files_of(server, *beside))
        print(f"{kind}: {len(canaries.all):,} canaries, {len(hits)} found")
        print("\n".join(sorted(set(hits))))
        return len(hits)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    sys.exit(1 if sum(search(kind, count) for kind in ("sqlite", "postgresql")) else 0)


if __name__ == "__main__":
    main()
