"""Versions of agents put up for download. A job asks for it and is done in the transaction that makes it."""

from __future__ import annotations

from typing import Any

from sheetport.features.agents import store
from sheetport.features.agents.model import AgentExport, Bundle, ExportType
from sheetport.features.agents.service.reading import find_own
from sheetport.features.audit import service as audit
from sheetport.features.jobs.model import Job
from sheetport.features.places import service as places
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.kernel.ids import new_id
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def export_agent(uow: UnitOfWork, actor: Actor, job: Job) -> dict[str, Any]:
    """Put the newest version of the job's source up for download; the job's outcome, which says where.

    Raises NotFound, Forbidden, Invalid.
    """
    actor = require(actor, Permission.ENVIRONMENT_WRITE)
    agent = await find_own(uow, actor, job.source, job.environment_id)
    wanted = job.config.get("exportType") if isinstance(job.config, dict) else None
    if wanted not in {None, *ExportType}:
        raise Invalid(f"config: exportType must be one of {', '.join(ExportType)}.", "config")
    export = AgentExport(
        id=new_id("agx", agent.environment_id),
        environment_id=agent.environment_id,
        account_id=agent.account_id,
        agent_id=agent.id,
        version_id=agent.version_id,
        export_type=wanted or ExportType.SOURCE.value,
        created_at=uow.now,
    )
    await store.insert_export(uow, export)
    await audit.record(uow, actor, "agent:export", agent.id, environment_id=agent.environment_id, export=export.id)
    url = f"/v1/agent-exports/{export.id}/download"
    return {
        "message": f"Version {agent.version} of agent {agent.slug} can be downloaded.",
        "next": {"type": "download", "url": url, "fileName": f"{agent.slug}.tgz"},
    }


async def list_exports(
    uow: UnitOfWork, actor: Actor, environment_id: str | None, agent_id: str | None, page: Page
) -> Paged[AgentExport]:
    """The exports of an environment, oldest first. Raises Invalid without an environment or an agent, and NotFound."""
    actor = require(actor, Permission.ENVIRONMENT_READ)
    if agent_id is not None:
        environment_id = (await find_own(uow, actor, agent_id, environment_id)).environment_id
    environment_id = environment_id or actor.environment_id
    if not environment_id:
        raise Invalid("environmentId is required: say whose exports to list.", "environmentId")
    await places.get_place(uow, actor, environment_id, "env")
    found, total = await store.list_exports(uow, environment_id, agent_id, page)
    return Paged(found, page, total)


async def get_export(uow: UnitOfWork, actor: Actor, export_id: str) -> AgentExport:
    """One export. Raises NotFound."""
    actor = require(actor, Permission.ENVIRONMENT_READ)
    return await _own(uow, actor, export_id)


async def get_export_bundle(uow: UnitOfWork, actor: Actor, export_id: str) -> Bundle:
    """What an export holds. Raises NotFound, Forbidden."""
    actor = require(actor, Permission.ENVIRONMENT_WRITE)
    export = await _own(uow, actor, export_id)
    bundle = await store.find_bundle(uow, export.environment_id, export.version_id)
    if bundle is None:
        raise NotFound("The version that was exported is kept no more; export the agent anew.", "agentExportId")
    return bundle


async def delete_export(uow: UnitOfWork, actor: Actor, export_id: str) -> None:
    """Put an export up for download no more. Raises NotFound, Forbidden."""
    actor = require(actor, Permission.ENVIRONMENT_WRITE)
    export = await _own(uow, actor, export_id)
    await store.delete_export(uow, export)
    named = {"environment_id": export.environment_id, "export": export.id}
    await audit.record(uow, actor, "agent:delete-export", export.agent_id, **named)


async def _own(uow: UnitOfWork, actor: Actor, export_id: str) -> AgentExport:
    export = await store.find_export(uow, export_id)
    place = None if export is None else await places.find_place(uow, actor, export.agent_id)
    if export is None or place is None:
        raise NotFound(f"There is no export {export_id[:60]!r} that this token can reach.", "agentExportId")
    return export
