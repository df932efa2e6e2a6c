"""SQL of what agents are to be told, how far the log was looked through for them, and who runs them."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update

from sheetport.features.agents.model import Agent, Waiting
from sheetport.storage.statements import statement
from sheetport.storage.tables.agents import agent_feeds, agent_queue
from sheetport.storage.unit_of_work import UnitOfWork

_FIELDS = tuple(Waiting.__dataclass_fields__)
_OWN = and_(agent_queue.c.environment_id == bindparam("environment"), agent_queue.c.agent_id == bindparam("agent"))
_OWN_EVENT = and_(_OWN, agent_queue.c.event_id == bindparam("event"))
_FEED = and_(agent_feeds.c.environment_id == bindparam("environment"), agent_feeds.c.agent_id == bindparam("agent"))

_INSERT_FEED = statement(
    insert(agent_feeds).values(
        environment_id=bindparam("environment"), agent_id=bindparam("agent"), position=bindparam("position")
    )
)
_DELETE_FEED, _DELETE_QUEUE = statement(delete(agent_feeds).where(_FEED)), statement(delete(agent_queue).where(_OWN))
_POSITION = statement(select(agent_feeds.c.position).where(_FEED, agent_feeds.c.leased_by == bindparam("process")))
_MOVE = statement(
    update(agent_feeds)
    .where(_FEED, agent_feeds.c.leased_by == bindparam("process"))
    .values(position=bindparam("new_position"))
)
_LEASE = statement(
    update(agent_feeds)
    .where(
        _FEED,
        or_(
            agent_feeds.c.leased_by == bindparam("process"),
            agent_feeds.c.leased_until.is_(None),
            agent_feeds.c.leased_until < bindparam("now"),
        ),
    )
    .values(leased_by=bindparam("new_process"), leased_until=bindparam("new_until"))
)
_RELEASE = statement(
    update(agent_feeds)
    .where(_FEED, agent_feeds.c.leased_by == bindparam("process"))
    .values(leased_by=None, leased_until=None)
)
_RELEASE_ALL = statement(update(agent_feeds).values(leased_by=None, leased_until=None))

_INSERT = statement(
    insert(agent_queue).values(
        {name: bindparam(name) for name in _FIELDS}
        | {"environment_id": bindparam("environment"), "agent_id": bindparam("agent")}
    )
)
_LIST = statement(select(*(agent_queue.c[name] for name in _FIELDS)).where(_OWN).order_by(agent_queue.c.position))
_COUNT = statement(select(func.count().label("total")).select_from(agent_queue).where(_OWN))
_DELETE = statement(delete(agent_queue).where(_OWN_EVENT))
_POSTPONE = statement(
    update(agent_queue).where(_OWN_EVENT).values(attempts=bindparam("new_attempts"), due_at=bindparam("new_due_at"))
)


def _names(agent: Agent) -> dict[str, str]:
    return {"environment": agent.environment_id, "agent": agent.id}


async def open_feed(uow: UnitOfWork, agent: Agent, position: int) -> None:
    """Have an agent told of what comes behind a position of its environment's log."""
    await uow.execute(_INSERT_FEED, {**_names(agent), "position": position})


async def close_feed(uow: UnitOfWork, agent: Agent) -> None:
    """Forget all that an agent was still to be told."""
    await uow.execute(_DELETE_FEED, _names(agent))
    await uow.execute(_DELETE_QUEUE, _names(agent))


async def find_position(uow: UnitOfWork, agent: Agent, process: str) -> int | None:
    """How far the log was looked through; None unless ``process`` runs the agent."""
    row = await uow.fetch_one(_POSITION, {**_names(agent), "process": process})
    return None if row is None else int(row["position"])


async def move_feed(uow: UnitOfWork, agent: Agent, process: str, position: int) -> bool:
    """Whether ``process`` runs the agent, whose log has then been looked through up to ``position``."""
    return await uow.execute(_MOVE, {**_names(agent), "process": process, "new_position": position}) > 0


async def lease(uow: UnitOfWork, agent: Agent, process: str, until: int) -> bool:
    """Whether ``process`` runs the agent from now on, until a moment, since no other does."""
    named = {"process": process, "now": uow.now, "new_process": process, "new_until": until}
    return await uow.execute(_LEASE, {**_names(agent), **named}) > 0


async def release(uow: UnitOfWork, agent: Agent, process: str) -> None:
    await uow.execute(_RELEASE, {**_names(agent), "process": process})


async def release_all(uow: UnitOfWork) -> None:
    await uow.execute(_RELEASE_ALL)


async def insert_waiting(uow: UnitOfWork, agent: Agent, waiting: list[Waiting]) -> None:
    await uow.execute_many(_INSERT, [asdict(each) | _names(agent) for each in waiting])


async def list_waiting(uow: UnitOfWork, agent: Agent) -> list[Waiting]:
    """What an agent is still to be told, in the log's order."""
    return [Waiting(**{name: row[name] for name in _FIELDS}) for row in await uow.fetch_all(_LIST, _names(agent))]


async def count_waiting(uow: UnitOfWork, agent: Agent) -> int:
    """How many events an agent is still to be told."""
    row = await uow.fetch_one(_COUNT, _names(agent))
    return int(row["total"]) if row else 0


async def delete_waiting(uow: UnitOfWork, agent: Agent, event_id: str) -> None:
    await uow.execute(_DELETE, {**_names(agent), "event": event_id})


async def postpone(uow: UnitOfWork, agent: Agent, event_id: str, attempts: int, due_at: int) -> None:
    named = {"event": event_id, "new_attempts": attempts, "new_due_at": due_at}
    await uow.execute(_POSTPONE, {**_names(agent), **named})
