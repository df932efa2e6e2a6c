"""What a server process does beside requests: ticks, overdue jobs, when each credential was last used, old events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial

import structlog

from sheetport.features.agents.service import running
from sheetport.features.audit import service as audit
from sheetport.features.audit.model import FreshAddress, Refusals
from sheetport.features.auth import service as auth
from sheetport.features.events import service as events
from sheetport.features.guests import jobs as guest_jobs
from sheetport.features.jobs import jobs as timed_jobs
from sheetport.features.logins import jobs as login_jobs
from sheetport.features.mail import jobs as mail_jobs
from sheetport.features.oauth import jobs as oauth_jobs
from sheetport.features.rates import service as rates
from sheetport.features.records import jobs as record_jobs
from sheetport.features.secrets import service as secrets
from sheetport.features.spaces import jobs as space_jobs
from sheetport.features.webhooks import jobs as webhook_jobs
from sheetport.http.tally import Refused, Tally
from sheetport.kernel.clock import DAY
from sheetport.runtime.cron import Cron
from sheetport.runtime.key_rotation import KeyRotation
from sheetport.storage.unit_of_work import Database, UnitOfWork

CRON_SECONDS = 5.0
OVERDUE_SECONDS = 15.0
LAST_USED_SECONDS = 30.0
EXPIRE_SECONDS = 60.0
SWEEP_SECONDS = 600.0
RESUME_SECONDS = 20.0
TALLY_SECONDS = 60.0
WATCH_SECONDS = 3_600.0
_log = structlog.get_logger()


@asynccontextmanager
async def background(
    db: Database, verifier: auth.Verifier, tally: Tally, event_days: int, cron: Cron
) -> AsyncGenerator[None, None]:
    """Run the timed work until the context ends."""

    async def fail_overdue() -> None:
        await db.write(timed_jobs.fail_overdue)

    async def flush_last_used() -> None:
        used = verifier.take_used()
        if used:
            await db.write(lambda uow: auth.flush_last_used(uow, used))

    async def sweep_spaces() -> None:
        while await db.write(space_jobs.sweep_spaces) == space_jobs.BATCH:
            continue

    async def sweep_records() -> None:
        while await db.write(record_jobs.sweep_records, bulk=True):
            continue

    async def sweep_logins() -> None:
        await db.write(login_jobs.sweep)
        await db.write(oauth_jobs.sweep)

    if not db.shared:
        while await db.write(record_jobs.clear_staged):
            continue
    tasks = [
        asyncio.create_task(_every(CRON_SECONDS, "cron.run", cron.run)),
        asyncio.create_task(_every(OVERDUE_SECONDS, "jobs.fail-overdue", fail_overdue)),
        asyncio.create_task(_every(EXPIRE_SECONDS, "spaces.sweep", sweep_spaces)),
        asyncio.create_task(_every(EXPIRE_SECONDS, "records.sweep", sweep_records)),
        asyncio.create_task(_every(LAST_USED_SECONDS, "auth.flush-last-used", flush_last_used)),
        asyncio.create_task(_every(EXPIRE_SECONDS, "auth.tend-credentials", partial(tend_credentials, db))),
        asyncio.create_task(_every(SWEEP_SECONDS, "events.sweep", partial(sweep_events, db, event_days))),
        asyncio.create_task(_every(SWEEP_SECONDS, "agents.sweep", partial(sweep_executions, db, event_days))),
        asyncio.create_task(_every(SWEEP_SECONDS, "guests.sweep", partial(sweep_guests, db))),
        asyncio.create_task(_every(SWEEP_SECONDS, "logins.sweep", sweep_logins)),
        asyncio.create_task(_every(TALLY_SECONDS, "audit.record-counted", partial(record_counted, db, tally))),
        asyncio.create_task(_every(SWEEP_SECONDS, "rates.sweep", partial(rates.sweep_shared_marks, db))),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await _attempt("auth.flush-last-used", flush_last_used)
        await _attempt("audit.record-counted", partial(record_counted, db, tally))


async def record_counted(db: Database, tally: Tally) -> None:
    """Write what was counted of refusals, and of keys used from new places, to the audit log."""
    refused, fresh = tally.take()
    if not refused and not fresh:
        return

    async def work(uow: UnitOfWork) -> None:
        await audit.record_refusals(uow, [await _refusals(uow, each, count) for each, count in refused.items()])
        await audit.record_fresh_addresses(uow, [FreshAddress(*each) for each in fresh])

    try:
        await db.write(work)
    except BaseException:
        tally.give_back(refused, fresh)
        raise


async def _refusals(uow: UnitOfWork, what: Refused, count: int) -> Refusals:
    """What was refused, with whose token it was if that is known."""
    if what.actor is not None:
        token, actor = what.actor.token_id, what.actor
        return Refusals(token, what.address, what.minute, what.status, count, actor=actor)
    found = await auth.explain_refusal(uow, what.fingerprint) if what.fingerprint else None
    if found is None:
        token = what.fingerprint.hex()[:16] or "none"
        return Refusals(token, what.address, what.minute, what.status, count)
    known = found.credential
    where = (known.account_id, known.environment_id)
    return Refusals(known.id, what.address, what.minute, what.status, count, *where, target=known.id)


async def tend_credentials(db: Database) -> None:
    """Forget the tokens of rotations that are over, and tell of credentials that end or are not used."""
    await db.write(auth.wipe_rotations)
    while await db.write(auth.watch_credentials):
        continue


@asynccontextmanager
async def keeping_secrets(db: Database, rotation: KeyRotation) -> AsyncGenerator[None, None]:
    """Finish rotations of keys, remind of those that are due, and look for altered secrets, until the context ends."""
    tampered: set[str] = set()

    async def remind() -> None:
        while await db.write(secrets.remind) == secrets.REMINDED:
            continue

    async def watch() -> None:
        await secrets.watch_secrets(db, tampered)

    async def resume() -> None:
        await rotation.resume()
        await secrets.resume_rekeys(db)

    tasks = [
        asyncio.create_task(_every(EXPIRE_SECONDS, "secrets.remind", remind)),
        asyncio.create_task(_every(RESUME_SECONDS, "secrets.resume-rotations", resume, at_once=True)),
        asyncio.create_task(_every(WATCH_SECONDS, "secrets.watch", watch, at_once=True)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def sweep_guests(db: Database) -> None:
    """Forget mails that have ended and, some at a time, anonymous guests who are gone."""
    await db.write(mail_jobs.sweep_mails)
    while await db.write(guest_jobs.sweep_guests):
        continue


async def sweep_events(db: Database, days: int) -> None:
    """Delete the events, and deliveries of them, of whole days that are over for ``days`` days, some at a time."""
    for environment in await db.read(lambda uow: events.list_outdated(uow, days), heavy=True):
        while await db.write(partial(events.sweep_batch, environment_id=environment, days=days), bulk=True):
            pass
    while await db.write(partial(webhook_jobs.sweep_webhooks, days=days), bulk=True):
        continue


async def sweep_executions(db: Database, days: int) -> None:
    """Forget what agents did more than ``days`` days ago, some at a time."""
    before = db.clock.now() - days * DAY
    while await db.write(partial(running.sweep_executions, before=before), bulk=True):
        continue


async def _every(seconds: float, name: str, work: Callable[[], Awaitable[None]], *, at_once: bool = False) -> None:
    if at_once:
        await _attempt(name, work)
    while True:
        await asyncio.sleep(seconds)
        await _attempt(name, work)


async def _attempt(name: str, work: Callable[[], Awaitable[None]]) -> None:
    try:
        await work()
    except Exception as error:  # noqa: BLE001 - one failed round must end neither the rounds nor a stop
        _log.warning("background.failed", work=name, error=type(error).__name__)
