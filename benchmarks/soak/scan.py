"""What the scanner finds and does not find, at length.

    python benchmarks/soak/scan.py [LOOKALIKES] [PLANTED]

Scans LOOKALIKES (by default 10 million) random strings of the shape of our tokens, whose checksum fits by chance at
most, and PLANTED (by default 100,000) real tokens in every wrapping among code, prose, hashes and lookalikes. Ends with
status 1 when more than 0.01 % of the former or fewer than all of the latter are found. The short form is
tests/unit/kernel/test_token_scan.py.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from scan_world import lookalikes, planted
from sheetport.kernel.token_scan import find_tokens

BATCH = 100_000
ALLOWED = 0.0001


def main() -> int:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    hidden = int(sys.argv[2]) if len(sys.argv) > 2 else 100_000
    seed = random.SystemRandom().randrange(2**32)
    chance = random.Random(seed)
    mistaken = 0
    for start in range(0, count, BATCH):
        mistaken += len(find_tokens("\n".join(lookalikes(chance, min(BATCH, count - start))).encode()))
    print(f"seed {seed}: {mistaken} of {count} lookalikes taken for tokens")
    missed = 0
    for _ in range(0, hidden, 1_000):
        text, tokens = planted(chance, 1_000)
        missed += len(set(tokens) - {each.token for each in find_tokens(text)})
    print(f"seed {seed}: {missed} of {hidden} planted tokens missed")
    return 1 if mistaken > count * ALLOWED or missed else 0


if __name__ == "__main__":
    sys.exit(main())
