"""Tells whoever asks how calls of the API ended, after they were answered.

It costs a call nothing but a look at what the router left in its scope. What is told lives only as long as it is
looked at: neither tokens nor queries are kept here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from sheetport.http.auth import shown_token
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Observation:
    """A call that was answered.

    ``status`` and ``query`` are there only for paths that are watched. Exactly one of ``actor`` and ``refused``
    is there for a call with a token; ``refused`` is the fingerprint of a token that was not accepted.
    """

    method: str
    path: str
    actor: Actor | None
    status: int = 0
    query: bytes = field(default=b"", repr=False)
    refused: bytes | None = field(default=None, repr=False)


Note = Callable[[Observation], None]
#: Whether a call of this caller, on a path that is not watched, is worth telling.
Asks = Callable[[Actor], bool]


class ObserveMiddleware:
    """Stands around the router, whose scope it reads afterwards."""

    def __init__(
        self, app: ASGIApp, watched: frozenset[str], asks: Asks, note: Note, fingerprint: Callable[[str], bytes]
    ) -> None:
        self._app = app
        self._watched = watched
        self._asks = asks
        self._note = note
        self._fingerprint = fingerprint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
        elif scope["path"] in self._watched:
            await self._watch(scope, receive, send)
        else:
            await self._app(scope, receive, send)
            self.tell(scope)

    def tell(self, scope: HTTPScope) -> None:
        """Tell of a call that has been answered: by 200, if its path is watched."""
        watched = scope["path"] in self._watched
        self._tell(scope, scope["path"], 200 if watched else 0, scope["query_string"] if watched else b"")

    async def _watch(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        path, status = scope["path"], 0

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self._app(scope, receive, noting)
        self._tell(scope, path, status, scope["query_string"])

    def _tell(self, scope: HTTPScope, path: str, status: int, query: bytes) -> None:
        actor = scope.get("state", {}).get("actor")
        if actor is not None and path not in self._watched and not self._asks(actor):
            return
        refused = None
        if actor is None:
            try:
                refused = self._fingerprint(shown_token(scope)[1])
            except Unauthenticated:
                if path not in self._watched:
                    return
        self._note(Observation(scope["method"], path, actor, status, query, refused))
