"""Which forms a page of ours has made: each carries a token that no other site can know.

The token is a keyed hash of a random cookie and of the session, so it is kept nowhere; it is looked at besides where
the browser says that the form comes from.
"""

from __future__ import annotations

import secrets
from urllib.parse import parse_qs, urlsplit

from litestar.datastructures import Cookie

from sheetport.kernel.errors import Forbidden, Invalid
from sheetport.web.cookies import SESSION, AnyRequest, cookie, cookie_value

FORM_COOKIE = "sheetport_form"
#: The field of a form, and the header of a script, that carry the token.
FIELD, HEADER = "form_token", "x-form-token"
MAX_FORM = 64 * 1024
_STALE = "This page is out of date; load it again, then send the form."


class FormToken:
    """The token of a page that is being made; what reads it in a template has the page set its cookie."""

    def __init__(self, request: AnyRequest) -> None:
        self._request = request
        self._nonce = cookie_value(request, FORM_COOKIE)
        self._is_new = not self._nonce
        self._read = False

    def __str__(self) -> str:
        self._read = True
        self._nonce = self._nonce or secrets.token_urlsafe(24)
        return _token(self._request, self._nonce)

    def cookies(self) -> list[Cookie]:
        """What the page has to set."""
        return [cookie(self._request, FORM_COOKIE, self._nonce)] if self._read and self._is_new else []


async def form_of(request: AnyRequest, *names: str, signs_in: bool = False) -> list[str]:
    """The text of each field of a sent form, "" for one that is missing.

    A form that ``signs_in`` acts on no session: a page that was reached from elsewhere has not seen the one there is.
    Raises Invalid for a body that is no form, Forbidden for one that none of our pages has made for this browser.
    """
    require_same_origin(request)
    body = await request.body()
    if len(body) > MAX_FORM:
        raise Invalid("The form is too long.", "body")
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, max_num_fields=20)
    except ValueError:
        raise Invalid("The body is not a form that this page has sent.", "body") from None
    _require_token(request, fields.get(FIELD, [""])[0], _sessions(request, signs_in))
    return [fields.get(name, [""])[0] for name in names]


def require_script_token(request: AnyRequest, *, signs_in: bool = False) -> None:
    """Raise Forbidden unless a script of one of our pages has sent this; ``signs_in`` as for :func:`form_of`."""
    require_same_origin(request)
    _require_token(request, request.headers.get(HEADER, ""), _sessions(request, signs_in))


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


def _sessions(request: AnyRequest, signs_in: bool) -> set[str]:
    """The sessions whose pages may have made a form."""
    now = cookie_value(request, SESSION)
    return {"", now} if signs_in else {now}


def _require_token(request: AnyRequest, given: str, sessions: set[str]) -> None:
    """Raise Forbidden unless this browser has been given this token, in one of these sessions."""
    nonce, signed = cookie_value(request, FORM_COOKIE), request.app.state.db.keys.signed
    if not (nonce and given.isascii() and any(signed(given, "form", nonce, session) for session in sessions)):
        raise Forbidden(_STALE, FIELD)


def _token(request: AnyRequest, nonce: str) -> str:
    signed: str = request.app.state.db.keys.sign("form", nonce, cookie_value(request, SESSION))
    return signed
