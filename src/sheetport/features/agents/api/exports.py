"""Routes of exports. A job ``agent:agent-export`` makes one."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import Response, delete, get
from litestar.params import FromPath, QueryParameter

from sheetport.features.agents import service
from sheetport.features.agents.schemas import AgentExportShape, to_export
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Listed, Success, pagination_of
from sheetport.http.parameters import EnvironmentId, PageNumber, PageSize
from sheetport.kernel.paging import page_of

AgentId = Annotated[str | None, QueryParameter(name="agentId")]


@get("/")
async def list_exports(
    call: Caller,
    environment_id: EnvironmentId = None,
    agent_id: AgentId = None,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[AgentExportShape]:
    paged = await call.read(service.list_exports, environment_id, agent_id, page_of(page_number, page_size, 20))
    return Listed(data=[to_export(each) for each in paged.items], pagination=pagination_of(paged))


@get("/{agent_export_id:str}")
async def get_export(call: Caller, agent_export_id: FromPath[str]) -> Data[AgentExportShape]:
    return Data(data=to_export(await call.read(service.get_export, agent_export_id)))


@delete("/{agent_export_id:str}", status_code=200)
async def delete_export(call: Caller, agent_export_id: FromPath[str]) -> Success:
    await call.write(service.delete_export, agent_export_id)
    return OK


@get("/{agent_export_id:str}/download", media_type="application/octet-stream")
async def download_export(call: Caller, agent_export_id: FromPath[str]) -> Response[bytes]:
    bundle = await call.read(service.get_export_bundle, agent_export_id)
    packed = await asyncio.to_thread(service.pack_export, bundle)
    headers = {"Content-Disposition": f'attachment; filename="{agent_export_id[:60]}.tgz"'}
    return Response(packed, media_type="application/octet-stream", headers=headers)
