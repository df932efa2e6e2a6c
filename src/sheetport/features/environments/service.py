"""Environments. Isolation is absolute: what is not the caller's environment is not found."""

from __future__ import annotations

import re
from dataclasses import asdict, replace

from sheetport.features.accounts import service as accounts
from sheetport.features.audit import service as audit
from sheetport.features.auth import service as auth
from sheetport.features.environments import store
from sheetport.features.environments.model import GUEST_AUTHENTICATION, Environment, EnvironmentChange, NewEnvironment
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.quotas import service as quotas
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Conflict, Invalid
from sheetport.kernel.ids import new_root_id
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

#: Clients take an id with these letters in it for an environment's, and any other for a space's.
_FOREIGN_ID = re.compile(r"[a-z]{2,8}_env_[A-Za-z0-9_]{2,60}")


async def create_environment(
    uow: UnitOfWork, actor: Actor, change: EnvironmentChange, environment_id: str | None = None
) -> Environment:
    """A new environment with one secret and one publishable key; ``environment_id`` is one that programs know it by
    already. Raises Invalid, and Conflict for a name or an id that is taken."""
    return (await create_environment_with_keys(uow, actor, change, environment_id)).environment


async def create_environment_with_keys(
    uow: UnitOfWork, actor: Actor, change: EnvironmentChange, environment_id: str | None = None
) -> NewEnvironment:
    """A new environment together with its secret and its publishable key, whose tokens are shown here only."""
    actor = require(actor, Permission.ENVIRONMENT_CREATE)
    new_id = new_root_id("env") if environment_id is None else await _free_id(uow, environment_id)
    empty = Environment(new_id, actor.account_id, "", False, uow.now, uow.now)
    environment = _changed(uow, empty, change)
    await _require_free_name(uow, environment)
    await store.insert_environment(uow, environment)
    return await _opened(uow, actor, environment, "environment:create")


async def stage_environment(uow: UnitOfWork, actor: Actor, name: str, sheets: int) -> str:
    """The id of a new environment that nothing finds until it is published; ``sheets`` of its sheet numbers, from 1
    on, are taken. Raises Invalid or Conflict when it could not have this name."""
    actor = require(actor, Permission.ENVIRONMENT_CREATE)
    staged = Environment(new_root_id("env"), actor.account_id, "", False, uow.now, uow.now)
    await _require_free_name(uow, _changed(uow, staged, EnvironmentChange(name)))
    await store.stage_environment(uow, staged, sheets)
    return staged.id


async def touch_staged(uow: UnitOfWork, environment_id: str) -> None:
    """Keep a staged environment from being swept. Raises Conflict when there is none of this id any more."""
    if not await store.touch_staged(uow, environment_id):
        raise _not_staged()


async def publish_environment(uow: UnitOfWork, actor: Actor, described: Environment) -> NewEnvironment:
    """Make the staged environment of this id a real one, with its first keys. Raises Invalid, Conflict."""
    actor = require(actor, Permission.ENVIRONMENT_CREATE)
    dated = replace(described, account_id=actor.account_id, created_at=uow.now)
    environment = _changed(uow, dated, EnvironmentChange())
    await _require_free_name(uow, environment)
    if not await store.publish_environment(uow, environment):
        raise _not_staged()
    return await _opened(uow, actor, environment, "environment:import")


async def is_staged(uow: UnitOfWork, environment_id: str) -> bool:
    """Whether an environment is being made; it is locked until the commit."""
    return await store.touch_staged(uow, environment_id)


async def forget_staged(uow: UnitOfWork, environment_id: str) -> None:
    """Remove a staged environment, once it is empty."""
    await store.delete_staged(uow, environment_id)


async def list_stale(uow: UnitOfWork, age: int) -> list[str]:
    """Ids of staged environments that nobody has worked on for ``age`` milliseconds."""
    return await store.list_stale(uow, uow.now - age)


