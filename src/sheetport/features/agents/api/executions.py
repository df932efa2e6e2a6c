"""Routes of what agents did."""

from __future__ import annotations

from typing import Annotated

from litestar import get
from litestar.params import FromPath, QueryParameter

from sheetport.features.agents import service
from sheetport.features.agents.model import ExecutionFilter
from sheetport.features.agents.schemas import (
    AgentLogShape,
    DetailedAgentLogShape,
    ExecutionShape,
    to_detailed,
    to_execution,
    to_log,
)
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import Data, Listed, pagination_of
from sheetport.http.parameters import EnvironmentId, PageNumber, PageSize, SpaceId
from sheetport.kernel.paging import page_of

AgentId = Annotated[str | None, QueryParameter(name="agentId")]
Succeeded = Annotated[bool | None, QueryParameter(name="success", description="Only those that did, or did not.")]


@get("/executions")
async def list_executions(
    call: Caller,
    environment_id: EnvironmentId = None,
    agent_id: AgentId = None,
    space_id: SpaceId = None,
    success: Succeeded = None,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[ExecutionShape]:
    wanted = ExecutionFilter(environment_id or "", agent_id, space_id, success=success)
    paged = await call.read(service.list_executions, wanted, page_of(page_number, page_size, 20))
    return Listed(data=[to_execution(each) for each in paged.items], pagination=pagination_of(paged))


@get("/logs")
async def list_logs(
    call: Caller,
    environment_id: EnvironmentId = None,
    space_id: SpaceId = None,
    success: Succeeded = None,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[DetailedAgentLogShape]:
    wanted = ExecutionFilter(environment_id or "", space_id=space_id, success=success)
    paged = await call.read(service.list_executions, wanted, page_of(page_number, page_size, 20))
    return Listed(data=[to_detailed(each) for each in paged.items], pagination=pagination_of(paged))


@get("/log/{event_id:str}")
async def get_log(
    call: Caller, event_id: FromPath[str], environment_id: EnvironmentId = None
) -> Data[DetailedAgentLogShape]:
    return Data(data=to_detailed(await call.read(service.get_event_log, environment_id, event_id)))


@get("/{agent_id:str}/logs")
async def list_agent_logs(
    call: Caller,
    agent_id: FromPath[str],
    environment_id: EnvironmentId = None,
    space_id: SpaceId = None,
    success: Succeeded = None,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[AgentLogShape]:
    wanted = ExecutionFilter(environment_id or "", agent_id, space_id, success=success)
    paged = await call.read(service.list_executions, wanted, page_of(page_number, page_size, 20))
    return Listed(data=[to_log(each) for each in paged.items], pagination=pagination_of(paged))
