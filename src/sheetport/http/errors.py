"""Every refusal in the one error shape: ``{"errors": [{"key", "message"}]}``."""

from __future__ import annotations

import re
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    ValidationException,
)

from sheetport.http.logs import places_of
from sheetport.kernel import errors as kernel

_log = structlog.get_logger()

STATUS: dict[type[kernel.SheetportError], int] = {
    kernel.Invalid: 400,
    kernel.Unauthenticated: 401,
    kernel.Forbidden: 403,
    kernel.NotFound: 404,
    kernel.Conflict: 409,
    kernel.TooLarge: 413,
    kernel.TooMany: 429,
    kernel.Unavailable: 503,
}
#: What the server needs may be back by then, in seconds.
RETRY_AFTER = 5
_PATH = re.compile(r" - at `\$(?P<path>[^`]*)`")
_ABSENT = re.compile(r"Missing required (?P<kind>query|header|cookie) parameter '(?P<name>[^']+)'")
_MISSING = re.compile(r"Object missing required field `(?P<name>[^`]+)`")


def error_body(*pairs: tuple[str, str]) -> dict[str, Any]:
    """The error shape of (key, message) pairs."""
    return {"errors": [{"key": key, "message": message} for key, message in pairs]}


def status_of(error: kernel.SheetportError) -> int:
    """The status of a kernel error, by its nearest listed class."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 400)


def refusal(error: kernel.SheetportError) -> tuple[int, dict[str, str], dict[str, Any]]:
    """Status, headers and body for a kernel error."""
    headers = {}
    if isinstance(error, kernel.Unauthenticated):
        headers["WWW-Authenticate"] = error.challenge
    if isinstance(error, kernel.TooMany) and error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if isinstance(error, kernel.Unavailable):
        headers["Retry-After"] = str(RETRY_AFTER)
    return status_of(error), headers, error_body((error.key, error.message), *error.more)


def on_kernel_error(_: Request[Any, Any, Any], error: kernel.SheetportError) -> Response[Any]:
    status, headers, body = refusal(error)
    return Response(body, status_code=status, headers=headers)


def on_http_error(request: Request[Any, Any, Any], error: HTTPException) -> Response[Any]:
    pairs = _pairs(request, error)
    status = 400 if error.status_code == 422 else error.status_code
    return Response(error_body(*pairs), status_code=status, headers=error.headers)


def on_deep_nesting(_: Request[Any, Any, Any], error: RecursionError) -> Response[Any]:
    """The JSON reader gives up on a body nested a thousand levels deep."""
    return Response(error_body(("body", "The body is nested too deeply; send a flatter one.")), status_code=400)


def on_bad_text(_: Request[Any, Any, Any], error: UnicodeDecodeError) -> Response[Any]:
    return Response(error_body(("body", f"The text is not UTF-8: {error.reason}.")), status_code=400)


def on_bug(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """A defect of ours: its place goes to the log, its text to nobody."""
    request_id = request.scope["state"].get("request_id")
    said = {"route": request.scope.get("path_template"), "method": request.method, "error": type(error).__name__}
    _log.error("request.failed", request_id=request_id, **said, at=places_of(error))
    message = "The server failed on this request; its log has the details. Nothing was changed."
    return Response(error_body(("server", message)), status_code=500)


def _pairs(request: Request[Any, Any, Any], error: HTTPException) -> list[tuple[str, str]]:
    if isinstance(error, NotFoundException):
        return [("path", f"There is no route {request.method} {request.url.path}.")]
    if isinstance(error, MethodNotAllowedException):
        return [
            (
                "method",
                f"{request.method} is not allowed here; use {(error.headers or {}).get('Allow', 'another method')}.",
            )
        ]
    if isinstance(error, ValidationException) and isinstance(error.extra, list) and error.extra:
        return [_validation_pair(item) for item in error.extra]
    absent = _ABSENT.match(str(error.detail))
    if absent:
        return [(absent["name"], f"{absent['name']} is required, as a {absent['kind']} parameter.")]
    if isinstance(error.__cause__, SerializationException) or "Malformed" in str(error.detail):
        return [("body", _decoding_message(str(error.__cause__ or error.detail)))]
    return [("request", str(error.detail))]


def _validation_pair(item: Any) -> tuple[str, str]:
    if not isinstance(item, dict):
        return "request", str(item)
    message, key = str(item.get("message", "is not valid")), str(item.get("key", "request"))
    if item.get("source") == "query":
        key = re.sub(r"_([a-z])", lambda letter: letter[1].upper(), key)  # as the wire spells it
    found = _PATH.search(message)
    if found:
        key, message = found["path"].lstrip(".") or "body", message[: found.start()]
    if message == f"'{item.get('key')}'":  # the library's KeyError, as text
        name = "body" if key == "data" else key
        return name, f"{name} is required."
    missing = _MISSING.match(message)
    if missing:
        inside = "" if key in {"body", "data"} else f"{key}."
        return inside + missing["name"], f"{inside}{missing['name']} is required."
    return ("body" if key == "data" else key), message.replace("`", "'")


def _decoding_message(text: str) -> str:
    text = text.split(" - at ", maxsplit=1)[0].replace("`", "'")
    return f"The body is not the JSON this route takes: {text}"


HANDLERS: dict[int | type[Exception], Any] = {
    kernel.SheetportError: on_kernel_error,
    HTTPException: on_http_error,
    UnicodeDecodeError: on_bad_text,
    RecursionError: on_deep_nesting,
    500: on_bug,
}
