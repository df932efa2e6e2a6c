"""Operations of the public clients that this server does not have: 501 that says so, never a made-up success."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import Any

from litestar import Litestar, Request, Response
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from sheetport.http.errors import error_body
from sheetport.http.operations import PAGE, Method, operation_at, operations, plain

#: Marks these routes among the router's.
UNSUPPORTED = "unsupported"


def refuse_unsupported(router: Litestar) -> None:
    """Give the router a route for every operation that it has none for, behind the same authentication."""
    known = {plain(_untyped(route.path)): route for route in router.routes if isinstance(route, HTTPRoute)}
    paths: dict[Method, list[str]] = defaultdict(list)
    for operation in operations():
        route = known.get(plain(operation.path))
        if route is None:
            paths[operation.method].append(re.sub(r"\{(\w+)\}", r"{\1:str}", operation.path))
        elif operation.method not in route.methods:
            paths[operation.method].append(route.path)  # spelled alike, or the router takes it for another route
    for method, missing in paths.items():
        handler = HTTPRouteHandler(missing, http_method=method, status_code=501, include_in_schema=False, opt=_OPT)
        router.register(handler(_refuse))


async def _refuse(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    operation = operation_at(request.method, request.scope["path_template"])
    name = operation.name if operation else "this"
    base_url = request.app.state.settings.http.base_url
    message = f"This server does not have {name}; see {base_url}{PAGE}#{name} for what it has."
    return Response(error_body(("operation", message)), status_code=501)


def _untyped(path: str) -> str:
    return re.sub(r":\w+\}", "}", path)


_OPT: dict[str, Any] = {UNSUPPORTED: True}
