"""Who a browser is: an access token in a cookie, which the API's own routes never look at."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from litestar import Request
from litestar.datastructures import Cookie

from sheetport.features.factors.model import Site
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.clock import DAY, SECOND
from sheetport.kernel.errors import Forbidden, Invalid, Unauthenticated

AnyRequest = Request[Any, Any, Any]
SESSION = "sheetport_session"
MAX_FORM = 64 * 1024


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


def site_of(request: AnyRequest) -> Site:
    """This server as the browser knows it: what passkeys are bound to."""
    public = request.app.state.settings.http.public_url
    found = urlsplit(public or str(request.base_url))
    return Site(found.hostname or "", f"{found.scheme}://{found.netloc}")


async def form_of(request: AnyRequest, *names: str) -> list[str]:
    """The text of each field of a sent form, "" for one that is missing. Raises Invalid for a body that is no form."""
    body = await request.body()
    if len(body) > MAX_FORM:
        raise Invalid("The form is too long.", "body")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise Invalid("The body is not a form that this page has sent.", "body") from None
    return [fields.get(name, [""])[0] for name in names]


def require_same_origin(request: AnyRequest) -> None:
    """Raise Forbidden for a form that another site sent.

    A browser that says where the form comes from (Sec-Fetch-Site) is believed: its Origin is "null", since our pages
    give no referrer. An older one is judged by its Origin.
    """
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if site is None:
        foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    else:
        foreign = site not in {"same-origin", "none"}
    if foreign:
        raise Forbidden("This form was sent from another site; open this server's own page and try again.", "origin")
