"""Kills the server while events flow to a webhook, many times, on both databases.

    python benchmarks/soak/kill_webhooks.py [KILLS] [EVENTS]

KILLS is by default 50 and EVENTS 1000, for each database. It is the test suite's own test, longer: after every kill
the server starts by itself, no event is lost, and what comes twice has the same id.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ("tests/faults/test_kill_webhooks.py",)


def main() -> None:
    kills, events = (*sys.argv[1:3], *("50", "1000")[len(sys.argv) - 1 :])
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *TESTS]
    settings = {"SOAK_KILLS": kills, "SOAK_EVENTS": events}
    sys.exit(subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}).returncode)


if __name__ == "__main__":
    main()
