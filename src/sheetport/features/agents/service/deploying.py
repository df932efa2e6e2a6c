"""New agents and new versions of them, going back to a former version, and deleting."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.accounts import service as accounts
from sheetport.features.agents import store
from sheetport.features.agents.model import (
    DEFAULT_SLUG,
    MAX_TOPICS,
    MAX_WORD,
    Agent,
    AgentDraft,
    AgentVersion,
    Bundle,
    Suspect,
)
from sheetport.features.agents.service.holding import holder_of
from sheetport.features.agents.service.reading import find_own
from sheetport.features.agents.store import queue
from sheetport.features.audit import service as audit
from sheetport.features.auth import service as auth
from sheetport.features.auth.service.recognise import recognise
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.roles import service as roles
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import BuiltInRole, Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

#: Older ones are forgotten when there is a new one.
KEPT_VERSIONS = 50
_NAMESPACES = ("space:", "workbook:", "sheet:")


async def deploy_agent(
    uow: UnitOfWork, actor: Actor, environment_id: str | None, draft: AgentDraft
) -> tuple[Agent, Bundle]:
    """A new agent, or a new version of the one with this slug, which runs from now on instead of the old one.

    A new agent acts as an Administrator of its environment, until its roles are changed; so only who may do as much
    deploys one. Raises NotFound, Forbidden, and Invalid, also for a bundle that holds a live token of this server.
    """
    actor = require(actor, Permission.ENVIRONMENT_WRITE)
    environment_id = environment_id or actor.environment_id
    if not environment_id:
        raise Invalid("environmentId is required: say where the agent shall run.", "environmentId")
    place = await places.get_place(uow, actor, environment_id, "env")
    slug = _word("slug", draft.slug) if draft.slug is not None else DEFAULT_SLUG
    _refuse_bad(draft)
    await _refuse_live_tokens(uow, draft.suspects)
    await store.lock_environment(uow, environment_id)
    known = await store.lock_slug(uow, environment_id, slug)
    if known is None:
        agent = await _create(uow, actor, place, slug, draft)
    else:
        await roles.require_no_more(uow, actor, holder_of(known))
        agent = await _change(uow, actor, known, draft)
    await _keep(uow, agent, actor, draft.bundle, agent.version)
    await _tell(uow, actor, agent, "updated" if known else "created")
    return agent, draft.bundle


async def revert_agent(uow: UnitOfWork, actor: Actor, agent_id: str, version_id: str) -> AgentVersion:
    """Make a copy of a former version the newest one. Raises NotFound, Forbidden."""
    actor = require(actor, Permission.ENVIRONMENT_WRITE)
    agent = await _locked(uow, actor, agent_id)
    former = await store.find_version(uow, agent, version_id)
    bundle = await store.find_bundle(uow, agent.environment_id, version_id)
    if former is None or bundle is None:
        raise NotFound(f"This agent has no version {version_id[:60]!r} any more.", "agentVersionId")
    said = {name: getattr(former, name) for name in ("topics", "namespace", "compiler", "config")}
    agent = await _change(uow, actor, agent, AgentDraft(bundle=bundle, **said))
    version = await _keep(uow, agent, actor, bundle, former.origin)
    await _tell(uow, actor, agent, "updated")
    return version


async def delete_agent(uow: UnitOfWork, actor: Actor, agent_id: str, environment_id: str | None = None) -> None:
    """Delete an agent: it stops at once, and its token is refused. Raises NotFound, Forbidden."""
    actor = require(actor, Permission.ENVIRONMENT_WRITE)
    await find_own(uow, actor, agent_id, environment_id)
    agent = await _locked(uow, actor, agent_id)
    await _tell(uow, actor, agent, "deleted")
    await _end_token(uow, actor, agent)
    await roles.remove_all_roles(uow, holder_of(agent))
    await queue.close_feed(uow, agent)
    await store.update_agent(uow, replace(agent, deleted_at=uow.now, updated_at=uow.now, token_id=None))
    await places.delete_place(uow, place_of(agent))


def place_of(agent: Agent) -> Place:
    """Where an agent lies itself."""
    return Place(agent.environment_id, agent.id, "ag", agent.account_id, slug=agent.slug)


async def _locked(uow: UnitOfWork, actor: Actor, agent_id: str) -> Agent:
    """The agent, locked, if the caller may do all that it may."""
    place = await places.get_place(uow, actor, agent_id, "ag")
    agent = await store.lock_agent(uow, place.environment_id, place.id)
    if agent is None:
        raise places.not_found(agent_id, "ag")
    await roles.require_no_more(uow, actor, holder_of(agent))
    return agent


async def _create(uow: UnitOfWork, actor: Actor, place: Place, slug: str, draft: AgentDraft) -> Agent:
    environment_id = place.environment_id
    agent = Agent(
        id=new_id("ag", environment_id),
        environment_id=environment_id,
        account_id=place.account_id,
        slug=slug,
        version_id=new_id("agv", environment_id),
        version=1,
        topics=draft.topics,
        namespace=draft.namespace,
        compiler=draft.compiler,
        config=draft.config,
        allowed_hosts=[],
        created_by=actor.id,
        created_at=uow.now,
        updated_at=uow.now,
    )
    await store.insert_agent(uow, agent)
    await places.add_place(uow, place_of(agent))
    await queue.open_feed(uow, agent, await events.find_newest_position(uow, environment_id))
    await roles.assign_built_in(uow, actor, holder_of(agent), BuiltInRole.ADMINISTRATOR, environment_id)
    return agent


async def _change(uow: UnitOfWork, actor: Actor, known: Agent, draft: AgentDraft) -> Agent:
    """The next version of a locked agent; the token of the version before ends."""
    await _end_token(uow, actor, known)
    agent = replace(
        known,
        version_id=new_id("agv", known.environment_id),
        version=known.version + 1,
        topics=draft.topics,
        namespace=draft.namespace,
        compiler=draft.compiler,
        config=draft.config,
        token_id=None,
        updated_at=uow.now,
    )
    await store.update_agent(uow, agent)
    return agent


async def _end_token(uow: UnitOfWork, actor: Actor, agent: Agent) -> None:
    """Refuse the agent's token from now on, and have the process that runs the agent see so."""
    if agent.token_id is not None:
        await auth.revoke_credential(uow, actor, agent.token_id)
    await accounts.bump_generation(uow, agent.account_id)


