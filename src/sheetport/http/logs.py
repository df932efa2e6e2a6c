"""Logs: one line an event, never a local variable, a token or what a caller wrote freely.

A request's line has the route's template, not the address; of the query the names we know, and of values only
those whose shape leaves no room for a secret.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
from contextlib import suppress
from typing import Any, TextIO, cast
from urllib.parse import parse_qsl

import structlog
from litestar.types import HTTPScope

from sheetport.config import LogSettings

SLOW_SECONDS = 1.0
_NUMBER, _FLAG = re.compile(r"\d{1,17}"), re.compile(r"true|false")
_WORD = re.compile(r"[A-Za-z]{1,24}")
_ID = re.compile(r"us_[a-z]{2,6}_[A-Za-z0-9]{4,40}")
#: Parameters whose values are written when they look like this.
_SHOWN: dict[str, re.Pattern[str]] = {
    "pageSize": _NUMBER,
    "pageNumber": _NUMBER,
    "since": _NUMBER,
    "tt": _NUMBER,
    "sortField": _WORD,
    "sortDirection": re.compile(r"asc|desc", re.IGNORECASE),
    "filter": re.compile(r"valid|error|all|none"),
    "includeCounts": _FLAG,
    "includeLength": _FLAG,
    "includeLinks": _FLAG,
    "includeMessages": _FLAG,
    "includeAcknowledged": _FLAG,
    "stream": _FLAG,
    "environmentId": _ID,
    "spaceId": _ID,
    "workbookId": _ID,
    "sheetId": _ID,
    "jobId": _ID,
    "versionId": _ID,
    "commitId": _ID,
}
#: Parameters of which only the name is written. Any other, which may itself be a secret, is a question mark.
_NAMED = frozenset({"auth", "token", "key", "type", "name", "search", "q", "publishableKey", "tenantId", "uuid"})


class _Unfailing:
    """Standard error, whatever becomes of it: a log on a full disk must fail no request."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def configure_logs(settings: LogSettings | None = None) -> None:
    """Lines of key=value or of JSON on standard error."""
    settings = settings or LogSettings()
    renderer: Any = structlog.processors.LogfmtRenderer(
        key_order=["timestamp", "level", "event"], bool_as_flag=False, sort_keys=False
    )
    if settings.format == "json":
        renderer = structlog.processors.JSONRenderer(ensure_ascii=True)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Unfailing())),
        cache_logger_on_first_use=False,
    )
    for noisy in ("httpx", "httpcore"):
        logging.getLogger(noisy).setLevel(logging.WARNING)  # their lines carry whole URLs


def places_of(error: BaseException) -> str:
    """Where an error came from, innermost last, and its kind; not its text, which may hold a value."""
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    return " > ".join(f"{frame.filename.rpartition('sheetport/')[2]}:{frame.lineno}:{frame.name}" for frame in frames)


def request_line(scope: HTTPScope, status: int, seconds: float, size: int) -> dict[str, Any]:
    """What a request's line says. ``size`` is the answer's bytes."""
    state: Any = scope.get("state", {})
    actor = state.get("actor")
    client = scope.get("client")
    known = {
        "request_id": state.get("request_id"),
        "method": scope["method"] if scope["method"].isalpha() and len(scope["method"]) < 10 else "other",
        "route": scope.get("path_template") or "-",
        "ids": ",".join(_ids(scope)),
        "query": shown_query(scope["query_string"]),
        "status": status,
        "ms": round(seconds * 1_000, 1),
        "bytes": size,
        "client": client[0] if client else None,
        "actor": actor.kind.value if actor else None,
        "key": actor.token_id if actor else None,
    }
    return {name: value for name, value in known.items() if value not in {None, ""}}


def shown_query(query: bytes) -> str:
    """``pageSize=10,token,?`` for ``?pageSize=10&token=…&something=…``."""
    words = []
    for name, value in parse_qsl(query[:2_000].decode("latin-1"), keep_blank_values=True, max_num_fields=200)[:20]:
        shape = _SHOWN.get(name)
        if shape is not None and shape.fullmatch(value):
            words.append(f"{name}={value}")
        else:
            words.append(name if shape is not None or name in _NAMED else "?")
    return ",".join(words)


def _ids(scope: HTTPScope) -> list[str]:
    """The ids in the path, known by their shape: anything else there may be a token."""
    return [str(value) for value in scope.get("path_params", {}).values() if _ID.fullmatch(str(value))]
