"""Routes for those who watch over a server: is it alive, is it ready, how does it do."""

from __future__ import annotations

import hmac
from typing import Any

from litestar import MediaType, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.openapi.datastructures import ResponseSpec

from sheetport import __version__
from sheetport.http.auth import PUBLIC, bearer_token
from sheetport.http.errors import error_body
from sheetport.http.metrics import CONTENT_TYPE
from sheetport.http.proxies import is_forwarded, is_loopback
from sheetport.kernel.errors import Unauthenticated
from sheetport.web.cookies import AnyRequest

_NOT_READY = {
    "stopping": "The server is stopping; it takes no more work.",
    "database": "The database does not answer within 2 seconds; the server's log has the details.",
    "schema": "The database's schema is not the one this version needs.",
    "audit": "The audit log cannot be written, or it or the database was set back to an older state; the server's log"
    " says which. See 'sheetport audit verify', and 'sheetport audit accept' once you know why.",
}


@get("/healthz")
async def get_health() -> dict[str, Any]:
    """The process runs and answers; nothing else is looked at."""
    return {"data": {"status": "ok", "version": __version__}}


@get("/readyz", responses={200: ResponseSpec(dict[str, dict[str, str]], generate_examples=False)})
async def get_readiness(request: AnyRequest) -> Response[Any]:
    """Whether this server takes work: 503 while it stops, or its database or its audit log is not as it has to be."""
    failing = await request.app.state.telemetry.failing()
    if failing is not None:
        return Response(error_body((failing, _NOT_READY[failing])), status_code=503)
    return Response({"data": {"status": "ready"}})


@get("/metrics", media_type=MediaType.TEXT)
async def get_metrics(request: AnyRequest) -> Response[bytes]:
    """Figures for Prometheus: to this machine, or with the metrics token as a bearer."""
    if not _may_measure(request):
        raise NotFoundException
    return Response(await request.app.state.telemetry.page(), media_type=CONTENT_TYPE)


def _may_measure(request: AnyRequest) -> bool:
    """Whether the caller holds the token for this, or sits on this machine.

    A request that somebody else's proxy on this machine has forwarded is not from this machine, though its
    connection is.
    """
    token = request.app.state.settings.http.metrics_token
    if token:
        try:
            if hmac.compare_digest(bearer_token(request.scope).encode(), token.encode()):
                return True
        except Unauthenticated:
            pass
    client = request.scope["client"]
    if client is None or not is_loopback(client[0]):
        return False
    return not is_forwarded(request.scope)


router = Router("/", route_handlers=[get_health, get_readiness, get_metrics], opt=PUBLIC, tags=["server"])
