"""docs/reference/permissions.md says what the table of permissions says."""

from __future__ import annotations

from permissions_page import PAGE_PATH, as_page
from sheetport.kernel.permissions import Permission


def test_the_page_is_the_table() -> None:
    assert PAGE_PATH.read_text() == as_page(), "run scripts/permissions.py"


def test_every_permission_has_a_row() -> None:
    rows = [line for line in as_page().splitlines() if line.startswith("| `")]
    assert len(rows) == len(Permission)
    assert any(line.startswith("| `secret:read` | yes | yes | - | - | yes | yes | - | - | - |") for line in rows)