async def _keep(uow: UnitOfWork, agent: Agent, actor: Actor, bundle: Bundle, origin: int) -> AgentVersion:
    said = {name: getattr(agent, name) for name in ("topics", "namespace", "compiler", "config")}
    version = AgentVersion(
        id=agent.version_id,
        environment_id=agent.environment_id,
        agent_id=agent.id,
        version=agent.version,
        origin=origin,
        created_by=actor.id,
        created_at=uow.now,
        **said,
    )
    await store.insert_version(uow, version, bundle)
    await store.trim_versions(uow, agent, agent.version - KEPT_VERSIONS)
    return version


async def _tell(uow: UnitOfWork, actor: Actor, agent: Agent, verb: str) -> None:
    payload = {"agentId": agent.id, "slug": agent.slug, "version": agent.version}
    await events.emit(uow, actor, f"agent:{verb}", place_of(agent), payload)
    action = {"created": "agent:create", "updated": "agent:update", "deleted": "agent:delete"}[verb]
    facts = {"slug": agent.slug, "version": agent.version}
    await audit.record(uow, actor, action, agent.id, environment_id=agent.environment_id, **facts)


async def _refuse_live_tokens(uow: UnitOfWork, suspects: tuple[Suspect, ...]) -> None:
    for each in suspects:
        known = await recognise(uow, each.token)
        if known is not None and known.lives:
            raise Invalid(
                f"source: {each.place}, line {each.line}, holds a live {each.kind} of this server ({each.masked})."
                " Revoke it, keep its successor as a secret, and read that with event.secrets.",
                "source",
            )


def _refuse_bad(draft: AgentDraft) -> None:
    if draft.config.get("template") is not None:
        raise Invalid("template: this server has no templates for agents; deploy a program of your own.", "template")
    topics = draft.topics or []
    if len(topics) > MAX_TOPICS:
        raise Invalid(f"topics takes at most {MAX_TOPICS}; '**' is all of them.", "topics")
    for topic in topics:
        _word("topics", topic)
    if draft.namespace is not None and not _word("namespace", draft.namespace).startswith(_NAMESPACES):
        raise Invalid(f"namespace must begin with one of {', '.join(_NAMESPACES)}", "namespace")


def _word(key: str, text: str) -> str:
    if not 1 <= len(text.strip()) <= MAX_WORD or not text.isprintable():
        raise Invalid(f"{key} takes words of 1 to {MAX_WORD} printable characters.", key)
    return text.strip()
