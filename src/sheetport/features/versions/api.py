"""The route of versions."""

from __future__ import annotations

from litestar import Router, post
from litestar.params import JSONBody

from sheetport.features.versions import service
from sheetport.features.versions.schemas import NewVersionShape, VersionsPostRequestBody
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import Data


@post("/", status_code=200)
async def create_version(call: Caller, data: JSONBody[VersionsPostRequestBody | None] = None) -> Data[NewVersionShape]:
    wanted = data or VersionsPostRequestBody()
    version = await call.write(service.create_version, wanted.sheet_id, wanted.parent_version_id)
    return Data(data=NewVersionShape(version_id=version.id))


router = Router("/v1/versions", route_handlers=[create_version], tags=["versions"])
