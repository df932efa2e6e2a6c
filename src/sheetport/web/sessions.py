"""Who a browser is: an access token in a cookie, which the API's own routes never look at."""

from __future__ import annotations

from urllib.parse import urlsplit

from sheetport.features.factors.model import Site
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.errors import Unauthenticated
from sheetport.web.cookies import SESSION, AnyRequest, cookie_value


async def signed_in(request: AnyRequest) -> Actor | None:
    """The user of the session cookie, None without one that is still good."""
    token = cookie_value(request, SESSION)
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
