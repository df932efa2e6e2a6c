"""What the server looks for by itself: credentials that end soon, have ended, or are not used. Each is told once."""

from __future__ import annotations

from typing import Any

from sheetport.features.alerts import service as alerts
from sheetport.features.auth import store
from sheetport.features.auth.model import IDLE, Credential
from sheetport.features.auth.store import reports
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import DAY, iso, iso_or_none
from sheetport.storage.unit_of_work import Row, UnitOfWork

#: As many are told of in one turn: a turn of the writer is short.
BATCH = 50
CHORE = "auth.watch"


async def watch_credentials(uow: UnitOfWork) -> bool:
    """Tell of a batch; whether there may be more. Nothing is done while another process does it."""
    if not await uow.claim(CHORE):
        return False
    ending = await reports.list_ending(uow, BATCH)
    for row in ending:
        await _tell_of_end(uow, row)
    idle = await reports.list_idle(uow, uow.now - IDLE, BATCH)
    for row in idle:
        credential = store.credential_of(row)
        await reports.set_told_idle(uow, credential.id)
        await _tell(uow, "api-key:idle", credential, lastUsedAt=iso_or_none(credential.last_used_at))
    return BATCH in {len(ending), len(idle)}


async def _tell_of_end(uow: UnitOfWork, row: Row) -> None:
    credential = store.credential_of(row)
    end = credential.expires_at or 0
    days = min(stage for stage in reports.STAGES if end <= uow.now + stage * DAY)
    await reports.set_told(uow, credential.id, days)
    if end - credential.created_at <= days * DAY:
        return  # it was made to live no longer than that
    topic = "api-key:expiring" if days else "api-key:expired"
    await _tell(uow, topic, credential, expiresAt=iso(end))


async def _tell(uow: UnitOfWork, topic: str, credential: Credential, **facts: Any) -> None:
    await alerts.raise_alert(
        uow,
        system_actor(credential.account_id),
        topic,
        credential.id,
        environment_id=credential.environment_id,
        user_id=credential.user_id or credential.created_by,
        kind=credential.kind.value,
        name=credential.name,
        **facts,
    )
