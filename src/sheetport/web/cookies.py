"""Cookies of the pages: no script reads them, and over HTTPS no other host can set them."""

from __future__ import annotations

from typing import Any

from litestar import Request
from litestar.datastructures import Cookie

from sheetport.kernel.clock import DAY, SECOND

AnyRequest = Request[Any, Any, Any]
SESSION = "sheetport_session"


def cookie(request: AnyRequest, name: str, value: str, seconds: int = DAY // SECOND) -> Cookie:
    """A cookie of the whole site. Over HTTPS its name begins with ``__Host-``: browsers let no other host set it."""
    site: Any = "strict" if name == SESSION else "lax"  # those of links and steps survive being led here
    secure = _is_secure(request)
    return Cookie(
        key=_name(name, secure), value=value, max_age=seconds, path="/", httponly=True, secure=secure, samesite=site
    )


def cookie_value(request: AnyRequest, name: str) -> str:
    """The value that the browser has sent, "" without one."""
    return request.cookies.get(_name(name, _is_secure(request)), "")


def _name(name: str, secure: bool) -> str:
    return f"__Host-{name}" if secure else name


def _is_secure(request: AnyRequest) -> bool:
    """Whether browsers come by HTTPS, also where a proxy in front has ended it."""
    return request.url.scheme == "https" or request.app.state.settings.http.base_url.startswith("https:")
