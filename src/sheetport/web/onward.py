"""Where a browser goes on to once it has signed in: to the page of device logins, if it had to leave that for it."""

from __future__ import annotations

import re

from litestar.datastructures import Cookie

from sheetport.web.cookies import AnyRequest, cookie, cookie_value

ONWARD = "sheetport_onward"
SECONDS = 600
PAGE = "/device"
#: The cookie says no address: it leads to that page alone, with the code that was there.
_VALUE = re.compile(r"device\.([A-Za-z-]{0,20})")


def onward_cookie(request: AnyRequest, code: str) -> Cookie:
    """What leads back to the page of device logins, with this code in its form."""
    return cookie(request, ONWARD, f"device.{code}", SECONDS)


def onward(request: AnyRequest, otherwise: str = "/") -> str:
    """The page to go on to."""
    found = _VALUE.fullmatch(cookie_value(request, ONWARD))
    if found is None:
        return otherwise
    return f"{PAGE}?user_code={found[1]}" if found[1] else PAGE


def arrived(request: AnyRequest) -> Cookie:
    """The end of the way."""
    return cookie(request, ONWARD, "", 0)
