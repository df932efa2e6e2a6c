"""How event rows are written and numbered; the same statements on both databases."""

from __future__ import annotations

from sqlalchemy import bindparam, func, insert, select, update

from sheetport.storage.statements import statement
from sheetport.storage.tables.events import event_heads, events

COLUMNS = tuple(column.name for column in events.columns if column.name not in {"position", "seq"})

#: Takes the next ``count`` positions of an environment and locks it until the commit.
ADVANCE_HEAD = statement(
    update(event_heads)
    .where(event_heads.c.environment_id == bindparam("environment"))
    .values(position=event_heads.c.position + bindparam("count"))
    .returning(event_heads.c.position)
)
INSERT_NUMBERED = statement(insert(events).values({name: bindparam(name) for name in (*COLUMNS, "position", "seq")}))
INSERT_UNNUMBERED = statement(insert(events).values({name: bindparam(name) for name in COLUMNS}))
UNNUMBERED = statement(
    select(events.c.id)
    .where(events.c.environment_id == bindparam("environment"), events.c.position.is_(None))
    .order_by(events.c.seq)
)
UNNUMBERED_ENVIRONMENTS = statement(select(events.c.environment_id).where(events.c.position.is_(None)).distinct())
#: How many committed events have no position yet, and when the oldest of them was written.
OUTBOX = statement(
    select(func.count().label("waiting"), func.min(events.c.created_at).label("oldest")).where(
        events.c.position.is_(None)
    )
)
NUMBER = statement(
    update(events)
    .where(events.c.environment_id == bindparam("environment"), events.c.id == bindparam("event"))
    .values(position=bindparam("given"))
)
