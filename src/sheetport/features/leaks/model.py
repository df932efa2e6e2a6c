"""Reports of exposed tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Reporter(StrEnum):
    """Who found a token."""

    ANYONE = "anyone"
    SECRET_SCANNING = "secret scanning"  # noqa: S105 - a name


@dataclass(frozen=True, slots=True)
class Report:
    """A token that was seen, and where; ``url`` and ``source`` are the finder's words, "" when unknown."""

    token: str = field(repr=False)
    url: str = ""
    source: str = ""
