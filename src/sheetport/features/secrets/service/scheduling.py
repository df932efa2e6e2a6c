"""When a secret is to be rotated, and the reminders of it."""

from __future__ import annotations

from sheetport.features.alerts import service as alerts
from sheetport.features.audit import service as audit
from sheetport.features.places import service as places
from sheetport.features.secrets import store
from sheetport.features.secrets.model import Entry, Schedule
from sheetport.features.secrets.service import rules
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.clock import DAY, iso
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

#: The first reminder comes so long ahead, the second on the day.
AHEAD = 7 * DAY
#: So many at a time.
REMINDED = 100


async def set_schedule(uow: UnitOfWork, actor: Actor, secret_id: str, days: int | None) -> Schedule:
    """Have a secret rotated every ``days`` days from now, None for never: its users are reminded. Raises NotFound."""
    actor = require(actor, Permission.SECRET_WRITE)
    rules.check_text(secret_id, "secretId")
    rules.check_days(days)
    place = await places.get_place(uow, actor, secret_id, "sec")
    due = None if days is None else uow.now + days * DAY
    await store.set_schedule(uow, place.environment_id, secret_id, days, due)
    made = await store.find_schedule(uow, place.environment_id, secret_id)
    action, detail = "secret:schedule", {"name": made.name, "days": days}
    await audit.record(uow, actor, action, secret_id, environment_id=place.environment_id, **detail)
    return made


async def begin_again(uow: UnitOfWork, entry: Entry) -> None:
    """Count the days of a secret's schedule anew: it has another value."""
    environment_id = entry.scope.environment_id
    found = await store.find_schedule(uow, environment_id, entry.id)
    if found.days is not None:
        await store.set_schedule(uow, environment_id, entry.id, found.days, uow.now + found.days * DAY)


async def remind(uow: UnitOfWork) -> int:
    """Tell of some secrets that are due, or will be in a week; how many were looked at. Each is told by one process."""
    found = await store.list_due(uow, uow.now + AHEAD, REMINDED)
    for environment_id, schedule in found:
        if schedule.due_at is None or not await store.mark_reminded(uow, environment_id, schedule.secret_id):
            continue
        actor = system_actor("", environment_id)
        place = await places.find_place(uow, actor, schedule.secret_id)
        if place is None:
            continue
        await alerts.raise_alert(
            uow,
            actor,
            "secret:rotation-due",
            schedule.secret_id,
            account_id=place.account_id,
            environment_id=environment_id,
            name=schedule.name,
            dueAt=iso(schedule.due_at),
            days=schedule.days,
        )
    return len(found)
