"""Actions, by themselves and as part of what they are on: one row each, whichever way they come."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sheetport.features.actions import store
from sheetport.features.actions.model import TARGETS, Action, refuse_misplaced_constraints, replacement
from sheetport.features.audit import service as audit
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import Permission, require
from sheetport.kernel.storable import json_path
from sheetport.storage.unit_of_work import UnitOfWork


async def list_actions(uow: UnitOfWork, actor: Actor, space_id: str | None) -> list[Action]:
    """The actions of a space and of what lies in it, as far as the caller reaches. Raises NotFound."""
    actor = require(actor, Permission.ACTION_READ)
    found = await store.list_of_space(uow, await _space(uow, actor, space_id))
    return [action for action in found if actor.reaches(action.account_id, *action.place.path)]


async def get_action(uow: UnitOfWork, actor: Actor, action_id: str) -> Action:
    """One action. Raises NotFound."""
    actor = require(actor, Permission.ACTION_READ)
    return await _find(uow, actor, action_id)


async def find_action_on(uow: UnitOfWork, target: Place, operation: str) -> Action | None:
    """The action that starts jobs of this operation where ``target``, which the caller was found to reach, shows it.

    Its own come first, then those of its workbook and its space that are mounted on things like it.
    """
    owners = dict.fromkeys(owner for owner in (target.id, target.workbook_id, target.space_id) if owner is not None)
    for owner in owners if target.kind in TARGETS else ():
        for action in await store.list_of_target(uow, replace(target, id=owner)):
            if action.operation == operation and action.is_shown_on(target):
                return action
    return None


async def create_actions(
    uow: UnitOfWork, actor: Actor, space_id: str | None, configs: list[dict[str, Any]], *, single: bool = False
) -> list[Action]:
    """New actions, each last among those of its ``targetId``, all or none.

    ``configs`` are checked wire objects: the body's items, or (``single``) the body itself.
    """
    actor = require(actor, Permission.ACTION_WRITE)
    space = await _space(uow, actor, space_id)
    made = []
    for index, config in enumerate(configs):
        path = "" if single else json_path("", index)
        target = await _target(uow, actor, space, config["targetId"], json_path(path, "targetId"))
        described = {name: member for name, member in config.items() if name != "targetId"}
        refuse_misplaced_constraints(described, TARGETS[target.kind], path)
        await store.lock_target(uow, target)
        known = await store.list_of_target(uow, target)
        made.append(await _add(uow, actor, target, described, known[-1].ordinal + 1 if known else 0))
        await store.tell_target(uow, target)
    return made


async def update_action(uow: UnitOfWork, actor: Actor, action_id: str, changes: dict[str, Any]) -> Action:
    """Change the members that ``changes``, a checked wire object, names; what it is on shows it at once."""
    actor = require(actor, Permission.ACTION_WRITE)
    target = await _target_of(uow, actor, await _find(uow, actor, action_id))
    await store.lock_target(uow, target)
    before = await _find(uow, actor, action_id)
    config = {**before.config, **changes}
    if changes.keys() & {"constraints", "mount"}:
        refuse_misplaced_constraints(config, TARGETS[target.kind], "")
    after = await _change(uow, actor, target, replace(before, config=config, updated_at=uow.now))
    await store.tell_target(uow, target)
    return after


async def delete_action(uow: UnitOfWork, actor: Actor, action_id: str) -> None:
    """Delete an action, here and from what it is on."""
    actor = require(actor, Permission.ACTION_WRITE)
    target = await _target_of(uow, actor, await _find(uow, actor, action_id))
    await store.lock_target(uow, target)
    await _delete(uow, actor, target, await _find(uow, actor, action_id))
    await store.tell_target(uow, target)


async def place_actions(uow: UnitOfWork, actor: Actor, made: list[Action]) -> None:
    """Put whole actions, which their targets show already, into an environment that is being made, telling nobody."""
    actor = require(actor, Permission.ENVIRONMENT_CREATE)
    await store.insert_actions(uow, made)
    await places.add_places(uow, [action.place for action in made])


# ---- for the slices whose things have actions; they have checked what the caller may do ------------


async def add_actions(uow: UnitOfWork, actor: Actor, target: Place, configs: list[dict[str, Any]] | None) -> None:
    """The actions of a new ``target``, which its slice has written beside it."""
    for ordinal, config in enumerate(configs or []):
        await _add(uow, actor, target, config, ordinal)


async def replace_actions(uow: UnitOfWork, actor: Actor, target: Place, configs: list[dict[str, Any]] | None) -> None:
    """Make ``configs`` the actions of ``target``. One whose operation stays keeps its id."""
    await store.lock_target(uow, target)
    known = await store.list_of_target(uow, target)
    if [action.config for action in known] == (configs or []):
        return
    change = replacement(known, configs or [])
    for action in change.gone:
        await _delete(uow, actor, target, action)
    for action, config, ordinal in change.kept:
        if action.config != config:
            await _change(uow, actor, target, replace(action, config=config, ordinal=ordinal, updated_at=uow.now))
        elif action.ordinal != ordinal:
            await store.update_action(uow, replace(action, ordinal=ordinal))
    for ordinal, config in change.added:
        await _add(uow, actor, target, config, ordinal)
    await store.tell_target(uow, target)


async def delete_actions_of(uow: UnitOfWork, target: Place) -> None:
    """Forget the actions of a deleted ``target`` whose place nothing lies in."""
    for action in await store.list_of_target(uow, target):
        await places.delete_place(uow, action.place)
    await store.delete_of_target(uow, target)


# ---- finding --------------------------------------------------------------------------------------


async def _find(uow: UnitOfWork, actor: Actor, action_id: str) -> Action:
    place = await places.get_place(uow, actor, action_id, "act")
    action = await store.find_action(uow, place.environment_id, action_id)
    if action is None:
        raise places.not_found(action_id, "act")
    return action


async def _space(uow: UnitOfWork, actor: Actor, space_id: str | None) -> Place:
    chosen = space_id or actor.space_id
    if chosen is None:
        raise Invalid("spaceId: say which space's actions, as ?spaceId=….", "spaceId")
    return await places.get_place(uow, actor, chosen, "sp", around=True)


async def _target(uow: UnitOfWork, actor: Actor, space: Place, target_id: str, key: str) -> Place:
    target = await places.find_place(uow, actor, target_id)
    if target is None or target.space_id != space.id or target.kind not in TARGETS:
        words = "the space, or a workbook, sheet or document in it"
        raise NotFound(f"{key}: there is nothing {target_id[:60]!r} to put an action on; name {words}.", key)
    return target


async def _target_of(uow: UnitOfWork, actor: Actor, action: Action) -> Place:
    target = await places.find_place(uow, actor, action.target_id)
    if target is None:
        raise places.not_found(action.id, "act")
    return target


# ---- changing, with what is told of it --------------------------------------------------------------


async def _add(uow: UnitOfWork, actor: Actor, target: Place, config: dict[str, Any], ordinal: int) -> Action:
    action = Action(
        environment_id=target.environment_id,
        id=new_id("act", target.environment_id),
        account_id=target.account_id,
        space_id=target.space_id or "",
        target_id=target.id,
        ordinal=ordinal,
        config=config,
        created_at=uow.now,
        updated_at=uow.now,
        workbook_id=target.workbook_id,
        sheet_id=target.sheet_id,
    )
    await store.insert_action(uow, action)
    await places.add_place(uow, action.place)
    await _tell(uow, actor, target, action, "create")
    return action


async def _change(uow: UnitOfWork, actor: Actor, target: Place, action: Action) -> Action:
    await store.update_action(uow, action)
    await _tell(uow, actor, target, action, "update")
    return action


async def _delete(uow: UnitOfWork, actor: Actor, target: Place, action: Action) -> None:
    await _tell(uow, actor, target, action, "delete")
    await store.delete_action(uow, action)
    await places.delete_place(uow, action.place)


async def _tell(uow: UnitOfWork, actor: Actor, target: Place, action: Action, verb: str) -> None:
    await events.emit(uow, actor, f"action:{verb}d", target, context={"actionId": action.id})
    await audit.record(uow, actor, f"action:{verb}", action.id, environment_id=action.environment_id)
