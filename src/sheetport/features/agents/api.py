"""Routes of agents. The command-line client asks for the list before it runs a listener on the developer's machine."""

from __future__ import annotations

from litestar import Router, get

from sheetport.features.agents import service
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import Listed, pagination_of
from sheetport.http.parameters import EnvironmentId, PageNumber, PageSize
from sheetport.kernel.paging import page_of


@get("/")
async def list_agents(
    call: Caller, environment_id: EnvironmentId = None, page_number: PageNumber = None, page_size: PageSize = None
) -> Listed[object]:
    paged = await call.read(service.list_agents, environment_id, page_of(page_number, page_size, 20))
    return Listed(data=paged.items, pagination=pagination_of(paged))


router = Router("/v1/agents", route_handlers=[list_agents], tags=["agents"])
