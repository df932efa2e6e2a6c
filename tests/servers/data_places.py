"""Where a test's data lies: a folder for SQLite, or a fresh PostgreSQL database beside such a folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

KINDS = ("sqlite", "postgresql")


@dataclass(frozen=True)
class DataPlace:
    """``data`` is the (absent) data directory; ``url`` is None for SQLite."""

    kind: str
    data: Path
    url: str | None

    @property
    def arguments(self) -> list[str]:
        """What ``sheetport init`` and ``serve`` take for it beside ``--data``."""
        return [] if self.url is None else ["--database-url", self.url]