async def _opened(uow: UnitOfWork, actor: Actor, environment: Environment, action: str) -> NewEnvironment:
    """What a new environment begins with: its log, its place and its keys."""
    await events.begin_log(uow, environment.id)
    await quotas.open_counts(uow, environment.id)
    place = Place(environment.id, environment.id, "env", environment.account_id)
    await places.add_place(uow, place)
    secret, publishable = await auth.create_environment_keys(uow, actor, environment.id, is_prod=environment.is_prod)
    await events.emit(uow, actor, "environment:created", place)
    await audit.record(uow, actor, action, environment.id, environment_id=environment.id)
    return NewEnvironment(environment, secret, publishable)


def _not_staged() -> Conflict:
    return Conflict("This import was given up meanwhile; nothing was made. Start it again.", "environmentId")


async def get_environment(uow: UnitOfWork, actor: Actor, environment_id: str) -> Environment:
    """One environment. Raises NotFound."""
    actor = require(actor, Permission.ENVIRONMENT_READ)
    await places.get_place(uow, actor, environment_id, "env", around=True)
    environment = await store.find_environment(uow, environment_id)
    if environment is None:
        raise places.not_found(environment_id, "env")
    return environment


async def list_environments(uow: UnitOfWork, actor: Actor, page: Page) -> Paged[Environment]:
    """The environments the caller reaches, or reaches something in: a key's own."""
    actor = require(actor, Permission.ENVIRONMENT_READ)
    items = await store.list_environments(uow, actor, page)
    return Paged(items, page, await store.count_environments(uow, actor))


async def update_environment(
    uow: UnitOfWork, actor: Actor, environment_id: str, change: EnvironmentChange
) -> Environment:
    """Change what ``change`` names."""
    actor = require(actor, Permission.ENVIRONMENT_WRITE)
    place = await places.get_place(uow, actor, environment_id, "env")
    before = await get_environment(uow, actor, environment_id)
    environment = _changed(uow, before, change)
    if environment.name != before.name:
        await _require_free_name(uow, environment)
    await store.update_environment(uow, environment)
    await events.emit(uow, actor, "environment:updated", place)
    await audit.record(uow, actor, "environment:update", environment_id, environment_id=environment_id)
    return environment


async def delete_environment(uow: UnitOfWork, actor: Actor, environment_id: str) -> None:
    """Delete an environment with everything in it; its keys stop at once."""
    actor = require(actor, Permission.ENVIRONMENT_WRITE)
    place = await places.get_place(uow, actor, environment_id, "env")
    await events.emit(uow, actor, "environment:deleted", place)
    await store.delete_environment(uow, environment_id)
    await quotas.release(uow, [place])
    await places.delete_place(uow, place)
    await accounts.bump_generation(uow, place.account_id)
    await audit.record(uow, actor, "environment:delete", environment_id, environment_id=environment_id)


async def take_sheet_numbers(uow: UnitOfWork, environment_id: str, count: int) -> int:
    """The first of ``count`` new sheet numbers of an environment; none is ever given twice."""
    first = await store.take_sheet_numbers(uow, environment_id, count)
    if first is None:
        raise places.not_found(environment_id, "env")
    return first


def _changed(uow: UnitOfWork, before: Environment, change: EnvironmentChange) -> Environment:
    named = {key: value for key, value in asdict(change).items() if value is not None}
    after = replace(before, **named, updated_at=uow.now)
    if not 1 <= len(after.name.strip()) <= 255:
        raise Invalid("name must have 1 to 255 characters.", "name")
    if not set(after.guest_authentication) <= set(GUEST_AUTHENTICATION):
        raise Invalid(f"guestAuthentication takes {' and '.join(GUEST_AUTHENTICATION)}.", "guestAuthentication")
    return after


async def _free_id(uow: UnitOfWork, environment_id: str) -> str:
    """An id of another server's, if it is one and no environment, live or deleted, has it here."""
    if not _FOREIGN_ID.fullmatch(environment_id):
        raise Invalid("id must be an environment's id such as us_env_Ba5Xn1Pq.", "id")
    if await store.is_taken(uow, environment_id):
        raise Conflict("There is already an environment with this id; import keys into that one.", "id")
    return environment_id


async def _require_free_name(uow: UnitOfWork, environment: Environment) -> None:
    taken = await store.list_ids_of_name(uow, environment.account_id, environment.name)
    if any(other != environment.id for other in taken):
        raise Conflict(f"There is already an environment named {environment.name!r}; choose another name.", "name")
