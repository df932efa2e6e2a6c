"""Spaces. A space token sees its own space only; whoever holds the environment's key sees them all."""

from __future__ import annotations

import dataclasses

from msgspec.structs import replace

from sheetport.config import QuotaSettings
from sheetport.features.accounts import service as accounts
from sheetport.features.actions import service as actions
from sheetport.features.apps import service as apps
from sheetport.features.audit import service as audit
from sheetport.features.auth import service as auth
from sheetport.features.events import service as events
from sheetport.features.jobs import service as jobs
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.quotas import service as quotas
from sheetport.features.spaces import store
from sheetport.features.spaces.model import GUEST_AUTHENTICATION, SORT_FIELDS, Space, SpaceChange, SpaceFilter
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.clock import DAY, HOUR
from sheetport.kernel.errors import Conflict, Forbidden, Invalid
from sheetport.kernel.ids import new_id
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import GRANTED, Permission, holds, may, require
from sheetport.storage.unit_of_work import UnitOfWork

DEFAULT_NAME = "Untitled space"
MAX_SEARCH = 255
#: How long an expired space can still be looked into by those who hold the environment's keys.
KEPT_EXPIRED = 7 * DAY
#: What of a change is no value of the space's own.
_APART = frozenset({"environment_id", "unarchive"})
#: What a guest, or the holder of a space token, a browser, may change of its space: how it looks, not who gets in.
_FOR_GUESTS = frozenset({"name", "metadata", "settings", "primary_workbook_id", "language_override", "actions"})


async def create_space(
    uow: UnitOfWork, actor: Actor, change: SpaceChange, external_actor_id: str | None = None, *, limits: QuotaSettings
) -> Space:
    """A new space with its access token. ``auto_configure`` makes the job that a listener configures it in.

    One that a publishable key makes counts against the day's quota and expires unless something is submitted. Raises
    TooMany.
    """
    actor = require(actor, Permission.SPACE_INIT if may(actor, Permission.SPACE_INIT) else Permission.SPACE_CREATE)
    if change.primary_workbook_id is not None:
        raise Invalid("primaryWorkbookId: a new space has no workbook yet; set it afterwards.", "primaryWorkbookId")
    environment = await _environment(uow, actor, change.environment_id)
    embedded = actor.kind is ActorKind.PUBLISHABLE_KEY
    if embedded:
        await quotas.count_space(uow, environment.id, limits)
    user_id = actor.id if actor.kind is ActorKind.USER else None
    space = Space(
        environment_id=environment.id,
        id=new_id("sp", environment.id),
        account_id=environment.account_id,
        name=DEFAULT_NAME,
        created_at=uow.now,
        updated_at=uow.now,
        created_by_user_id=user_id,
        created_by_user_name=await store.find_user_name(uow, user_id) if user_id else None,
        external_actor_id=external_actor_id,
        sweep_at=uow.now + limits.embed_hours * HOUR if embedded else None,
    )
    space = await _changed(uow, actor, space, change)
    await store.insert_space(uow, space)
    await places.add_place(uow, space.place)
    await _tell(uow, actor, space.place, "space:created", "space:create")
    await actions.add_actions(uow, actor, space.place, space.actions)
    if space.auto_configure:
        await _configure(uow, actor, space)
    return _opened(uow, actor, await store.find_space(uow, space.environment_id, space.id) or space)


async def get_space(uow: UnitOfWork, actor: Actor, space_id: str) -> Space:
    """One space, with its access token for those who may have it. Raises NotFound."""
    actor = require(actor, Permission.SPACE_READ)
    space = await store.find_space_anywhere(uow, space_id)
    if space is None or not places.is_reached(actor, space.place, around=True):
        raise places.not_found(space_id, "sp")
    return _opened(uow, actor, space)


async def list_spaces(uow: UnitOfWork, actor: Actor, chosen: SpaceFilter, page: Page) -> Paged[Space]:
    """The spaces the caller reaches. An unknown app makes an empty list."""
    actor = require(actor, Permission.SPACE_READ)
    if (chosen.sort_field is None) != (chosen.sort_direction is None):
        missing = "sortDirection" if chosen.sort_field else "sortField"
        raise Invalid("sortField and sortDirection are given together or not at all.", missing)
    if chosen.sort_field is not None and chosen.sort_field not in SORT_FIELDS:
        raise Invalid(f"sortField takes one of {', '.join(SORT_FIELDS)}.", "sortField")
    if chosen.sort_direction not in {None, "asc", "desc"}:
        raise Invalid("sortDirection takes asc or desc.", "sortDirection")
    if len(chosen.search or "") > MAX_SEARCH:
        raise Invalid(f"search takes at most {MAX_SEARCH} characters.", "search")
    if chosen.environment_id is not None and actor.space_id is None:
        await places.get_place(uow, actor, chosen.environment_id, "env", around=True)
    reached = dataclasses.replace(chosen, environment_id=actor.environment_id or chosen.environment_id)
    items, total = await store.list_spaces(uow, actor, reached, page)
    return Paged(items, page, total)


