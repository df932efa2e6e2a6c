"""The routers of this slice."""

from __future__ import annotations

from litestar import Router

from sheetport.features.agents.api import agents, executions, exports

router = Router(
    "/v1/agents",
    route_handlers=[
        *(agents.list_agents, agents.create_agent, agents.get_agent, agents.delete_agent),
        *(agents.list_versions, agents.revert_agent, agents.get_state, agents.pause_agent, agents.resume_agent),
        *(agents.allow_host, agents.refuse_host),
        *(agents.list_agent_roles, agents.assign_agent_role, agents.remove_agent_role),
        *(executions.list_executions, executions.list_logs, executions.get_log, executions.list_agent_logs),
    ],
    tags=["agents"],
)

exports_router = Router(
    "/v1/agent-exports",
    route_handlers=[exports.list_exports, exports.get_export, exports.delete_export, exports.download_export],
    tags=["agents"],
)
