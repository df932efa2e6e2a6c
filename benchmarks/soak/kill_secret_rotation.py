"""Kill a server at random moments while secrets, data keys and the key-encryption key are rotated.

    python benchmarks/soak/kill_secret_rotation.py [KILLS [SEED [DATABASE_URL]]]

500 kills by default, on SQLite or in an empty PostgreSQL database. After each the server is started again: every
secret must open with a value that was acknowledged last or asked for since, no row may be lost or altered, and the
rotation that was under way must end by itself. Prints what did not hold, and ends with 1 if anything.
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from faults.rotations import Rotations
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(10**6)
    url = sys.argv[3] if len(sys.argv) > 3 else None
    wrong, began = 0, time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        server = SheetportServer(DataPlace("postgresql" if url else "sqlite", Path(folder) / "data", url))
        rotations = Rotations(server, random.Random(seed))
        server.start()
        rotations.furnish()
        for number in range(1, kills + 1):
            rotations.killed_at_random()
            faults = rotations.faults()
            ending = rotations.unfinished() if number % 5 == 0 or number == kills else None
            for fault in filter(None, [*faults, ending]):
                wrong += 1
                print(f"kill {number}: {fault}", flush=True)
        server.stop()
    seconds = time.monotonic() - began
    print(f"seed {seed}: {kills} kills in {seconds:.0f} s, {wrong} times something did not hold")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
