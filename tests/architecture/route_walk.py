"""Calls every route of an OpenAPI document, wrongly, and says what answered wrongly."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

import httpx

from architecture.envelopes import Document, error_fault, operations

#: No such thing exists; the shape is that of an id.
UNKNOWN_ID = "us_xx_0000nothing"
BAD_BODIES = (
    b"{",
    b"[]",
    b"{}",
    b"null",
    b'"text"',
    b"\xff\xfe",
    b'{"name": {"deep": [1, {"a": null}]}, "id": 1e999}',
    b"[" * 5000,
    b'{"name": "nul \\u0000 character"}',
)
WITH_BODY = {"POST", "PUT", "PATCH", "DELETE"}


def calls(document: Document) -> Iterator[tuple[str, str]]:
    """(METHOD, path) of every route, with ids that nothing has."""
    for method, path, _ in operations(document):
        yield method.upper(), re.sub(r"\{[^}]*\}", UNKNOWN_ID, path)


async def open_without_token(client: httpx.AsyncClient, document: Document, public: Collection[str]) -> list[str]:
    """Routes that do not answer 401 in the one error shape to a caller without a token, ``public`` ones left out."""
    faults = []
    for method, path in calls(document):
        if f"{method} {path}" in public:
            continue
        answer = await _send(client, method, path, b"{}", {})
        if answer.status_code != 401 or error_fault(answer.status_code, _body(answer)):
            faults.append(f"{method} {path}: {answer.status_code} {answer.text!r:.200}")
    return faults


async def wrong_failures(client: httpx.AsyncClient, document: Document, token: str) -> list[str]:
    """Calls with unknown ids and broken bodies that end in a server error, another error shape or an empty answer."""
    faults = []
    for method, path in calls(document):
        for body in BAD_BODIES if method in WITH_BODY else (b"",):
            answer = await _send(client, method, path, body, {"Authorization": f"Bearer {token}"})
            if fault := _fault(answer):
                faults.append(f"{method} {path} with {body!r:.60}: {answer.status_code} {fault}")
    return faults


async def _send(
    client: httpx.AsyncClient, method: str, path: str, body: bytes, headers: dict[str, str]
) -> httpx.Response:
    if method not in WITH_BODY:
        return await client.request(method, path, headers=headers)
    return await client.request(method, path, content=body, headers={**headers, "Content-Type": "application/json"})


def _fault(answer: httpx.Response) -> str | None:
    if answer.status_code >= 400:
        return error_fault(answer.status_code, _body(answer))
    return None if answer.content else "an empty answer"


def _body(answer: httpx.Response) -> Any:
    """The parsed JSON, or the bytes where it is none."""
    try:
        return answer.json()
    except ValueError:
        return answer.content
