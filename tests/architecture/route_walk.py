"""Calls every route of an OpenAPI document on a running server, wrongly, and says what answered wrongly."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

from architecture.envelopes import Document, error_fault, operations
from servers.sheetport import SheetportServer

#: No such thing exists; the shape is that of an id.
UNKNOWN_ID = "us_xx_0000nothing"
BAD_BODIES = (
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe",
    b'{"name": {"deep": [1, {"a": null}]}, "id": 1e999}',
    b"[" * 5000,
    b'{"name": "nul \\u0000 character"}',
)
WITH_BODY = ("post", "put", "patch", "delete")


def calls(document: Document) -> Iterator[tuple[str, str]]:
    """(METHOD, path) of every route, with ids that nothing has."""
    for method, path, _ in operations(document):
        yield method.upper(), re.sub(r"\{[^}]*\}", UNKNOWN_ID, path)


def open_without_token(server: SheetportServer, document: Document, public: Collection[str]) -> list[str]:
    """Routes that do not answer 401 in the one error shape to a caller without a token, ``public`` ones left out."""
    faults = []
    for method, path in calls(document):
        if f"{method} {path}" in public:
            continue
        answer = server.request(method, path, {} if method.lower() in WITH_BODY else None)
        if answer.status != 401 or error_fault(answer.status, answer.body):
            faults.append(f"{method} {path}: {answer.status} {answer.body!r}")
    return faults


def wrong_failures(server: SheetportServer, document: Document, token: str) -> list[str]:
    """Calls with unknown ids and broken bodies whose failure is a server error or not in the one shape."""
    faults = []
    for method, path in calls(document):
        for body in BAD_BODIES if method.lower() in WITH_BODY else (None,):
            answer = server.request(method, path, body, token)
            fault = success_fault(answer.body) if answer.status < 400 else error_fault(answer.status, answer.body)
            if fault:
                faults.append(f"{method} {path} with {body!r:.60}: {answer.status} {fault}")
    return faults


def success_fault(body: Any) -> str | None:
    """A success has a body."""
    return None if body not in (b"", None) else "an empty answer"
