"""Stored constraints of an app. A change makes a new version; the versions before it stay as they were."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.apps import service as apps
from sheetport.features.audit import service as audit
from sheetport.features.constraints import store
from sheetport.features.constraints.model import Constraint, ConstraintChange, validator_of
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Conflict, Invalid, NotFound
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_constraints(uow: UnitOfWork, actor: Actor, app_id: str) -> list[Constraint]:
    """The constraints of an app in their newest versions, oldest first. Raises NotFound."""
    app = await apps.get_app(uow, actor, app_id)
    return await store.list_constraints(uow, app.account_id, app.id)


async def get_constraint(uow: UnitOfWork, actor: Actor, app_id: str, constraint_id: str) -> Constraint:
    """One constraint in its newest version. Raises NotFound."""
    app = await apps.get_app(uow, actor, app_id)
    found = await store.find_constraint(uow, app.account_id, app.id, constraint_id)
    return _found(found, constraint_id)


async def list_versions(uow: UnitOfWork, actor: Actor, app_id: str, constraint_id: str) -> list[Constraint]:
    """Every version of a constraint, the first one first. Raises NotFound."""
    app = await apps.get_app(uow, actor, app_id)
    found = await store.list_versions(uow, app.account_id, app.id, constraint_id)
    _found(found[0] if found else None, constraint_id)
    return found


async def get_version(uow: UnitOfWork, actor: Actor, app_id: str, constraint_id: str, version: int) -> Constraint:
    """One version of a constraint. Raises NotFound."""
    newest = await get_constraint(uow, actor, app_id, constraint_id)
    if not 1 <= version <= newest.version:
        raise NotFound(f"This constraint has the versions 1 to {newest.version}.", "version")
    found = await store.find_version(uow, newest.account_id, newest.app_id, constraint_id, version)
    return _found(found, constraint_id)


async def create_constraint(uow: UnitOfWork, actor: Actor, app_id: str, change: ConstraintChange) -> Constraint:
    """A new constraint, version 1. Raises NotFound, Invalid, and Conflict where its app has one of that name."""
    actor = require(actor, Permission.APP_WRITE)
    app = await apps.get_app(uow, actor, app_id)
    if change.app_id not in {None, app.id}:
        raise Invalid("appId: name the app of the address, or leave it out.", "appId")
    empty = Constraint(
        account_id=app.account_id,
        id=new_id("con", app.account_id),
        app_id=app.id,
        validator=validator_of(change),
        version=1,
        created_at=uow.now,
        updated_at=uow.now,
    )
    made = change.applied_to(empty)
    if not await store.insert_constraint(uow, made):
        raise Conflict(f"The app has a constraint {made.validator[:60]!r} already: update that one.", "validator")
    await audit.record(uow, actor, "constraint:create", made.id)
    return made


async def update_constraint(
    uow: UnitOfWork, actor: Actor, app_id: str, constraint_id: str, change: ConstraintChange
) -> Constraint:
    """Change what ``change`` names: a new version, unless nothing differs. Raises NotFound, Invalid."""
    actor = require(actor, Permission.APP_WRITE)
    await store.lock_constraint(uow, actor.account_id, constraint_id)
    before = await get_constraint(uow, actor, app_id, constraint_id)
    after = change.applied_to(before)
    if after == before:
        return before
    after = replace(after, version=before.version + 1, updated_at=uow.now)
    await store.add_version(uow, after)
    await audit.record(uow, actor, "constraint:update", after.id)
    return after


async def delete_constraint(uow: UnitOfWork, actor: Actor, app_id: str, constraint_id: str) -> None:
    """Delete a constraint with its versions; fields that name it keep its name. Raises NotFound."""
    actor = require(actor, Permission.APP_WRITE)
    await store.lock_constraint(uow, actor.account_id, constraint_id)
    await store.delete_constraint(uow, await get_constraint(uow, actor, app_id, constraint_id))
    await audit.record(uow, actor, "constraint:delete", constraint_id)


def _found(constraint: Constraint | None, constraint_id: str) -> Constraint:
    if constraint is None:
        raise NotFound(f"There is no constraint {constraint_id[:60]!r} of this app.", "constraintId")
    return constraint
