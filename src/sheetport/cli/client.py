"""Calls to the server's HTTP API, with its refusals as messages."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from sheetport.cli.errors import CommandError
from sheetport.listener.client import said

LOOPBACK = ("127.0.0.1", "localhost", "::1")


class CallError(CommandError):
    """The server refused a call: ``status`` is the HTTP status, 0 when there was no answer, and ``word`` OAuth's word
    for the refusal where it has one."""

    def __init__(self, message: str, status: int = 0, word: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.word = word


class Client:
    """The API of one server as one caller. ``url`` is without ``/v1``."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        host = urlsplit(url).hostname
        if not host or urlsplit(url).scheme not in ("http", "https"):
            raise CommandError(f"The server's address must begin with http:// or https://, and {url!r} does not.")
        # A proxy in the environment is not asked for a server on this very machine.
        self._http = httpx.Client(headers=headers, timeout=30, follow_redirects=True, trust_env=host not in LOOPBACK)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's JSON. ``path`` begins with ``/v1``. Raises CallError."""
        try:
            response = self._http.request(method, self.url + path, json=body, params=params, headers=headers)
        except (httpx.TransportError, UnicodeEncodeError) as error:
            reason = "the key holds letters no key has" if isinstance(error, UnicodeEncodeError) else str(error)
            raise CallError(f"{self.url} cannot be reached ({reason}). Is the server running there?") from None
        if response.status_code >= 400:
            raise CallError(said(response), response.status_code, _word(response))
        try:
            return response.json() if response.content else None
        except ValueError:
            raise CallError(f"{self.url}{path} did not answer with JSON; is a Sheetport server there?") from None

    def data(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's ``data``. Raises CallError."""
        answer = self.call(method, path, body, params, headers)
        if not isinstance(answer, dict) or "data" not in answer:
            raise CallError(f"{self.url}{path} did not answer as a Sheetport server does.")
        return answer["data"]


def _word(response: httpx.Response) -> str:
    try:
        body = response.json()
    except ValueError:
        return ""
    word = body.get("error") if isinstance(body, dict) else None
    return word if isinstance(word, str) else ""
