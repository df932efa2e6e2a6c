"""Routes of agents. The command-line client asks for the list before it runs a listener on the developer's machine."""

from __future__ import annotations

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody

from sheetport.features.agents import service
from sheetport.features.roles.schemas import ActorRoleShape, AssignActorRole, to_actor_role
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Listed, Success, pagination_of
from sheetport.http.parameters import EnvironmentId, PageNumber, PageSize
from sheetport.kernel.paging import page_of


@get("/")
async def list_agents(
    call: Caller, environment_id: EnvironmentId = None, page_number: PageNumber = None, page_size: PageSize = None
) -> Listed[object]:
    paged = await call.read(service.list_agents, environment_id, page_of(page_number, page_size, 20))
    return Listed(data=paged.items, pagination=pagination_of(paged))


@get("/{agent_id:str}/roles")
async def list_agent_roles(call: Caller, agent_id: FromPath[str]) -> Data[list[ActorRoleShape]]:
    return Data(data=[to_actor_role(each) for each in await call.read(service.list_agent_roles, agent_id)])


@post("/{agent_id:str}/roles", status_code=200)
async def assign_agent_role(
    call: Caller, agent_id: FromPath[str], data: JSONBody[AssignActorRole]
) -> Data[ActorRoleShape]:
    given = await call.write(service.assign_agent_role, agent_id, data.role_id, data.resource_id)
    return Data(data=to_actor_role(given))


@delete("/{agent_id:str}/roles/{actor_role_id:str}", status_code=200)
async def remove_agent_role(call: Caller, agent_id: FromPath[str], actor_role_id: FromPath[str]) -> Success:
    await call.write(service.remove_agent_role, agent_id, actor_role_id)
    return OK


router = Router(
    "/v1/agents",
    route_handlers=[list_agents, list_agent_roles, assign_agent_role, remove_agent_role],
    tags=["agents"],
)
