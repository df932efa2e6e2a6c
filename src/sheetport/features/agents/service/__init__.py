"""What agents do, by file: ``deploying`` (new versions, going back, deleting), ``reading`` (lists of them, of their
versions and of what they did), ``holding`` (their roles), ``exporting`` (versions put up for download), ``pausing``
(and what they may call), ``bundles`` (programs as they are sent and kept), ``running`` (for the runtime, which tells
them of events)."""

from sheetport.features.agents.service.bundles import check_bundle, pack_export
from sheetport.features.agents.service.deploying import delete_agent, deploy_agent, revert_agent
from sheetport.features.agents.service.exporting import (
    delete_export,
    export_agent,
    get_export,
    get_export_bundle,
    list_exports,
)
from sheetport.features.agents.service.holding import assign_agent_role, list_agent_roles, remove_agent_role
from sheetport.features.agents.service.pausing import allow_host, pause_agent, refuse_host, resume_agent
from sheetport.features.agents.service.reading import (
    get_agent,
    get_event_log,
    get_state,
    list_agents,
    list_executions,
    list_versions,
)

__all__ = [
    "allow_host",
    "assign_agent_role",
    "check_bundle",
    "delete_agent",
    "delete_export",
    "deploy_agent",
    "export_agent",
    "get_agent",
    "get_event_log",
    "get_export",
    "get_export_bundle",
    "get_state",
    "list_agent_roles",
    "list_agents",
    "list_executions",
    "list_exports",
    "list_versions",
    "pack_export",
    "pause_agent",
    "refuse_host",
    "remove_agent_role",
    "resume_agent",
    "revert_agent",
]
