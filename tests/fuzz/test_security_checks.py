"""schemathesis's security checks against a real server with two accounts: requests without a token or with a wrong one,
objects of the other account, and objects that are deleted.

``benchmarks/soak/security_checks.py`` runs them over every route and for longer, and against a server that lets
everyone in, which they have to find.
"""

from __future__ import annotations

from pathlib import Path

from fuzz.security_checks import CHECKS, NESTED, served


def test_nothing_opens_without_a_good_token_of_its_own_account(tmp_path: Path, more: int) -> None:
    with served(tmp_path) as run:
        done = run.check(CHECKS, NESTED, "--phases=fuzzing,stateful", f"--max-examples={more}")
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert "will not run" not in done.stdout
