"""The log by request: listing it, reading, making and acknowledging single events."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sheetport.features.audit import service as audit
from sheetport.features.events import store
from sheetport.features.events.model import DOMAINS, TOPICS, Event, EventDraft, EventFilter, EventQuery
from sheetport.features.events.service.emitting import context_of, depth_of
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.kernel.actor import Actor
from sheetport.kernel.clock import parse_iso
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.kernel.ids import new_id
from sheetport.kernel.paging import Page
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

#: The ids of a context that must be the caller's to know of, the narrowest last.
_CONTEXT_KINDS = {
    "spaceId": "sp",
    "documentId": "dc",
    "fileId": "fl",
    "workbookId": "wb",
    "sheetId": "sh",
    "jobId": "jb",
}


async def list_events(uow: UnitOfWork, actor: Actor, wanted: EventFilter, page: Page) -> list[Event]:
    """One page of the events the caller reaches, oldest first, without acknowledged ones unless asked for.

    Within an environment the order is the one in which they were committed; a user who names no environment
    gets all of the account's by time.
    """
    actor = require(actor, Permission.EVENT_READ)
    if wanted.environment_id is not None and wanted.environment_id != actor.environment_id:
        await places.get_place(uow, actor, wanted.environment_id, "env", around=True)
    query = EventQuery(
        actor.account_id,
        wanted.environment_id or actor.environment_id,
        actor.space_id,
        wanted.domain,
        wanted.topic,
        include_acknowledged=wanted.include_acknowledged,
    )
    if wanted.space_id is not None:
        place = await places.get_place(uow, actor, wanted.space_id, "sp", around=True)
        if query.environment_id not in {None, place.environment_id}:
            raise places.not_found(wanted.space_id, "sp")
        query = replace(query, space_id=place.id, environment_id=place.environment_id)
    if wanted.since:
        query = await _begun_at(uow, actor, query, wanted.since)
    return await store.list_events(uow, actor, query, page)


async def get_event(uow: UnitOfWork, actor: Actor, event_id: str) -> Event:
    """One event. Raises NotFound."""
    actor = require(actor, Permission.EVENT_READ)
    return await _event(uow, actor, event_id)


async def create_event(uow: UnitOfWork, actor: Actor, draft: EventDraft) -> Event:
    """Write an event that a caller made up: its context must name things that the caller reaches.

    Account, environment and actor of its context are the real ones, whatever was sent.
    """
    actor = require(actor, Permission.EVENT_CREATE)
    if draft.topic not in TOPICS:
        raise Invalid(f"topic must be one of the API's, such as 'job:updated', not {draft.topic[:60]!r}.", "topic")
    if draft.domain not in DOMAINS:
        raise Invalid(f"domain must be one of {', '.join(sorted(DOMAINS))}.", "domain")
    place = await _place(uow, actor, draft.context)
    event = Event(
        id=new_id("evt", place.environment_id),
        environment_id=place.environment_id,
        account_id=place.account_id,
        space_id=place.space_id,
        topic=draft.topic,
        domain=draft.domain,
        context={**draft.context, **context_of(place), "actorId": actor.id},
        payload=draft.payload,
        created_at=uow.now,
        target=draft.target,
        namespaces=draft.namespaces or [],
        origin=draft.origin,
        attributes=draft.attributes,
        data_url=draft.data_url,
        callback_url=draft.callback_url,
        workbook_id=place.workbook_id,
        sheet_id=place.sheet_id,
        depth=await depth_of(uow, actor, place),
    )
    await store.insert_event(uow, event)
    await audit.record(uow, actor, "event:create", event.id, environment_id=event.environment_id, topic=event.topic)
    return event


async def acknowledge_event(uow: UnitOfWork, actor: Actor, event_id: str) -> None:
    """Mark an event as handled: lists leave it out from now on. Again changes nothing."""
    actor = require(actor, Permission.EVENT_SUBSCRIBE)
    event = await _event(uow, actor, event_id)
    if event.acknowledged_at is None:
        await store.acknowledge_event(uow, event, actor.id)
        await audit.record(uow, actor, "event:acknowledge", event_id, environment_id=event.environment_id)


async def _event(uow: UnitOfWork, actor: Actor, event_id: str) -> Event:
    event = await store.find_event(uow, actor.account_id, actor.environment_id, event_id)
    if event is None or not actor.reaches(event.account_id, *event.path):
        raise NotFound(f"There is no event {event_id[:60]!r} that this token can reach.", "eventId")
    return event


async def _begun_at(uow: UnitOfWork, actor: Actor, query: EventQuery, since: str) -> EventQuery:
    if since.startswith("us_evt_"):
        event = await _event(uow, actor, since)
        if query.environment_id not in {None, event.environment_id}:
            raise NotFound(f"There is no event {since[:60]!r} in this environment.", "since")
        return replace(query, environment_id=event.environment_id, after=event.position or 0)
    try:
        return replace(query, since=parse_iso(since.strip().replace(" ", "+")))
    except (ValueError, OverflowError):
        raise Invalid("since must be a time such as 2026-01-31T09:30:00Z, or an event's id.", "since") from None


async def _place(uow: UnitOfWork, actor: Actor, context: dict[str, Any]) -> Place:
    """The narrowest place that a context names, every id in it checked to be of one environment and space."""
    environment_id = _id(context, "environmentId") or actor.environment_id
    if environment_id is None:
        raise Invalid("context.environmentId must say which environment the event belongs to.", "context")
    place = await places.get_place(uow, actor, environment_id, "env", around=True)
    for key, kind in _CONTEXT_KINDS.items():
        named = _id(context, key)
        if named is None:
            continue
        inner = await places.get_place(uow, actor, named, kind, around=True)
        if inner.environment_id != environment_id or place.space_id not in {None, inner.space_id}:
            raise NotFound(f"{key} {named[:60]!r} is not in the environment and space of this context.", "context")
        place = inner
    if not places.is_reached(actor, place):
        raise places.not_found(place.id, place.kind)
    return place


def _id(context: dict[str, Any], key: str) -> str | None:
    value = context.get(key)
    if value is not None and not isinstance(value, str):
        raise Invalid(f"context.{key} must be an id.", "context")
    return value