async def update_space(uow: UnitOfWork, actor: Actor, space_id: str, change: SpaceChange) -> Space:
    """Change what ``change`` names; ``auto_configure`` has its effect on a new space only."""
    actor = require(actor, Permission.SPACE_WRITE)
    before = await _find(uow, actor, space_id)
    if change.environment_id not in {None, before.environment_id}:
        raise Invalid("environmentId: a space cannot move to another environment.", "environmentId")
    after = await _changed(uow, actor, before, change)
    back = change.unarchive and before.archived_at is not None
    if back:
        after = replace(after, archived_at=None)
    await store.update_space(uow, after)
    await places.rename_place(uow, after.place, None, after.namespace)
    await _tell(uow, actor, after.place, "space:updated", "space:update")
    if after.archived_at is not None and before.archived_at is None:
        await _tell(uow, actor, after.place, "space:archived", "space:archive")
    if back:
        await _tell(uow, actor, after.place, "space:unarchived", "space:unarchive")
    if change.actions is not None:
        await actions.replace_actions(uow, actor, after.place, after.actions)
    return _opened(uow, actor, after)


async def archive_space(uow: UnitOfWork, actor: Actor, space_id: str) -> None:
    """Put a space away: lists leave it out unless asked for archived spaces."""
    actor = require(actor, Permission.SPACE_WRITE)
    space = await _find(uow, actor, space_id)
    if space.archived_at is None:
        await store.update_space(uow, replace(space, archived_at=uow.now, updated_at=uow.now))
        await _tell(uow, actor, space.place, "space:archived", "space:archive")


async def unarchive_space(uow: UnitOfWork, actor: Actor, space_id: str) -> None:
    """Take a space back from the archive."""
    actor = require(actor, Permission.SPACE_WRITE)
    space = await _find(uow, actor, space_id)
    if space.archived_at is not None:
        await store.update_space(uow, replace(space, archived_at=None, updated_at=uow.now))
        await _tell(uow, actor, space.place, "space:unarchived", "space:unarchive")


async def delete_spaces(uow: UnitOfWork, actor: Actor, space_ids: list[str]) -> None:
    """Delete spaces with everything in them, all or none; their tokens stop at once."""
    actor = require(actor, Permission.SPACE_CREATE)
    found = [await places.get_place(uow, actor, space_id, "sp") for space_id in dict.fromkeys(space_ids)]
    if not found:
        raise Invalid("spaceIds: name the spaces to delete, as ?spaceIds=…&spaceIds=….", "spaceIds")
    for place in found:
        await _tell(uow, actor, place, "space:deleted", "space:delete")
        await store.delete_space(uow, place.environment_id, place.id)
        await places.delete_place(uow, place)
    await quotas.release(uow, found)
    for account_id in {place.account_id for place in found}:
        await accounts.bump_generation(uow, account_id)


async def expire_space(uow: UnitOfWork, actor: Actor, space: Space) -> None:
    """End a space that nobody submitted: its tokens stop at once, and it is deleted when KEPT_EXPIRED has passed."""
    await store.expire_space(uow, space, uow.now + KEPT_EXPIRED)
    await _tell(uow, actor, space.place, "space:expired", "space:expire")
    await accounts.bump_generation(uow, space.account_id)


async def place_spaces(uow: UnitOfWork, actor: Actor, made: list[Space]) -> list[str]:
    """Put whole spaces into an environment that is being made, telling nobody; remarks on what had to change.

    A creator who is not of this account is kept by name only; a template of an app that has one becomes a space.
    """
    actor = require(actor, Permission.ENVIRONMENT_CREATE)
    remarks, whole = [], []
    for space in made:
        user_id, template = space.created_by_user_id, space.is_app_template
        if user_id is not None and not await store.is_user_of(uow, user_id, actor.account_id):
            user_id = None
        if template and await store.find_template(uow, actor.account_id, space.app_id or "") is not None:
            remarks.append(f"The space {space.name!r} is no template here: its app has one already.")
            template = False
        whole.append(replace(space, created_by_user_id=user_id, is_app_template=template))
    await store.insert_spaces(uow, whole)
    await places.add_places(uow, [space.place for space in whole])
    return remarks


async def count_workbooks(uow: UnitOfWork, workbook: Place, more: int) -> None:
    """Count ``more`` (or, negative, fewer) workbooks in the space where ``workbook`` lies."""
    await store.count_workbooks(uow, workbook.environment_id, workbook.space_id or "", more)


