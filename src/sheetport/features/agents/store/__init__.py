"""SQL of agents and their versions; ``queue`` has that of what they are to be told, ``executions`` of how it went."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, delete, func, insert, or_, select, update

from sheetport.features.agents.model import Agent, AgentExport, AgentVersion, Bundle
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.paging import Page
from sheetport.storage.statements import statement
from sheetport.storage.tables.agents import agent_exports, agent_versions, agents
from sheetport.storage.tables.core import environments, places
from sheetport.storage.unit_of_work import Row, UnitOfWork

_AGENT, _VERSION, _EXPORT = (tuple(each.__dataclass_fields__) for each in (Agent, AgentVersion, AgentExport))
_JSON = ("topics", "config", "allowed_hosts")
_FIXED = frozenset({"id", "environment_id", "account_id", "created_at", "created_by"})
_CHANGED = tuple(name for name in _AGENT if name not in _FIXED)
_OWN = and_(agents.c.environment_id == bindparam("environment"), agents.c.id == bindparam("agent"))
#: An agent goes with its environment: its place says so.
_LIVE = and_(
    agents.c.deleted_at.is_(None),
    agents.c.environment_id == places.c.environment_id,
    agents.c.id == places.c.id,
    places.c.deleted_at.is_(None),
)
_COLUMNS = [agents.c[name] for name in _AGENT]

_INSERT = statement(insert(agents).values({name: bindparam(name) for name in _AGENT}))
_UPDATE = statement(update(agents).where(_OWN).values({name: bindparam(f"new_{name}") for name in _CHANGED}))
_LOCK = statement(select(*_COLUMNS).where(_LIVE, _OWN).with_for_update(of=agents))
_FIND = statement(select(*_COLUMNS).where(_LIVE, _OWN))
_BY_SLUG = statement(
    select(*_COLUMNS)
    .where(_LIVE, agents.c.environment_id == bindparam("environment"), agents.c.slug == bindparam("slug"))
    .with_for_update(of=agents)
)
#: Two who deploy at once wait for each other here.
_LOCK_ENVIRONMENT = statement(
    select(environments.c.id).where(environments.c.id == bindparam("environment")).with_for_update()
)
_ALL = statement(select(*_COLUMNS).where(_LIVE).order_by(agents.c.environment_id, agents.c.id))

_VERSION_COLUMNS = [agent_versions.c[name] for name in _VERSION]
_OF_AGENT = and_(
    agent_versions.c.environment_id == bindparam("environment"), agent_versions.c.agent_id == bindparam("agent")
)
_INSERT_VERSION = statement(
    insert(agent_versions).values({name: bindparam(name) for name in (*_VERSION, "source", "source_map")})
)
_VERSIONS = statement(select(*_VERSION_COLUMNS).where(_OF_AGENT).order_by(agent_versions.c.version.desc()))
_FIND_VERSION = statement(select(*_VERSION_COLUMNS).where(_OF_AGENT, agent_versions.c.id == bindparam("version")))
_BUNDLE = statement(
    select(agent_versions.c.source, agent_versions.c.source_map).where(
        agent_versions.c.environment_id == bindparam("environment"), agent_versions.c.id == bindparam("version")
    )
)
#: Of old versions only the newest are kept.
_TRIM = statement(delete(agent_versions).where(_OF_AGENT, agent_versions.c.version <= bindparam("last")))

_EXPORT_COLUMNS = [agent_exports.c[name] for name in _EXPORT]
_OWN_EXPORT = agent_exports.c.id == bindparam("export")
_INSERT_EXPORT = statement(insert(agent_exports).values({name: bindparam(name) for name in _EXPORT}))
_FIND_EXPORT = statement(select(*_EXPORT_COLUMNS).where(_OWN_EXPORT))
_DELETE_EXPORT = statement(
    delete(agent_exports).where(agent_exports.c.environment_id == bindparam("environment"), _OWN_EXPORT)
)


def _values(row: Row, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: loads(row[name] or "null") if name in _JSON else row[name] for name in names}


def _row(thing: Any, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(thing, name) for name in names}
    return {name: _text(value) if name in _JSON else value for name, value in values.items()}


def _text(value: Any) -> str | None:
    return None if value is None else dumps(value)


def _agent(row: Row | None) -> Agent | None:
    return None if row is None else Agent(**_values(row, _AGENT))


async def lock_environment(uow: UnitOfWork, environment_id: str) -> None:
    """Have others who deploy to it wait until this unit of work ends."""
    await uow.fetch_one(_LOCK_ENVIRONMENT, {"environment": environment_id})


async def insert_agent(uow: UnitOfWork, agent: Agent) -> None:
    await uow.execute(_INSERT, _row(agent, _AGENT))


async def update_agent(uow: UnitOfWork, agent: Agent) -> None:
    named = {f"new_{name}": value for name, value in _row(agent, _CHANGED).items()}
    await uow.execute(_UPDATE, {"environment": agent.environment_id, "agent": agent.id, **named})


async def find_agent(uow: UnitOfWork, environment_id: str, agent_id: str) -> Agent | None:
    return _agent(await uow.fetch_one(_FIND, {"environment": environment_id, "agent": agent_id}))


async def lock_agent(uow: UnitOfWork, environment_id: str, agent_id: str) -> Agent | None:
    """The agent as it is now and stays until this unit of work ends."""
    return _agent(await uow.fetch_one(_LOCK, {"environment": environment_id, "agent": agent_id}))


async def lock_slug(uow: UnitOfWork, environment_id: str, slug: str) -> Agent | None:
    return _agent(await uow.fetch_one(_BY_SLUG, {"environment": environment_id, "slug": slug}))


async def list_all(uow: UnitOfWork) -> list[Agent]:
    """Every live agent of every environment."""
    return [Agent(**_values(row, _AGENT)) for row in await uow.fetch_all(_ALL)]


async def list_agents(uow: UnitOfWork, environment_id: str, search: str | None, page: Page) -> tuple[list[Agent], int]:
    """A page of an environment's agents, oldest first, and how many there are."""
    where: list[ColumnElement[bool]] = [_LIVE, agents.c.environment_id == environment_id]
    if search:
        words = search.lower()
        where.append(
            or_(
                func.lower(agents.c.slug).contains(words, autoescape=True),
                func.lower(agents.c.id).contains(words, autoescape=True),
            )
        )
    query = select(*_COLUMNS).where(*where).order_by(agents.c.created_at, agents.c.id)
    rows = await uow.fetch_all(query.limit(page.size).offset(page.offset))
    total = await uow.fetch_one(select(func.count().label("total")).where(*where))
    return [Agent(**_values(row, _AGENT)) for row in rows], int(total["total"]) if total else 0


