"""Who sent a request, for sign-ins: the address (as trusted proxies say it) and what the program calls itself."""

from __future__ import annotations

from typing import Any

from litestar import Request

from sheetport.kernel.visitor import Visitor


def visitor_of(request: Request[Any, Any, Any]) -> Visitor:
    """The visitor; no cookie has been looked at."""
    client = request.client
    agent = request.headers.get("user-agent")
    return Visitor(client.host if client else None, agent or None, limited=request.app.state.settings.rate_limits)
