"""Routes of accounts."""

from __future__ import annotations

from litestar import Router, get, patch
from litestar.params import JSONBody

from sheetport.features.accounts import service
from sheetport.features.accounts.schemas import AccountPatch, AccountShape, to_shape
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import Data


@get("/current")
async def get_current_account(call: Caller) -> Data[AccountShape]:
    return Data(data=to_shape(await call.read(service.get_current_account)))


@patch("/current")
async def update_current_account(call: Caller, data: JSONBody[AccountPatch]) -> Data[AccountShape]:
    wanted = (data.name, data.default_app_id, data.embedded_domain_whitelist)
    return Data(data=to_shape(await call.write(service.update_current_account, *wanted)))


router = Router("/v1/accounts", route_handlers=[get_current_account, update_current_account], tags=["accounts"])
