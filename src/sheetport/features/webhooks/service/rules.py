"""What a webhook may say: every field checked."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from sheetport.features.events.model import ALERTS, TOPICS
from sheetport.features.webhooks.model import (
    MAX_DESCRIPTION,
    MAX_FILTER,
    MAX_FILTERS,
    MAX_OVERLAP,
    MAX_REASON,
    MAX_URL,
    DeliveryState,
    State,
    is_known,
)
from sheetport.kernel.clock import SECOND
from sheetport.kernel.errors import Invalid

_PRINTABLE = re.compile(r"[\x21-\x7e]+")
_PATTERN = re.compile(r"[a-zA-Z0-9:*_.\- ]+")


def checked_url(url: str) -> str:
    """A plain http(s) address; whether it may be called is looked at apart. Raises Invalid."""
    url = url.strip()
    try:
        found = urlsplit(url)
        host, _ = found.hostname, found.port
    except ValueError:
        host = None
    plain = host and found.scheme in {"http", "https"} and found.username is None and not found.fragment
    if not plain or len(url) > MAX_URL or not _PRINTABLE.fullmatch(url):
        raise Invalid(
            f"url must be an http:// or https:// address of at most {MAX_URL:,} characters, without user, password and"
            " fragment, such as https://example.com/hooks.",
            "url",
        )
    return url


def checked_topics(topics: tuple[str, ...]) -> tuple[str, ...]:
    """Globs for topics, each once. Raises Invalid for one that no topic fits."""
    found = _checked_patterns(topics, "topics")
    if not found:
        raise Invalid("topics must have one entry at least; ** is every topic.", "topics")
    for each in found:
        if not is_known(each, TOPICS | ALERTS):
            raise Invalid(
                f"topics has {each!r}, and there is no such topic: write records:created, job:* or **.", "topics"
            )
    return found


def checked_namespaces(namespaces: tuple[str, ...]) -> tuple[str, ...]:
    """Globs for namespaces such as space:red. Raises Invalid."""
    return _checked_patterns(namespaces, "namespaces")


def checked_description(text: str) -> str | None:
    """Raises Invalid."""
    return _checked_text(text, MAX_DESCRIPTION, "description")


def checked_reason(text: str) -> str | None:
    """Raises Invalid."""
    return _checked_text(text, MAX_REASON, "reason")


def checked_state(text: str) -> State:
    """Raises Invalid."""
    try:
        return State(text)
    except ValueError:
        raise Invalid(f"state must be one of {', '.join(State)}.", "state") from None


def checked_delivery_state(text: str | None) -> DeliveryState | None:
    """Raises Invalid."""
    try:
        return DeliveryState(text) if text else None
    except ValueError:
        raise Invalid(f"state must be one of {', '.join(DeliveryState)}.", "state") from None


def checked_overlap(seconds: int) -> int:
    """Milliseconds. Raises Invalid."""
    if not 0 <= seconds <= MAX_OVERLAP // SECOND:
        raise Invalid(f"overlapSeconds must be from 0 to {MAX_OVERLAP // SECOND:,} (30 days).", "overlapSeconds")
    return seconds * SECOND


def _checked_patterns(patterns: tuple[str, ...], key: str) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(each.strip() for each in patterns))
    if len(found) > MAX_FILTERS:
        raise Invalid(f"{key} has more than {MAX_FILTERS} entries.", key)
    for each in found:
        if len(each) > MAX_FILTER or not _PATTERN.fullmatch(each):
            raise Invalid(f"{key} must hold texts of 1 to {MAX_FILTER} letters, digits, - _ . : and *.", key)
    return found


def _checked_text(text: str, most: int, key: str) -> str | None:
    text = " ".join(text.split())
    if len(text) > most or not text.isprintable():
        raise Invalid(f"{key} must have {most} characters at most, without control characters.", key)
    return text or None
