"""Writes events, in the transaction of what they tell."""

from __future__ import annotations

from typing import Any

from sheetport.features.events import store
from sheetport.features.events.model import Event, domain_of
from sheetport.features.places.model import Place
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.ids import new_id
from sheetport.storage.unit_of_work import UnitOfWork

_NAMESPACE_WORDS = {"sp": "space", "wb": "workbook", "sh": "sheet"}


async def emit(
    uow: UnitOfWork,
    actor: Actor,
    topic: str,
    place: Place,
    payload: dict[str, Any] | None = None,
    *,
    domain: str | None = None,
    data_url: str | None = None,
    context: dict[str, Any] | None = None,
    target: str | None = None,
) -> Event:
    """Tell that ``topic`` happened at ``place``.

    The context is the place's (account, environment, space, workbook, sheet, job ids and slugs) and the
    caller's, plus ``context`` on top. ``domain`` defaults to the topic's own.
    """
    event = Event(
        id=new_id("evt", place.environment_id),
        environment_id=place.environment_id,
        account_id=place.account_id,
        space_id=place.space_id,
        topic=topic,
        domain=domain or domain_of(topic),
        context={**context_of(place), "actorId": actor.id, **(context or {})},
        payload=payload or {},
        created_at=uow.now,
        target=target,
        namespaces=await _namespaces(uow, place),
        data_url=data_url,
        workbook_id=place.workbook_id,
        sheet_id=place.sheet_id,
        depth=await depth_of(uow, actor, place),
    )
    await store.insert_event(uow, event)
    return event


async def depth_of(uow: UnitOfWork, actor: Actor, place: Place) -> int | None:
    """How deep in a chain of agents an event lies that ``actor`` causes now; None for all but agents."""
    if actor.kind is not ActorKind.AGENT:
        return None
    return 1 + await store.find_handled_depth(uow, place.environment_id, actor.id, place.space_id)


def context_of(place: Place) -> dict[str, Any]:
    """The context that a place gives to its events."""
    own = {"jb": "jobId", "fl": "fileId", "dc": "documentId"}.get(place.kind)
    context = {
        "accountId": place.account_id,
        "environmentId": place.environment_id,
        "spaceId": place.space_id,
        "workbookId": place.workbook_id,
        "sheetId": place.sheet_id,
        "sheetSlug": place.slug if place.kind == "sh" else None,
        own or "": place.id if own else None,
    }
    return {key: value for key, value in context.items() if value is not None}


async def _namespaces(uow: UnitOfWork, place: Place) -> list[str]:
    """``space:red``, ``workbook:blue``: the namespaces of the place and of what it lies in."""
    found: list[str] = []
    for kind, owner in (("sp", place.space_id), ("wb", place.workbook_id), ("sh", place.sheet_id)):
        if owner is None:
            continue
        namespace = (
            place.namespace if place.kind == kind else await store.find_namespace(uow, place.environment_id, owner)
        )
        if namespace:
            word = _NAMESPACE_WORDS[kind]
            found.append(namespace if namespace.startswith(f"{word}:") else f"{word}:{namespace}")
    return found


async def begin_log(uow: UnitOfWork, environment_id: str) -> None:
    """Begin a new environment's log; before its first event."""
    await store.insert_head(uow, environment_id)
