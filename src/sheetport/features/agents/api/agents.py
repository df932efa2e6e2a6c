"""Routes of agents. The command-line client asks for the list before it runs a listener on the developer's machine."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter

from sheetport.features.agents import service
from sheetport.features.agents.schemas import (
    AgentConfig,
    AgentShape,
    AgentState,
    AgentVersionShape,
    HostConfig,
    to_draft,
    to_shape,
    to_state,
    to_version,
)
from sheetport.features.roles.schemas import ActorRoleShape, AssignActorRole, to_actor_role
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Listed, Success, pagination_of
from sheetport.http.parameters import EnvironmentId, PageNumber, PageSize
from sheetport.kernel.paging import page_of

Search = Annotated[str | None, QueryParameter(name="search", description="Only those whose slug or id holds this.")]
IsSystem = Annotated[bool | None, QueryParameter(name="isSystem", description="Only the server's own: there are none.")]


@get("/")
async def list_agents(
    call: Caller,
    environment_id: EnvironmentId = None,
    is_system: IsSystem = None,
    search: Search = None,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[AgentShape]:
    paged = await call.read(
        service.list_agents, environment_id, page_of(page_number, page_size, 20), search, is_system=bool(is_system)
    )
    return Listed(data=[to_shape(each) for each in paged.items], pagination=pagination_of(paged))


@post("/", status_code=200)
async def create_agent(
    call: Caller, data: JSONBody[AgentConfig], environment_id: EnvironmentId = None
) -> Data[AgentShape]:
    checked = await asyncio.to_thread(service.check_bundle, data.source, data.source_map, data.compiler)
    agent, bundle = await call.write_much(service.deploy_agent, environment_id, to_draft(data, *checked))
    return Data(data=await asyncio.to_thread(to_shape, agent, bundle))


@get("/{agent_id:str}")
async def get_agent(call: Caller, agent_id: FromPath[str], environment_id: EnvironmentId = None) -> Data[AgentShape]:
    found = await call.read(service.get_agent, agent_id, environment_id)
    return Data(data=await asyncio.to_thread(to_shape, *found))


@delete("/{agent_id:str}", status_code=200)
async def delete_agent(call: Caller, agent_id: FromPath[str], environment_id: EnvironmentId = None) -> Success:
    await call.write(service.delete_agent, agent_id, environment_id)
    return OK


@get("/{agent_id:str}/versions")
async def list_versions(call: Caller, agent_id: FromPath[str]) -> Data[list[AgentVersionShape]]:
    return Data(data=[to_version(each) for each in await call.read(service.list_versions, agent_id)])


@get("/{agent_id:str}/versions/{agent_version_id:str}/revert")
async def revert_agent(
    call: Caller, agent_id: FromPath[str], agent_version_id: FromPath[str]
) -> Data[AgentVersionShape]:
    return Data(data=to_version(await call.write_much(service.revert_agent, agent_id, agent_version_id)))


@get("/{agent_id:str}/state")
async def get_state(call: Caller, agent_id: FromPath[str]) -> Data[AgentState]:
    return Data(data=to_state(*await call.read(service.get_state, agent_id)))


@post("/{agent_id:str}/pause", status_code=200)
async def pause_agent(call: Caller, agent_id: FromPath[str]) -> Data[AgentState]:
    await call.write(service.pause_agent, agent_id)
    return Data(data=to_state(*await call.read(service.get_state, agent_id)))


@post("/{agent_id:str}/resume", status_code=200)
async def resume_agent(call: Caller, agent_id: FromPath[str]) -> Data[AgentState]:
    await call.write(service.resume_agent, agent_id)
    return Data(data=to_state(*await call.read(service.get_state, agent_id)))


@post("/{agent_id:str}/hosts", status_code=200)
async def allow_host(call: Caller, agent_id: FromPath[str], data: JSONBody[HostConfig]) -> Data[AgentState]:
    await call.write(service.allow_host, agent_id, data.host)
    return Data(data=to_state(*await call.read(service.get_state, agent_id)))


@delete("/{agent_id:str}/hosts/{host:str}", status_code=200)
async def refuse_host(call: Caller, agent_id: FromPath[str], host: FromPath[str]) -> Data[AgentState]:
    await call.write(service.refuse_host, agent_id, host)
    return Data(data=to_state(*await call.read(service.get_state, agent_id)))


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
