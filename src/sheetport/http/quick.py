"""The hottest reads, answered in front of the router: GET of one thing by its id, and of lists such as secrets.

The router costs more than the whole read. What it would do is done here by the very handlers it knows, for the
plain case only: a remembered caller, no Origin, no query but a list's own plain one. In every other case, and whenever
something is wrong, the router answers, as if this were not here.

Where one process does all the writing, what was answered for one thing is given again to the same caller until anything
at all is committed, and for a second at most. Lists are read each time.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
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
#: A query without escapes, whose parts are what they look like.
_PLAIN = re.compile(rb"[A-Za-z0-9_.-]+=[A-Za-z0-9_.-]+(?:&[A-Za-z0-9_.-]+=[A-Za-z0-9_.-]+)*")
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


class QuickList(NamedTuple):
    """A list's handler, which takes a Call and these parameters of the query: its arguments' names by the wire's.

    ``not_with`` is the header with which the router has to answer, in lower case.
    """

    handler: HTTPRouteHandler
    parameters: Mapping[str, str]
    not_with: bytes


Recall = Callable[[str], Known | None]


class QuickMiddleware:
    """``handlers`` take a Call and an id; they are named by the start of their path, such as ``/v1/spaces``.

    ``lists`` are named by their path.
    """

    def __init__(
        self,
        app: ASGIApp,
        handlers: Mapping[str, HTTPRouteHandler],
        lists: Mapping[str, QuickList],
        recall: Recall,
        tell: Callable[[HTTPScope], None],
        db: Database,
        settings: Settings,
        gate: RateGate,
    ) -> None:
        self._app = app
        self._handlers = {start: (start + min(each.paths), each.fn) for start, each in handlers.items()}
        self._lists = lists
        self._recall = recall
        self._tell = tell
        self._db = db
        self._settings = settings
        self._gate = gate
        self._kept: dict[tuple[str, str], Kept] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = None
        if scope["type"] == ScopeType.HTTP and scope["method"] == "GET":
            if scope["path"] in self._lists:
                body = await self._list(scope, self._lists[scope["path"]])
            elif not scope["query_string"]:
                body = await self._one(scope)
        if body is None:
            await self._app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
        self._tell(cast(HTTPScope, scope))

    async def _one(self, scope: HTTPScope) -> bytes | None:
        """The body of one thing in the plain case, else None."""
        start, _, name = scope["path"].rpartition("/")
        found = self._handlers.get(start)
        if found is None or not name:
            return None
        template, handler = found
        return await self._answer(scope, template, lambda known: self._read(known, handler, scope["path"], name))

    async def _list(self, scope: HTTPScope, asked: QuickList) -> bytes | None:
        """The body of a list in the plain case, else None."""
        named = _parameters(scope["query_string"], asked.parameters)
        if named is None or any(header[0] == asked.not_with for header in scope["headers"]):
            return None

        async def read(known: Known) -> bytes:
            return _encode(await asked.handler.fn(self._call(known), **named))

        return await self._answer(scope, scope["path"], read)

    async def _answer(self, scope: HTTPScope, template: str, read: Callable[[Known], Awaitable[bytes]]) -> bytes | None:
        if any(header[0] == b"origin" for header in scope["headers"]):
            return None
        try:
            known = self._recall(bearer_token(scope))
            if known is None or not self._gate.admit_read(scope, known.actor):
                return None
            admit(known.actor, scope)
            body = await read(known)
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
        body = _encode(await handler(self._call(known), name))
        if version is not None and len(body) <= KEPT_BYTES:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            self._kept[key] = Kept(body, version, now + KEPT_MILLISECONDS)
        return body

    def _call(self, known: Known) -> Call:
        return Call(self._db, known.actor, self._settings, self._gate.limits, known.standing)


def _parameters(query: bytes, names: Mapping[str, str]) -> dict[str, str] | None:
    """The query's parameters by argument; None for a query that is not plain, or holds another one or one twice."""
    if not query:
        return {}
    if not _PLAIN.fullmatch(query):
        return None
    found: dict[str, str] = {}
    for part in query.decode().split("&"):
        name, _, value = part.partition("=")
        argument = names.get(name)
        if argument is None or argument in found:
            return None
        found[argument] = value
    return found
