"""Spans of time as commands take them, and as they are shown."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from sheetport.cli.errors import CommandError

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SPAN = re.compile(r"(\d{1,9})([smhd])")


def seconds_of(text: str, option: str) -> int:
    """``90d``, ``12h``, ``30m``, ``45s`` or ``0`` in seconds. Raises CommandError."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None and text.strip() != "0":
        raise CommandError(f"{option} takes a span such as 90d, 12h, 30m or 0, not {text[:60]!r}.")
    return 0 if found is None else int(found[1]) * _UNITS[found[2]]


def days_of(text: str, option: str) -> int:
    """A span in whole days. Raises CommandError."""
    seconds = seconds_of(text, option)
    if seconds % _UNITS["d"]:
        raise CommandError(f"{option} takes whole days, such as 90d, not {text[:60]!r}.")
    return seconds // _UNITS["d"]


def moment_of(text: str, option: str) -> str:
    """The ISO time that is a span from now, or the date or time itself. Raises CommandError."""
    if _SPAN.fullmatch(text.strip().lower()):
        return (datetime.now(UTC) + timedelta(seconds=seconds_of(text, option))).isoformat()
    try:
        return datetime.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise CommandError(
            f"{option} takes a span such as 90d or a date such as 2027-01-31, not {text[:60]!r}."
        ) from None
