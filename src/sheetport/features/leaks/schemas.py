"""Wire shapes of reports, ours and those of secret scanning."""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from sheetport.features.leaks.model import Report
from sheetport.http.wire import Wire
from sheetport.kernel.errors import Invalid
from sheetport.kernel.json import loads

MAX_CREDENTIALS, MAX_MATCHES = 1_000, 10_000


class ExposedCredentials(Wire):
    """Tokens that were found somewhere, up to 1,000."""

    credentials: list[str]

    def __repr__(self) -> str:
        return "ExposedCredentials()"


class Match(msgspec.Struct):
    """One match of a scanning service; other members are passed over."""

    token: str
    type: str
    url: str | None = None
    source: str | None = None

    def __repr__(self) -> str:
        return "Match()"


class Feedback(msgspec.Struct):
    """What a match was. ``token_hash``: the SHA-256 of the token, hexadecimal."""

    token_hash: str
    token_type: str
    label: Literal["true_positive", "false_positive"]


def parse_credentials(data: ExposedCredentials) -> list[Report]:
    """Raises Invalid."""
    if len(data.credentials) > MAX_CREDENTIALS:
        raise Invalid(
            f"credentials takes at most {MAX_CREDENTIALS} at once; send the rest in another call.", "credentials"
        )
    return [Report(token.strip()) for token in data.credentials]


def parse_matches(body: bytes) -> list[Match]:
    """Raises Invalid."""
    try:
        matches = msgspec.convert(loads(body), list[Match])
    except (ValueError, msgspec.ValidationError):
        raise Invalid("The body must be a JSON array of objects with token, type, url and source.", "body") from None
    if len(matches) > MAX_MATCHES:
        raise Invalid(f"The body takes at most {MAX_MATCHES} matches; send the rest in another call.", "body")
    return matches


def to_report(match: Match) -> Report:
    return Report(match.token, match.url or "", match.source or "")


def to_feedback(match: Match, is_ours: bool) -> Feedback:
    digest = hashlib.sha256(match.token.encode("utf-8", "surrogatepass")).hexdigest()
    return Feedback(digest, match.type, "true_positive" if is_ours else "false_positive")
