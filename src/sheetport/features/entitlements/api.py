"""The route of entitlements."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get
from litestar.params import QueryParameter

from sheetport.features.entitlements import service
from sheetport.features.entitlements.schemas import Entitlement
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import Data

ResourceId = Annotated[
    str | None, QueryParameter(name="resourceId", description="An account, an environment or a thing in it, required.")
]


@get("/")
async def list_entitlements(call: Caller, resource_id: ResourceId = None) -> Data[list[Entitlement]]:
    return Data(data=[Entitlement(key=key) for key in await call.read(service.list_entitlements, resource_id)])


router = Router("/v1/entitlements", route_handlers=[list_entitlements], tags=["entitlements"])
