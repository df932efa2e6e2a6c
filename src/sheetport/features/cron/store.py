"""SQL of ticks."""

from __future__ import annotations

from sqlalchemy import Insert, and_, bindparam, delete, or_, select
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.actions.model import Action
from sheetport.features.cron.model import Tick
from sheetport.features.places.model import Place
from sheetport.kernel.json import loads
from sheetport.storage.statements import statement
from sheetport.storage.tables.actions import actions
from sheetport.storage.tables.core import environments, places
from sheetport.storage.tables.cron import cron_followed, cron_rounds, cron_ticks
from sheetport.storage.tables.spaces import spaces
from sheetport.storage.unit_of_work import UnitOfWork

_BEGIN = statement(
    insert(cron_rounds).values(topic=bindparam("topic"), due_at=bindparam("due")).on_conflict_do_nothing()
)
_ROUNDS = statement(select(cron_rounds.c.topic, cron_rounds.c.due_at))
_ROUND = statement(select(cron_rounds.c.due_at).where(cron_rounds.c.topic == bindparam("topic")))


def _raise(made: Insert, column: str, keys: list[str]) -> Insert:
    """Write a row, or its moment if that is later than what is there; otherwise no row is touched."""
    before, after = made.table.c[column], made.excluded[column]  # type: ignore[attr-defined]  # a dialect's insert
    # Untyped for the same reason: a dialect's insert.
    raised: Insert = made.on_conflict_do_update(index_elements=keys, set_={column: after}, where=before < after)  # type: ignore[attr-defined]
    return raised


_END = statement(
    _raise(insert(cron_rounds).values(topic=bindparam("topic"), due_at=bindparam("due")), "due_at", ["topic"])
)
_CLAIM = statement(
    _raise(
        insert(cron_ticks).values({name: bindparam(name) for name in ("environment_id", "topic", "subject", "due_at")}),
        "due_at",
        ["environment_id", "topic", "subject"],
    )
)
_FORGET = statement(
    delete(cron_ticks).where(cron_ticks.c.topic == bindparam("topic"), cron_ticks.c.due_at < bindparam("due"))
)
_FOLLOW = statement(
    _raise(
        insert(cron_followed).values(environment_id=bindparam("environment"), seen_at=bindparam("at")),
        "seen_at",
        ["environment_id"],
    )
)
_FOLLOWED = statement(
    select(cron_followed.c.environment_id)
    .where(cron_followed.c.seen_at >= bindparam("since"))
    .order_by(cron_followed.c.environment_id)
)
_UNFOLLOW = statement(delete(cron_followed).where(cron_followed.c.seen_at < bindparam("before")))
_OWN = tuple(Action.__dataclass_fields__)
#: Of live spaces only; those of something deleted have a deleted place.
_SCHEDULED = statement(
    select(*(actions.c[name] for name in _OWN))
    .join(places, and_(places.c.environment_id == actions.c.environment_id, places.c.id == actions.c.id))
    .join(spaces, and_(spaces.c.environment_id == actions.c.environment_id, spaces.c.id == actions.c.space_id))
    .outerjoin(
        cron_ticks,
        and_(
            cron_ticks.c.environment_id == actions.c.environment_id,
            cron_ticks.c.topic == bindparam("topic"),
            cron_ticks.c.subject == actions.c.id,
        ),
    )
    .where(
        actions.c.schedule == bindparam("schedule"),
        actions.c.created_at < bindparam("due"),
        or_(cron_ticks.c.due_at.is_(None), cron_ticks.c.due_at < bindparam("due")),
        places.c.deleted_at.is_(None),
        spaces.c.archived_at.is_(None),
        spaces.c.expired_at.is_(None),
    )
    .order_by(actions.c.environment_id, actions.c.id)
    .limit(bindparam("most"))
)


async def begin_round(uow: UnitOfWork, tick: Tick) -> None:
    """Let the first round of a topic begin behind ``tick``, unless there was one."""
    await uow.execute(_BEGIN, {"topic": tick.cadence.value, "due": tick.due_at})


async def list_rounds(uow: UnitOfWork) -> dict[str, int]:
    """The tick of each topic that everybody has been told of."""
    return {row["topic"]: int(row["due_at"]) for row in await uow.fetch_all(_ROUNDS)}


async def is_over(uow: UnitOfWork, tick: Tick) -> bool:
    """Whether everybody has been told of ``tick``, or of a later one."""
    row = await uow.fetch_one(_ROUND, {"topic": tick.cadence.value})
    return row is not None and int(row["due_at"]) >= tick.due_at


async def end_round(uow: UnitOfWork, tick: Tick) -> None:
    named = {"topic": tick.cadence.value, "due": tick.due_at}
    await uow.execute(_END, named)
    await uow.execute(_FORGET, named)


async def claim_tick(uow: UnitOfWork, environment_id: str, subject: str, tick: Tick) -> bool:
    """Whether nobody has told ``subject`` of this tick or a later one; from the commit on somebody has."""
    row = {"environment_id": environment_id, "topic": tick.cadence.value, "subject": subject, "due_at": tick.due_at}
    return await uow.execute(_CLAIM, row) == 1


async def list_environments(uow: UnitOfWork, environment_ids: list[str]) -> list[Place]:
    """The live ones of these environments."""
    query = select(environments.c.id, environments.c.account_id).where(
        environments.c.id.in_(environment_ids), environments.c.deleted_at.is_(None)
    )
    rows = await uow.fetch_all(query.order_by(environments.c.id))
    return [Place(row["id"], row["id"], "env", row["account_id"]) for row in rows]


async def list_scheduled(uow: UnitOfWork, tick: Tick, most: int) -> list[Action]:
    """Some actions of the tick's schedule, older than it, whose jobs of this tick have not been made."""
    named = {"topic": tick.cadence.value, "schedule": tick.cadence.schedule, "due": tick.due_at, "most": most}
    rows = await uow.fetch_all(_SCHEDULED, named)
    return [Action(**{**{name: row[name] for name in _OWN}, "config": loads(row["config"])}) for row in rows]


async def note_followed(uow: UnitOfWork, environment_id: str) -> None:
    await uow.execute(_FOLLOW, {"environment": environment_id, "at": uow.now})


async def list_followed(uow: UnitOfWork, since: int) -> list[str]:
    return [row["environment_id"] for row in await uow.fetch_all(_FOLLOWED, {"since": since})]


async def forget_followed(uow: UnitOfWork, before: int) -> None:
    await uow.execute(_UNFOLLOW, {"before": before})