async def _find(uow: UnitOfWork, actor: Actor, space_id: str) -> Space:
    place = await places.get_place(uow, actor, space_id, "sp")
    space = await store.find_space(uow, place.environment_id, space_id)
    if space is None:
        raise places.not_found(space_id, "sp")
    return space


async def find_account_id(uow: UnitOfWork, space_id: str) -> str | None:
    """The account of a live space, for what is shown to anybody who has its id; None without one."""
    if not (space_id.isascii() and space_id.isprintable()):
        return None
    space = await store.find_space_anywhere(uow, space_id)
    return None if space is None else space.account_id


async def end_tokens(uow: UnitOfWork, actor: Actor, space_id: str) -> None:
    """End every access token of a space, as when one was exposed; who reads the space gets a fresh one."""
    actor = require(actor, Permission.SPACE_WRITE)
    space = await _find(uow, actor, space_id)
    await store.end_tokens(uow, space.environment_id, space.id)
    await accounts.bump_generation(uow, space.account_id)
    await audit.record(uow, actor, "space:end-tokens", space.id, environment_id=space.environment_id)


async def _environment(uow: UnitOfWork, actor: Actor, environment_id: str | None) -> Place:
    """The environment of a new space: the one named, the key's own, or the account's only one."""
    chosen = environment_id or actor.environment_id
    if chosen is None:
        known = await store.list_environment_ids(uow, actor.account_id)
        if len(known) != 1:
            raise Invalid("environmentId: say in which environment, since you reach several.", "environmentId")
        chosen = known[0]
    return await places.get_place(uow, actor, chosen, "env")


async def _changed(uow: UnitOfWork, actor: Actor, before: Space, change: SpaceChange) -> Space:
    named = {name: getattr(change, name) for name in SpaceChange.__dataclass_fields__ if name not in _APART}
    named = {name: value for name, value in named.items() if value is not None}
    refused = sorted(set(named) - _FOR_GUESTS) if actor.kind in {ActorKind.SPACE, ActorKind.GUEST} else []
    if refused:
        raise Forbidden(f"Guests and space tokens may not change {', '.join(refused)}: use a secret key.", "permission")
    after = replace(before, **named, updated_at=uow.now, last_activity_at=uow.now)
    if not 1 <= len(after.name.strip()) <= 255:
        raise Invalid("name must have 1 to 255 characters.", "name")
    if not set(after.guest_authentication or ()) <= set(GUEST_AUTHENTICATION):
        raise Invalid(f"guestAuthentication takes {' and '.join(GUEST_AUTHENTICATION)}.", "guestAuthentication")
    await _require_links(uow, actor, after, change)
    return replace(after, namespace=after.namespace or None)


async def _require_links(uow: UnitOfWork, actor: Actor, space: Space, change: SpaceChange) -> None:
    if change.primary_workbook_id is not None:
        workbook = await places.find_place(uow, actor, change.primary_workbook_id)
        if workbook is None or workbook.kind != "wb" or workbook.space_id != space.id:
            raise Invalid("primaryWorkbookId: name a workbook of this space.", "primaryWorkbookId")
    if change.app_id is not None and await apps.find_app(uow, actor, change.app_id) is None:
        raise Invalid("appId: there is no such app in this account.", "appId")
    if space.is_app_template and space.app_id is None:
        raise Invalid("appId: a template is a template of an app; name it.", "appId")
    if space.is_app_template and space.app_id is not None:
        other = await store.find_template(uow, space.account_id, space.app_id)
        if other is not None and other.id != space.id:
            raise Conflict(f"The app has a template already: the space {other.name!r}.", "isAppTemplate")


async def _configure(uow: UnitOfWork, actor: Actor, space: Space) -> None:
    await jobs.create_system_job(
        uow,
        actor,
        space.place,
        type="space",
        operation="configure",
        source=space.id,
        trigger="immediate",
        mode="foreground",
    )


def _opened(uow: UnitOfWork, actor: Actor, space: Space) -> Space:
    """The space with its access token, if it has not expired and gives the caller nothing that it has not got."""
    if space.expired_at is not None or not _may_open(actor, space):
        return space
    return replace(space, access_token=auth.mint_space_token(uow.keys, space.id, space.token_generation, uow.now))


def _may_open(actor: Actor, space: Space) -> bool:
    """Whether the caller may have the space's token, which opens all of the space to whoever holds it."""
    if actor.grants is None:
        return True
    return all(holds(actor, each, space.environment_id, space.id) for each in GRANTED[ActorKind.SPACE])


async def _tell(uow: UnitOfWork, actor: Actor, place: Place, topic: str, action: str) -> None:
    await events.emit(uow, actor, topic, place)
    await audit.record(uow, actor, action, place.id, environment_id=place.environment_id)
