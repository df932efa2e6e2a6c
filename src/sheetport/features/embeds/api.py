"""The route that a customer's page begins with. Its key is in the address, as the page sends it."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Router, post
from litestar.params import QueryParameter

from sheetport.features.embeds import service
from sheetport.features.embeds.schemas import InitShape, parse_init, to_shape
from sheetport.http.auth import OPENED_BY, PUBLIC, admit
from sheetport.http.dependencies import Call
from sheetport.http.envelope import Data
from sheetport.http.rates import RATE
from sheetport.kernel.actor import ActorKind
from sheetport.kernel.errors import Unauthenticated
from sheetport.kernel.rates import Bucket

PublishableKey = Annotated[str | None, QueryParameter(name="publishableKey", description="A pk_ key, required.")]
_REFUSAL = "Send a valid publishable key as ?publishableKey=pk_…."


@post("/init", status_code=200, opt={**PUBLIC, OPENED_BY: "publishableKey", RATE: Bucket.EMBEDDED_SPACES})
async def init_space(request: Request[Any, Any, Any], publishable_key: PublishableKey = None) -> Data[InitShape]:
    call = await _call(request, publishable_key or "")
    embed = await call.write(service.init_space, parse_init(await request.body()), call.settings.quotas)
    return Data(data=to_shape(embed, call.settings.http.base_url))


async def _call(request: Request[Any, Any, Any], key: str) -> Call:
    state = request.app.state
    try:
        actor = await state.verifier.verify(key)
    except Unauthenticated:
        raise Unauthenticated(_REFUSAL, "publishableKey") from None
    if actor.kind is not ActorKind.PUBLISHABLE_KEY:
        raise Unauthenticated(_REFUSAL, "publishableKey")
    admit(actor, request.scope)
    return Call(state.db, actor, state.settings, state.limits)


router = Router("/v1/internal/spaces", route_handlers=[init_space], tags=["embeds"])
