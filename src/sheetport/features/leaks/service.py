"""Revokes tokens that were found where they do not belong. Showing a token is all the right it takes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from sheetport.features.alerts.service import raise_alert
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import Ending
from sheetport.features.auth.service.recognise import GUEST, SPACE, Recognised, recognise
from sheetport.features.guests import service as guests
from sheetport.features.leaks.model import Report, Reporter
from sheetport.features.spaces import service as spaces
from sheetport.kernel.actor import system_actor
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: Tokens revoked in one transaction.
_BATCH = 20
#: Characters kept of what a finder says of a place.
_MAX_WORDS = 500


async def revoke_exposed(db: Database, reports: Sequence[Report], reporter: Reporter) -> list[bool]:
    """Revoke every reported token that lives, with all that was exchanged for it.

    Returns of each whether it is or was a secret of ours. Publishable keys are public and stay: whoever sees a page
    could end them otherwise. With a space token all tokens of its space end, and with a
    guest's all of theirs. Takes the database: what is unknown, as
    most of a flood would be, costs no write.
    """
    known = await db.read(lambda uow: _recognise(uow, reports), heavy=True)
    due = [report for report, found in zip(reports, known, strict=True) if found and found.lives and not found.public]
    for start in range(0, len(due), _BATCH):
        await db.write(partial(_revoke, reports=due[start : start + _BATCH], reporter=reporter))
    return [found is not None and not found.public for found in known]


async def _recognise(uow: UnitOfWork, reports: Sequence[Report]) -> list[Recognised | None]:
    return [await recognise(uow, report.token) for report in reports]


async def _revoke(uow: UnitOfWork, reports: Sequence[Report], reporter: Reporter) -> None:
    for report in reports:
        found = await recognise(uow, report.token)
        if found is None or not found.lives:  # the same token twice, or revoked meanwhile
            continue
        actor = system_actor(found.account_id, found.environment_id)
        await raise_alert(
            uow,
            actor,
            "api-key:exposed",
            found.id,
            environment_id=found.environment_id,
            user_id=found.user_id,
            kind=found.kind,
            reporter=reporter.value,
            url=report.url[:_MAX_WORDS],
            source=report.source[:_MAX_WORDS],
        )
        if found.kind == SPACE:
            await spaces.end_tokens(uow, actor, found.id)
        elif found.kind == GUEST:
            await guests.end_tokens(uow, actor, found.id)
        else:
            await auth.revoke_credential(uow, actor, found.id, Ending.EXPOSED)
