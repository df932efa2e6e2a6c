"""Raises alerts: one call is an event, a mail and an audit record, in the transaction of what they tell."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from sheetport.features.alerts import store
from sheetport.features.alerts.model import OF_OWN_DOING, WORDS
from sheetport.features.audit import service as audit
from sheetport.features.events import service as events
from sheetport.features.events.model import ALERTS
from sheetport.features.mail import service as mail
from sheetport.features.places import service as places
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.clock import iso
from sheetport.storage.unit_of_work import UnitOfWork


async def raise_alert(
    uow: UnitOfWork,
    actor: Actor,
    topic: str,
    target: str,
    *,
    account_id: str | None = None,
    environment_id: str | None = None,
    user_id: str | None = None,
    is_recorded: bool = False,
    **facts: Any,
) -> None:
    """Tell that ``topic``, one of ``ALERTS``, happened to ``target`` (an id).

    ``facts`` are the event's payload beside ``target`` (camelCase) and the audit record's detail; they never hold a
    secret. What belongs to the account as a whole (without an ``environment_id``) is told in the log of its first
    production environment. ``user_id`` is whose business it is, if it is one user's: the mail goes to them, else to
    the account's first user, and to nobody who did it. ``is_recorded`` says that the
    caller has written the audit record already.
    """
    if topic not in ALERTS:
        raise ValueError(f"{topic} is no alert")
    account = account_id or actor.account_id
    actor = replace(actor, account_id=account)
    facts |= {"userId": user_id} if user_id else {}
    if not is_recorded:
        await audit.record(uow, actor, topic, target, environment_id=environment_id, **facts)
    home = environment_id or await store.find_home(uow, account)
    place = None if home is None else await places.find_place(uow, system_actor(account), home)
    if place is not None:
        await events.emit(uow, actor, topic, place, {"target": target, **facts}, target=target)
    await _mail(uow, actor, topic, target, user_id, str(facts.get("name") or target))


async def _mail(uow: UnitOfWork, actor: Actor, topic: str, target: str, user_id: str | None, name: str) -> None:
    recipient = await store.find_recipient(uow, actor.account_id, user_id or "")
    if recipient is None or (topic in OF_OWN_DOING and actor.id == recipient["id"]):
        return
    words, moment = asdict(WORDS[topic]), iso(uow.now)
    await mail.enqueue(
        uow, actor.account_id, recipient["email"], "alert", **words, name=name, target=target, moment=moment
    )
