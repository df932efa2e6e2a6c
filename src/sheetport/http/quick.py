"""The hottest reads, answered in front of the router: GET of one thing by its id.

The router costs more than the whole read. What it would do is done here by the very handlers it knows, for the
plain case only: a remembered caller, no query, no Origin. In every other case, and whenever something is wrong,
the router answers, as if this were not here.

Where one process does all the writing, what was answered is given again to the same caller until anything at all is
committed, and for a second at most.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, cast

import msgspec
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.types import AnyCallable, ASGIApp, HTTPScope, Receive, Scope, Send

from sheetport.config import Settings
from sheetport.http.auth import admit, bearer_token
from sheetport.http.dependencies import Call
from sheetport.http.rates import RateGate
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import SheetportError
from sheetport.storage.unit_of_work import Database, StaleError, Standing

KEPT_MILLISECONDS = 1_000
#: Answers kept at most, and bytes of one.
KEPT, KEPT_BYTES = 1_000, 16 * 1024
_encode = msgspec.json.Encoder().encode


class Known(Protocol):
    """A caller that was verified before."""

    @property
    def actor(self) -> Actor: ...

    @property
    def standing(self) -> Standing: ...


class Kept(NamedTuple):
    """An answer, the version of the database that it was read at, and until when it is given, milliseconds."""

    body: bytes
    version: int
    until: int


Recall = Callable[[str], Known | None]


class QuickMiddleware:
    """``handlers`` take a Call and an id; they are named by the start of their path, such as ``/v1/spaces``."""

    def __init__(
        self,
        app: ASGIApp,
        handlers: Mapping[str, HTTPRouteHandler],
        recall: Recall,
        tell: Callable[[HTTPScope], None],
        db: Database,
        settings: Settings,
        gate: RateGate,
    ) -> None:
        self._app = app
        self._handlers = {start: (start + min(each.paths), each.fn) for start, each in handlers.items()}
        self._recall = recall
        self._tell = tell
        self._db = db
        self._settings = settings
        self._gate = gate
        self._kept: dict[tuple[str, str], Kept] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = None
        if scope["type"] == ScopeType.HTTP and scope["method"] == "GET" and not scope["query_string"]:
            start, _, name = scope["path"].rpartition("/")
            found = self._handlers.get(start)
            if found is not None and name:
                body = await self._answer(scope, *found, name)
        if body is None:
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
        self._tell(cast(HTTPScope, scope))

    async def _answer(self, scope: HTTPScope, template: str, handler: AnyCallable, name: str) -> bytes | None:
        """The body of the plain case, else None."""
        if any(header[0] == b"origin" for header in scope["headers"]):
            return None
        try:
            known = self._recall(bearer_token(scope))
            if known is None or not self._gate.admit_read(scope, known.actor):
                return None
            admit(known.actor, scope)
            body = await self._read(known, handler, scope["path"], name)
        except (SheetportError, StaleError):
            return None
        scope.setdefault("state", {})["actor"] = known.actor
        scope["path_template"] = template
        return body

    async def _read(self, known: Known, handler: AnyCallable, path: str, name: str) -> bytes:
        """The answer, read or kept."""
        version, now = self._db.version, self._db.clock.now()
        key = (known.actor.token_id, path)
        kept = self._kept.get(key)
        if kept is not None and kept.version == version and now < kept.until:
            return kept.body
        body = _encode(
            await handler(Call(self._db, known.actor, self._settings, self._gate.limits, known.standing), name)
        )
        if version is not None and len(body) <= KEPT_BYTES:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = Kept(body, version, now + KEPT_MILLISECONDS)
        return body
