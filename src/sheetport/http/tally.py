"""Counts in memory what the audit log tells of many requests at once, so that no request waits for it.

Refusals are counted by token, address and minute. A credential that is used from an address not seen since the start
is noted once; whether that is new at all is looked up later, beside the requests.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from litestar.types import HTTPScope

from sheetport.http.auth import shown_token
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.clock import MINUTE
from sheetport.kernel.errors import Unauthenticated

#: Different refusals counted apart in one round; all further ones are counted as one.
MOST_REFUSALS = 1_000
MOST_SEEN = 100_000
#: Where a refusal is counted when there are too many to tell apart.
OTHERS = "others"
_REFUSED = frozenset({401, 403})


class Refused(NamedTuple):
    """What is counted as one. ``fingerprint`` is that of a token whose caller is not known; empty without a token."""

    fingerprint: bytes
    address: str
    minute: int
    status: int
    actor: Actor | None


class Tally:
    """What has been counted since it was last taken."""

    def __init__(self, now: Callable[[], int], fingerprint: Callable[[str], bytes]) -> None:
        self._now = now
        self._fingerprint = fingerprint
        self._refused: dict[Refused, int] = {}
        self._seen: set[tuple[str, str]] = set()
        self._fresh: list[tuple[Actor, str]] = []

    def note(self, scope: HTTPScope, status: int) -> None:
        """Look at a request that has been answered."""
        actor = scope["state"].get("actor")
        client = scope["client"]
        address = client[0] if client else ""
        if status in _REFUSED:
            self._count(scope, status, actor, address)
        elif actor is not None and (actor.token_id, address) not in self._seen:
            self._see(actor, address)

    def take(self) -> tuple[dict[Refused, int], list[tuple[Actor, str]]]:
        """Refusals by what they are, and the credentials used from an address first seen; both begin anew."""
        taken = self._refused, self._fresh
        self._refused, self._fresh = {}, []
        return taken

    def give_back(self, refused: dict[Refused, int], fresh: list[tuple[Actor, str]]) -> None:
        """Take again what could not be recorded."""
        for each, count in refused.items():
            self._refused[each] = self._refused.get(each, 0) + count
        self._fresh = [*fresh, *self._fresh][:MOST_REFUSALS]

    def _count(self, scope: HTTPScope, status: int, actor: Actor | None, address: str) -> None:
        minute = self._now() // MINUTE * MINUTE
        what = Refused(b"" if actor else self._token(scope), address, minute, status, actor)
        if what not in self._refused and len(self._refused) >= MOST_REFUSALS:
            what = Refused(b"", OTHERS, minute, status, None)
        self._refused[what] = self._refused.get(what, 0) + 1

    def _token(self, scope: HTTPScope) -> bytes:
        try:
            return self._fingerprint(shown_token(scope)[1])
        except Unauthenticated:
            return b""

    def _see(self, actor: Actor, address: str) -> None:
        if len(self._seen) >= MOST_SEEN:
            self._seen.clear()
        self._seen.add((actor.token_id, address))
        lasting = actor.kind is ActorKind.SECRET_KEY or actor.token_id.startswith("us_pat_")
        if lasting and address and len(self._fresh) < MOST_REFUSALS:
            self._fresh.append((actor, address))
