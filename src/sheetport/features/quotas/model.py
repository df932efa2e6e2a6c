"""Quotas, and how sizes are written."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Quota(StrEnum):
    """By the names that commands and messages use."""

    ROWS = "rows"
    BYTES = "bytes"
    SPACES = "spaces-a-day"
    STREAMS = "streams"


@dataclass(frozen=True, slots=True)
class Used:
    """One quota of an environment. ``own`` says that the limit is the environment's, not the server's.

    Open streams are counted where they are open, not in the database: ``used`` is None.
    """

    quota: Quota
    used: int | None
    limit: int
    own: bool


@dataclass(frozen=True, slots=True)
class Drift:
    """A count that is not what is stored; ``where`` is a sheet's or an environment's id."""

    where: str
    what: str
    counted: int
    stored: int
