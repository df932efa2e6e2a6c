"""Templates, the page's own files, and the headers every page has."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Response

from sheetport import NAME, __version__
from sheetport.web.cookies import AnyRequest
from sheetport.web.forms import FormToken

_FOLDER = Path(__file__).parent / "assets"
_TYPES = {
    "app.css": "text/css; charset=utf-8",
    "app.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "passkeys.js": "text/javascript; charset=utf-8",
    "reference.css": "text/css; charset=utf-8",
    "reference.js": "text/javascript; charset=utf-8",
    "space.js": "text/javascript; charset=utf-8",
}
ASSETS: dict[str, bytes] = {name: (_FOLDER / name).read_bytes() for name in _TYPES}
#: In the addresses of the assets, so that they can be cached for good and still change.
ASSETS_VERSION = hashlib.sha256(b"".join(ASSETS.values())).hexdigest()[:12]

#: Nothing from elsewhere, nothing inline, in nobody's frame.
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: browsers would then send forms with the origin "null", which is no proof of where they are from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}

_NO_FRAME = "frame-ancestors 'none'"


def framed_by(headers: dict[str, str], origins: list[str]) -> dict[str, str]:
    """Headers of a page, such that pages of these origins may frame it; nobody's when there are none."""
    if not origins:
        return headers
    policy = headers["Content-Security-Policy"].replace(_NO_FRAME, f"frame-ancestors {' '.join(origins)}")
    kept = {name: value for name, value in headers.items() if name != "X-Frame-Options"}  # which knows no list
    return {**kept, "Content-Security-Policy": policy}


#: Of files whose address changes with their content.
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}

_templates = Environment(
    loader=PackageLoader("sheetport.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)


def page(
    request: AnyRequest, template: str, status: int = 200, *, policy: str = POLICY, **values: Any
) -> Response[str]:
    """An HTML page. Every value is escaped; a form needs a hidden field ``form_token`` with the value of that name."""
    token = FormToken(request)
    content = _templates.get_template(template).render(
        name=NAME, version=__version__, assets=f"/assets/{ASSETS_VERSION}", form_token=token, **values
    )
    headers = {**HEADERS, "Content-Security-Policy": policy}
    return Response(
        content,
        status_code=status,
        media_type="text/html; charset=utf-8",
        headers=headers,
        cookies=token.cookies(),
    )


def asset(name: str) -> Response[bytes] | None:
    """One of the page's own files, None for any other name."""
    if name not in ASSETS:
        return None
    return Response(ASSETS[name], media_type=_TYPES[name], headers=FOREVER)
