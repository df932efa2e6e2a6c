"""Writes docs/reference/permissions.md from the table of permissions.

Run it with the development environment's Python after a permission or a role has changed:

    .venv/bin/python scripts/permissions.py
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from permissions_page import PAGE_PATH, as_page  # noqa: E402

if __name__ == "__main__":
    PAGE_PATH.write_text(as_page())
    sys.stdout.write(f"{PAGE_PATH.relative_to(ROOT)}\n")
