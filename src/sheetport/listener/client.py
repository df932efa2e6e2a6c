"""The HTTP side of a listener: where the server is, who we are, and one way to call it."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from sheetport.listener.errors import ListenerConfigError, ListenerHTTPError

# Waiting for a free connection has no limit: many handlers at once are slow, not failed.
TIMEOUT = httpx.Timeout(60.0, connect=10.0, pool=None)


@dataclass(frozen=True)
class Connection:
    """Where to listen and as whom. ``base_url`` is without a trailing ``/`` or ``/v1``."""

    base_url: str
    token: str = field(repr=False)
    scope: str = ""

    @property
    def stream_url(self) -> str:
        """The address the stream's routes hang on: they have no ``/api`` in front."""
        return self.base_url.removesuffix("/api")

    @property
    def channel(self) -> str:
        """The stream's channel, named after the kind of id the scope is."""
        return f"{'environment' if 'env' in self.scope else 'space'}.{self.scope}"


def connection(
    api_url: str | None = None, token: str | None = None, environment_id: str | None = None, scope: str | None = None
) -> Connection:
    """The connection from arguments, else from the environment's variables.

    Raises ListenerConfigError naming the variable to set. The scope may be absent: only receiving needs it.
    """
    env = os.environ
    url = api_url or env.get("AGENT_INTERNAL_URL") or env.get("FLATFILE_API_URL")
    if not url:
        raise ListenerConfigError("The server's address is missing: set FLATFILE_API_URL, or pass api_url=.")
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ListenerConfigError(f"The server's address must begin with http:// or https://, and {url!r} does not.")
    key = (token or env.get("FLATFILE_BEARER_TOKEN") or env.get("FLATFILE_API_KEY") or "").strip()
    if not key:
        raise ListenerConfigError("The key is missing: set FLATFILE_API_KEY to a secret key (sk_...), or pass token=.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise ListenerConfigError("The key in FLATFILE_API_KEY holds a space, a line break or a letter no key has.")
    place = scope or environment_id or env.get("FLATFILE_ENVIRONMENT_ID") or ""
    return Connection(url.rstrip("/").removesuffix("/v1").rstrip("/"), key, place)


class Api:
    """Calls to the server with the listener's token. Use as ``async with Api(connection) as api``."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        # A redirect to another host loses the token: httpx drops it there.
        self._http = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=True)
        hide_stream_tokens()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def fetch(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        data: Any = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Calls ``path`` (such as ``v1/jobs``) and returns the answer's ``data``, its JSON, or its text.

        ``data`` is sent as it is when str or bytes, else as JSON. Raises ListenerHTTPError at 400 and above.
        """
        sent = {
            "Authorization": f"Bearer {self.connection.token}",
            "Content-Type": "application/json",
            "X-Disable-Hooks": "true",
            **(headers or {}),
        }
        body = data if data is None or isinstance(data, str | bytes) else json.dumps(data)
        url = httpx.URL(self._url(path))
        if params:
            url = url.copy_merge_params(params)
        response = await self._http.request(method, url, headers=sent, content=body)
        if response.status_code >= 400:
            raise ListenerHTTPError(method, url.path, response.status_code, said(response))
        return _content(response)

    async def stream(self, path: str, params: Mapping[str, Any], read_timeout: float) -> Any:
        """One request to the event stream: its JSON object. Raises ListenerHTTPError at 400 and above."""
        timeout = httpx.Timeout(10.0, read=read_timeout, pool=None)
        response = await self._http.get(self.connection.stream_url + path, params=params, timeout=timeout)
        if response.status_code >= 400:
            raise ListenerHTTPError("GET", path, response.status_code, said(response))
        return response.json()

    def _url(self, path: str) -> str:
        """The address of a path, or a full address on this very server: the token must not go to another."""
        base = self.connection.base_url
        if path.startswith(("http://", "https://")):
            if urlsplit(path)[:2] != urlsplit(base)[:2]:
                raise ListenerConfigError(f"event.fetch calls {base} only. Use an HTTP client of your own elsewhere.")
            return path
        return f"{base}/{path.lstrip('/')}"


def _content(response: httpx.Response) -> Any:
    if "application/json" not in response.headers.get("content-type", ""):
        return response.text
    body = response.json() if response.content else None
    return body["data"] if isinstance(body, dict) and "data" in body else body


def said(response: httpx.Response) -> str:
    """The server's own words in a refusal, whichever of its shapes it used."""
    try:
        body = response.json()
    except ValueError:
        return response.text[:300].strip() or response.reason_phrase
    if isinstance(body, dict):
        errors = body.get("errors")
        texts = [e.get("message") for e in errors if isinstance(e, dict)] if isinstance(errors, list) else []
        return "; ".join(str(t) for t in texts if t) or str(body.get("message") or response.reason_phrase)
    return response.reason_phrase


def _not_a_stream_request(record: logging.LogRecord) -> bool:
    return "auth=" not in record.getMessage()


def hide_stream_tokens() -> None:
    """Keeps httpx from logging stream requests: their addresses carry the subscription token."""
    logger = logging.getLogger("httpx")
    if _not_a_stream_request not in logger.filters:
        logger.addFilter(_not_a_stream_request)
