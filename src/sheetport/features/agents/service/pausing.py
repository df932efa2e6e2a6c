"""Having an agent stop for a while, and what it may call besides this server."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.accounts import service as accounts
from sheetport.features.agents import store
from sheetport.features.agents.model import MAX_HOSTS, Agent
from sheetport.features.agents.service.deploying import place_of
from sheetport.features.agents.service.holding import holder_of
from sheetport.features.alerts.service import raise_alert
from sheetport.features.audit import service as audit
from sheetport.features.egress.model import parse_target
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.roles import service as roles
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

ASKED = "somebody paused it"


async def pause_agent(uow: UnitOfWork, actor: Actor, agent_id: str) -> Agent:
    """Have an agent told of nothing until it is resumed; what comes meanwhile waits. Again changes nothing.

    Raises NotFound, Forbidden.
    """
    agent = await _locked(uow, actor, agent_id)
    if agent.paused_at is not None:
        return agent
    agent = await _pause(uow, actor, agent, ASKED)
    await audit.record(uow, actor, "agent:pause", agent.id, environment_id=agent.environment_id, slug=agent.slug)
    return agent


async def pause_for(uow: UnitOfWork, agent: Agent, because: str) -> None:
    """Pause an agent that cannot go on, and alert whoever is responsible. The server does so."""
    locked = await store.lock_agent(uow, agent.environment_id, agent.id)
    if locked is None or locked.paused_at is not None:
        return
    actor = system_actor(agent.account_id, agent.environment_id)
    await _pause(uow, actor, locked, because)
    await raise_alert(
        uow,
        actor,
        "agent:paused",
        agent.id,
        environment_id=agent.environment_id,
        name=agent.slug,
        because=because,
    )


async def resume_agent(uow: UnitOfWork, actor: Actor, agent_id: str) -> Agent:
    """Have a paused agent go on, with what it was not told meanwhile first. Again changes nothing.

    Raises NotFound, Forbidden.
    """
    agent = await _locked(uow, actor, agent_id)
    if agent.paused_at is None:
        return agent
    agent = replace(agent, paused_at=None, paused_because=None, updated_at=uow.now)
    await _save(uow, actor, agent)
    await audit.record(uow, actor, "agent:resume", agent.id, environment_id=agent.environment_id, slug=agent.slug)
    return agent


async def allow_host(uow: UnitOfWork, actor: Actor, agent_id: str, host: str) -> Agent:
    """Let an agent call a host besides this server. Raises Invalid, NotFound, Forbidden."""
    host = _host(host)
    agent = await _locked(uow, actor, agent_id)
    hosts = sorted({*agent.allowed_hosts, host})
    if len(hosts) > MAX_HOSTS:
        raise Invalid(f"An agent may call at most {MAX_HOSTS} hosts.", "host")
    return await _with_hosts(uow, actor, agent, hosts, "agent:allow-host", host)


async def refuse_host(uow: UnitOfWork, actor: Actor, agent_id: str, host: str) -> Agent:
    """Let an agent call a host no more. Raises Invalid, NotFound, Forbidden."""
    host = _host(host)
    agent = await _locked(uow, actor, agent_id)
    if host not in agent.allowed_hosts:
        raise NotFound(f"This agent was not allowed to call {host[:60]!r}.", "host")
    hosts = [each for each in agent.allowed_hosts if each != host]
    return await _with_hosts(uow, actor, agent, hosts, "agent:refuse-host", host)


async def _with_hosts(uow: UnitOfWork, actor: Actor, agent: Agent, hosts: list[str], action: str, host: str) -> Agent:
    agent = replace(agent, allowed_hosts=hosts, updated_at=uow.now)
    await _save(uow, actor, agent)
    await audit.record(uow, actor, action, agent.id, environment_id=agent.environment_id, host=host)
    return agent


async def _pause(uow: UnitOfWork, actor: Actor, agent: Agent, because: str) -> Agent:
    agent = replace(agent, paused_at=uow.now, paused_because=because, updated_at=uow.now)
    await _save(uow, actor, agent)
    return agent


async def _save(uow: UnitOfWork, actor: Actor, agent: Agent) -> None:
    await store.update_agent(uow, agent)
    await accounts.bump_generation(uow, agent.account_id)  # the process that runs the agent sees so
    payload = {"agentId": agent.id, "slug": agent.slug, "version": agent.version}
    await events.emit(uow, actor, "agent:updated", place_of(agent), payload)


async def _locked(uow: UnitOfWork, actor: Actor, agent_id: str) -> Agent:
    actor = require(actor, Permission.ENVIRONMENT_WRITE)
    place = await places.get_place(uow, actor, agent_id, "ag")
    agent = await store.lock_agent(uow, place.environment_id, place.id)
    if agent is None:
        raise places.not_found(agent_id, "ag")
    await roles.require_no_more(uow, actor, holder_of(agent))
    return agent


def _host(text: str) -> str:
    """``api.example.com`` or ``api.example.com:8443``, as it is stored. Raises Invalid."""
    name, colon, port = text.strip().rpartition(":")
    if not (colon and port.isascii() and port.isdigit() and 1 <= int(port) <= 65_535 and ":" not in name):
        name, colon, port = text, "", ""
    try:
        target = parse_target(name)
    except Invalid as error:
        raise Invalid(error.message, "host") from None
    if "/" in target:
        raise Invalid("host: name one host, such as api.example.com, not a network.", "host")
    return f"{target}{colon}{port}"
