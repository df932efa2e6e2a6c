"""Where a browser goes on to once it has signed in or proved itself again: back to the page that it had to leave for
it, which is that of device logins or the first one."""

from __future__ import annotations

import re

from litestar.datastructures import Cookie

from sheetport.web.cookies import AnyRequest, cookie, cookie_value

ONWARD = "sheetport_onward"
SECONDS = 600
PAGE = "/device"
FIRST_PAGE = "first-page"
#: The cookie says no address: it leads to the first page, or to that of device logins with the code that was there.
_VALUE = re.compile(r"device\.([A-Za-z-]{0,20})")


def onward_cookie(request: AnyRequest, code: str) -> Cookie:
    """What leads back to the page of device logins, with this code in its form."""
    return cookie(request, ONWARD, f"device.{code}", SECONDS)


def first_page_cookie(request: AnyRequest) -> Cookie:
    """What leads back to the first page."""
    return cookie(request, ONWARD, FIRST_PAGE, SECONDS)


def onward(request: AnyRequest, otherwise: str = "/") -> str:
    """The page to go on to."""
    kept = cookie_value(request, ONWARD)
    if kept == FIRST_PAGE:
        return "/"
    found = _VALUE.fullmatch(kept)
    if found is None:
        return otherwise
    return f"{PAGE}?user_code={found[1]}" if found[1] else PAGE


def arrived(request: AnyRequest) -> Cookie:
    """The end of the way."""
    return cookie(request, ONWARD, "", 0)
