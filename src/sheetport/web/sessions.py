"""Who a browser is: an access token in a cookie, which the API's own routes never look at."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from litestar import Request
from litestar.datastructures import Cookie

from sheetport.features.auth import service as auth
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.clock import DAY, SECOND
from sheetport.kernel.errors import Forbidden, Unauthenticated

AnyRequest = Request[Any, Any, Any]
SESSION = "sheetport_session"
#: What a sign-in by this page is listed as, and how it is told from others.
ORIGIN = "page"


def cookie(request: AnyRequest, name: str, value: str, seconds: int = DAY // SECOND, path: str = "/") -> Cookie:
    """A cookie that no script reads. The set-up cookie must survive being led here from elsewhere, so it is lax."""
    secure = request.url.scheme == "https" or request.app.state.settings.http.base_url.startswith("https:")
    site: Any = "strict" if name == SESSION else "lax"
    return Cookie(key=name, value=value, max_age=seconds, path=path, httponly=True, secure=secure, samesite=site)


async def signed_in(request: AnyRequest) -> Actor | None:
    """The user of the session cookie, None without one that is still good."""
    token = request.cookies.get(SESSION)
    if not token:
        return None
    try:
        actor: Actor = await request.app.state.verifier.verify(token)
    except Unauthenticated:
        return None
    return actor if actor.kind is ActorKind.USER else None


async def require_signed_in(request: AnyRequest) -> Actor:
    """The user of the session cookie. Raises Unauthenticated."""
    actor = await signed_in(request)
    if actor is None:
        raise Unauthenticated("Sign in on the first page.")
    return actor


async def sign_in(request: AnyRequest, email: str, password: str) -> Cookie:
    """A session. Raises Unauthenticated as every password sign-in does."""
    done = await auth.sign_in_by_password(request.app.state.db, email, password, ORIGIN)
    return cookie(request, SESSION, done.access.token)


def require_same_origin(request: AnyRequest) -> None:
    """Refuse a form that another site's page has sent. Raises Forbidden. What is no browser sends neither header."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = site not in {None, "same-origin", "none"}
    if foreign or (origin is not None and urlsplit(origin).netloc != request.headers.get("host")):
        raise Forbidden("This form was sent from another site; open this server's own page and try again.", "origin")