async def insert_version(uow: UnitOfWork, version: AgentVersion, bundle: Bundle) -> None:
    more = {"source": bundle.source, "source_map": bundle.source_map}
    await uow.execute(_INSERT_VERSION, _row(version, _VERSION) | more)


async def trim_versions(uow: UnitOfWork, agent: Agent, last: int) -> None:
    """Forget the versions of an agent up to number ``last``."""
    await uow.execute(_TRIM, {"environment": agent.environment_id, "agent": agent.id, "last": last})


async def list_versions(uow: UnitOfWork, agent: Agent) -> list[AgentVersion]:
    """The versions of an agent, newest first."""
    rows = await uow.fetch_all(_VERSIONS, {"environment": agent.environment_id, "agent": agent.id})
    return [AgentVersion(**_values(row, _VERSION)) for row in rows]


async def find_version(uow: UnitOfWork, agent: Agent, version_id: str) -> AgentVersion | None:
    named = {"environment": agent.environment_id, "agent": agent.id, "version": version_id}
    row = await uow.fetch_one(_FIND_VERSION, named)
    return None if row is None else AgentVersion(**_values(row, _VERSION))


async def find_bundle(uow: UnitOfWork, environment_id: str, version_id: str) -> Bundle | None:
    row = await uow.fetch_one(_BUNDLE, {"environment": environment_id, "version": version_id})
    if row is None:
        return None
    return Bundle(bytes(row["source"]), None if row["source_map"] is None else bytes(row["source_map"]))


async def insert_export(uow: UnitOfWork, export: AgentExport) -> None:
    await uow.execute(_INSERT_EXPORT, _row(export, _EXPORT))


async def find_export(uow: UnitOfWork, export_id: str) -> AgentExport | None:
    row = await uow.fetch_one(_FIND_EXPORT, {"export": export_id})
    return None if row is None else AgentExport(**_values(row, _EXPORT))


async def delete_export(uow: UnitOfWork, export: AgentExport) -> None:
    await uow.execute(_DELETE_EXPORT, {"environment": export.environment_id, "export": export.id})


async def list_exports(
    uow: UnitOfWork, environment_id: str, agent_id: str | None, page: Page
) -> tuple[list[AgentExport], int]:
    """A page of an environment's exports, oldest first, and how many there are."""
    where = [agent_exports.c.environment_id == environment_id]
    if agent_id is not None:
        where.append(agent_exports.c.agent_id == agent_id)
    query = select(*_EXPORT_COLUMNS).where(*where).order_by(agent_exports.c.created_at, agent_exports.c.id)
    rows = await uow.fetch_all(query.limit(page.size).offset(page.offset))
    total = await uow.fetch_one(select(func.count().label("total")).select_from(agent_exports).where(*where))
    return [AgentExport(**_values(row, _EXPORT)) for row in rows], int(total["total"]) if total else 0
