"""From where a call came: who serves it need not know, and what is recorded of it says so."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Protocol


class Request(Protocol):
    """What is known of the request that is being answered."""

    @property
    def address(self) -> str | None:
        """The client's address, as far as trusted proxies tell."""
        ...

    @property
    def id(self) -> str | None:
        """The id that the answer carries as ``X-Request-Id``."""
        ...

    @property
    def agent(self) -> str:
        """What kind of program asks: a word of :data:`AGENTS`."""
        ...


#: The request that this task answers; None for what the server does of itself.
current_request: ContextVar[Request | None] = ContextVar("current_request", default=None)

#: Words of a User-Agent header, in the order they are looked for, and the kind of program each tells of.
_KINDS = (
    ("sheetport", "sheetport"),
    ("curl/", "curl"),
    ("python", "python"),
    ("httpx", "python"),
    ("node", "node"),
    ("undici", "node"),
    ("axios", "node"),
    ("mozilla/", "browser"),
)
AGENTS = frozenset({"none", "other", *(kind for _, kind in _KINDS)})


def agent_of(header: str) -> str:
    """The kind of program that a User-Agent header tells of: a word of AGENTS, never the header itself."""
    lower = header[:200].lower()
    if not lower:
        return "none"
    return next((kind for word, kind in _KINDS if word in lower), "other")
