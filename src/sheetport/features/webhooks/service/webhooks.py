"""Webhooks: made, changed, found, their keys rotated."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from sheetport.features.audit import service as audit
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.webhooks.model import (
    DEFAULT_OVERLAP,
    MAX_WEBHOOKS,
    Draft,
    Scope,
    State,
    Webhook,
    WebhookKey,
)
from sheetport.features.webhooks.service import rules
from sheetport.features.webhooks.service.keys import make_key, open_keys
from sheetport.features.webhooks.store import deliveries
from sheetport.features.webhooks.store import webhooks as store
from sheetport.kernel.actor import Actor
from sheetport.kernel.clock import SECOND
from sheetport.kernel.errors import Conflict, Invalid
from sheetport.kernel.ids import new_id
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import Permission, require
from sheetport.kernel.standard_webhooks import SigningKey
from sheetport.storage.unit_of_work import UnitOfWork


async def get_scope(uow: UnitOfWork, actor: Actor, environment_id: str | None, space_id: str | None) -> Scope:
    """Where the caller may make a webhook. Raises NotFound, Forbidden, and Invalid when nothing is named."""
    actor = require(actor, Permission.WEBHOOK_WRITE)
    environment_id = environment_id or actor.environment_id
    if space_id is not None:
        place = await places.get_place(uow, actor, space_id, "sp")
        if environment_id not in {None, place.environment_id}:
            raise places.not_found(space_id, "sp")
        return Scope(place.account_id, place.environment_id, place.id)
    if environment_id is None:
        raise Invalid("environmentId (or spaceId) must say whose events to send.", "environmentId")
    place = await places.get_place(uow, actor, environment_id, "env")
    return Scope(place.account_id, place.environment_id)


async def create_webhook(uow: UnitOfWork, actor: Actor, scope: Scope, draft: Draft) -> tuple[Webhook, SigningKey]:
    """A new webhook, told of what happens from now on, with its key. Raises Invalid, Conflict."""
    scope = await get_scope(uow, actor, scope.environment_id, scope.space_id)
    if await store.count_webhooks(uow, scope.environment_id) >= MAX_WEBHOOKS:
        raise Conflict(f"An environment has {MAX_WEBHOOKS} webhooks at most; delete one that is not needed.", "url")
    newest = await events.find_newest_position(uow, scope.environment_id)
    blank = Webhook(
        scope.environment_id,
        new_id("wh", scope.environment_id),
        scope.account_id,
        scope.space_id,
        "",
        None,
        (),
        (),
        State.ENABLED,
        None,
        newest,
        None,
        None,
        actor.id,
        uow.now,
        uow.now,
    )
    webhook = _changed(
        uow,
        blank,
        replace(draft, url=draft.url or "", topics=("**",) if draft.topics is None else draft.topics),
        newest,
    )
    await places.add_place(
        uow, Place(webhook.environment_id, webhook.id, "wh", webhook.account_id, space_id=webhook.space_id)
    )
    await store.insert_webhook(uow, webhook)
    key = await make_key(uow, webhook)
    await _record(uow, actor, "webhook:create", webhook, topics=list(webhook.topics), host=host_of(webhook))
    return webhook, key


async def list_webhooks(
    uow: UnitOfWork, actor: Actor, environment_id: str | None, space_id: str | None, page: Page
) -> Paged[tuple[Webhook, list[WebhookKey]]]:
    """The webhooks of an environment, or of one of its spaces, that the caller reaches, oldest first."""
    actor = require(actor, Permission.WEBHOOK_READ)
    environment_id = environment_id or actor.environment_id
    if space_id is not None:
        space = await places.get_place(uow, actor, space_id, "sp")
        if environment_id not in {None, space.environment_id}:
            raise places.not_found(space_id, "sp")
        environment_id = space.environment_id
    if environment_id is None:
        raise Invalid("environmentId is required: say whose webhooks to list.", "environmentId")
    await places.get_place(uow, actor, environment_id, "env", around=True)
    found, total = await store.list_webhooks(uow, actor, environment_id, space_id, page)
    return Paged([(each, await store.list_live_keys(uow, each)) for each in found], page, total)


async def get_webhook(uow: UnitOfWork, actor: Actor, webhook_id: str) -> tuple[Webhook, list[WebhookKey]]:
    """A webhook and its keys, sealed. Raises NotFound."""
    actor = require(actor, Permission.WEBHOOK_READ)
    webhook = await reach_webhook(uow, actor, webhook_id)
    return webhook, await store.list_live_keys(uow, webhook)


async def get_signing(uow: UnitOfWork, actor: Actor, webhook_id: str) -> tuple[Webhook, list[SigningKey]]:
    """A webhook with the keys to sign a test message by, which is recorded. Raises NotFound."""
    actor = require(actor, Permission.WEBHOOK_WRITE)
    webhook = await reach_webhook(uow, actor, webhook_id)
    await _record(uow, actor, "webhook:test", webhook)
    return webhook, await open_keys(uow, webhook)


async def get_scope_of(uow: UnitOfWork, actor: Actor, webhook_id: str) -> Scope:
    """Whose a webhook is that the caller may change. Raises NotFound, Forbidden."""
    actor = require(actor, Permission.WEBHOOK_WRITE)
    found = await reach_webhook(uow, actor, webhook_id)
    return Scope(found.account_id, found.environment_id, found.space_id)


async def update_webhook(
    uow: UnitOfWork, actor: Actor, webhook_id: str, draft: Draft
) -> tuple[Webhook, list[WebhookKey]]:
    """Change what is named. A webhook that is disabled forgets its place; enabled again it begins with what is new."""
    actor = require(actor, Permission.WEBHOOK_WRITE)
    webhook = await reach_webhook(uow, actor, webhook_id)
    changed = _changed(uow, webhook, draft, await events.find_newest_position(uow, webhook.environment_id))
    await store.update_webhook(uow, changed)
    if changed.state is State.DISABLED and webhook.state is not State.DISABLED:
        await deliveries.give_up_pending(uow, changed, "The webhook was disabled.")
    named = sorted(name for name in Draft.__dataclass_fields__ if getattr(draft, name) is not None)
    await _record(
        uow, actor, "webhook:update", changed, changed=named, state=changed.state.value, host=host_of(changed)
    )
    return changed, await store.list_live_keys(uow, changed)


async def delete_webhook(uow: UnitOfWork, actor: Actor, webhook_id: str) -> None:
    """Delete a webhook: nothing more is sent. Raises NotFound."""
    actor = require(actor, Permission.WEBHOOK_WRITE)
    webhook = await reach_webhook(uow, actor, webhook_id)
    await places.delete_place(uow, await places.get_place(uow, actor, webhook_id, "wh"))
    await store.delete_webhook(uow, webhook)
    await deliveries.give_up_pending(uow, webhook, "The webhook was deleted.")
    await _record(uow, actor, "webhook:delete", webhook, host=host_of(webhook))


async def rotate_webhook(
    uow: UnitOfWork, actor: Actor, webhook_id: str, overlap_seconds: int | None
) -> tuple[Webhook, list[WebhookKey], SigningKey]:
    """A new key. The one before signs beside it for ``overlap_seconds`` (a day by default), older ones no more."""
    actor = require(actor, Permission.WEBHOOK_WRITE)
    webhook = await reach_webhook(uow, actor, webhook_id)
    overlap = DEFAULT_OVERLAP if overlap_seconds is None else rules.checked_overlap(overlap_seconds)
    await store.end_key(uow, webhook, uow.now + overlap)
    key = await make_key(uow, webhook)
    await _record(uow, actor, "webhook:rotate", webhook, overlap_seconds=overlap // SECOND)
    return webhook, await store.list_live_keys(uow, webhook), key


async def reach_webhook(uow: UnitOfWork, actor: Actor, webhook_id: str) -> Webhook:
    """The webhook of an id, for a caller of whom the permission was required. Raises NotFound."""
    place = await places.get_place(uow, actor, webhook_id, "wh")
    webhook = await store.find_webhook(uow, place.environment_id, place.id)
    if webhook is None:
        raise places.not_found(webhook_id, "wh")
    return webhook


def host_of(webhook: Webhook) -> str:
    """What of the URL may be told: paths and queries are secrets as often as not."""
    return urlsplit(webhook.url).hostname or ""


def _changed(uow: UnitOfWork, before: Webhook, draft: Draft, newest: int) -> Webhook:
    """The webhook with what is asked of it. Raises Invalid."""
    state = before.state if draft.state is None else rules.checked_state(draft.state)
    reason = before.reason if draft.reason is None else rules.checked_reason(draft.reason)
    if state is not before.state and draft.reason is None:
        reason = None
    begins_anew = before.state is State.DISABLED and state is not State.DISABLED
    renewed = begins_anew or draft.url is not None
    return replace(
        before,
        url=before.url if draft.url is None else rules.checked_url(draft.url),
        topics=before.topics if draft.topics is None else rules.checked_topics(draft.topics),
        namespaces=before.namespaces if draft.namespaces is None else rules.checked_namespaces(draft.namespaces),
        description=before.description if draft.description is None else rules.checked_description(draft.description),
        state=state,
        reason=None if state is State.ENABLED else reason,
        position=newest if begins_anew else before.position,
        failing_since=None if renewed else before.failing_since,
        held_until=None if renewed else before.held_until,
        updated_at=uow.now,
    )


async def _record(uow: UnitOfWork, actor: Actor, action: str, webhook: Webhook, **detail: object) -> None:
    await audit.record(uow, actor, action, webhook.id, environment_id=webhook.environment_id, **detail)
