"""schemathesis's security checks against a server with two accounts, for as long as you like.

    PYTHONPATH=tests python benchmarks/soak/security_checks.py [--minutes 10] [--prove]

Every route but streams, with requests drawn from our API description: without a token and with a wrong one
(ignored_auth), by the other account (object_level_authorization), and after deletion (use_after_free). Ends with status
1 when something was found, and prints what. ``--prove`` instead runs them against a server that lets everyone in, and
ends with status 1 unless that is found.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from fuzz.security_checks import CHECKS, Run, served

ROOT = Path(__file__).parents[2]


def check(run: Run, minutes: float) -> int:
    """Half of the time for requests by themselves, half for chains of them."""
    limits = ("--max-examples=200", f"--max-time={max(1, round(minutes * 30))}")
    drawn = run.check(CHECKS, ("/v1/",), "--phases=fuzzing", *limits)
    chained = run.check(CHECKS, ("/v1/",), "--phases=stateful", *limits)
    print(drawn.stdout, drawn.stderr, chained.stdout, chained.stderr)
    return drawn.returncode or chained.returncode


def prove(run: Run) -> int:
    """Let everyone in, on the same data and port."""
    account = run.server.request("GET", "/v1/accounts/current", token=run.server.development["secretKey"])
    run.server.stop()
    named = {"OPEN_ACCOUNT": account.body["data"]["id"], "OPEN_ENVIRONMENT": run.server.development["id"]}
    program = [sys.executable, str(ROOT / "benchmarks" / "open_server.py"), "serve"]
    command = [*program, "--data", str(run.server.data), "--port", str(run.server.port)]
    opened = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **run.server.env, **named})
    try:
        if not any("is ready" in line for line in opened.stdout or ()):
            return 1
        done = run.check("ignored_auth", ("/v1/apps",), "--phases=fuzzing", "--max-examples=1")
    finally:
        opened.terminate()
        opened.communicate()
    print(done.stdout)
    return int("without authentication" not in done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--prove", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, served(Path(folder)) as run:
        sys.exit(prove(run) if given.prove else check(run, given.minutes))


if __name__ == "__main__":
    main()
