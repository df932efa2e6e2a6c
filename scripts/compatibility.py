"""Writes what this server answers to each operation of the public clients: for the server itself, and as a page.

Run it with the development environment's Python after a route has come or gone:

    .venv/bin/python scripts/compatibility.py

It starts the application in this process, calls every route and checks the answers, as tests/http/test_compatibility.py
does on both databases.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from compatibility_page import PAGE_PATH, as_file, as_page  # noqa: E402
from sheetport.config import StorageSettings  # noqa: E402
from sheetport.http.operations import OPERATIONS_PATH  # noqa: E402
from verification import verify  # noqa: E402
from worlds import opened_world  # noqa: E402


async def main() -> None:
    """Find out, and write both files."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        async with opened_world(StorageSettings(data, data.with_suffix(".key"))) as world:
            found = await verify(world)
    OPERATIONS_PATH.write_bytes(as_file(found))
    PAGE_PATH.write_text(as_page(found))
    written = [str(path.relative_to(ROOT)) for path in (OPERATIONS_PATH, PAGE_PATH)]
    sys.stdout.write(f"{len(found)} operations, in {' and '.join(written)}\n")


if __name__ == "__main__":
    asyncio.run(main())
