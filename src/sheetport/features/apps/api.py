"""Routes of apps."""

from __future__ import annotations

from typing import Any

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from sheetport.features.apps import service
from sheetport.features.apps.schemas import AppCreate, AppPatch, AppShape, parse_app, to_shape
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import Data, SuccessFlag


@get("/")
async def list_apps(call: Caller) -> Data[list[AppShape]]:
    return Data(data=[to_shape(app) for app in await call.read(service.list_apps)])


@post("/", status_code=200)
async def create_app(call: Caller, data: JSONBody[dict[str, Any]]) -> Data[AppShape]:
    return Data(data=to_shape(await call.write(service.create_app, parse_app(AppCreate, data))))


@get("/{app_id:str}")
async def get_app(call: Caller, app_id: FromPath[str]) -> Data[AppShape]:
    return Data(data=to_shape(await call.read(service.get_app, app_id)))


@patch("/{app_id:str}")
async def update_app(call: Caller, app_id: FromPath[str], data: JSONBody[dict[str, Any]]) -> Data[AppShape]:
    return Data(data=to_shape(await call.write(service.update_app, app_id, parse_app(AppPatch, data))))


@delete("/{app_id:str}", status_code=200)
async def delete_app(call: Caller, app_id: FromPath[str]) -> SuccessFlag:
    await call.write(service.delete_app, app_id)
    return SuccessFlag(success=True)


router = Router("/v1/apps", route_handlers=[list_apps, create_app, get_app, update_app, delete_app], tags=["apps"])
