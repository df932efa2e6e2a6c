"""Kills the server at random moments of rotations, many times, on both databases.

    python benchmarks/soak/kill_rotation.py [KILLS]

KILLS is by default 500, for each database and each of TESTS. It is the test suite's own test, longer: after every kill
the server starts by itself, somebody has a good key, and the repeated call is answered what the first one was.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = ("tests/faults/test_kill_rotation.py",)


def main() -> None:
    kills = sys.argv[1] if len(sys.argv) > 1 else "500"
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", *TESTS]
    sys.exit(subprocess.run(command, cwd=ROOT, env={**os.environ, "SOAK_KILLS": kills}).returncode)


if __name__ == "__main__":
    main()
