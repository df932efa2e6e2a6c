"""Workbooks and, through them, their sheets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sheetport.features.actions import service as actions
from sheetport.features.audit import service as audit
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.sheets import service as sheets
from sheetport.features.sheets.model import Sheet
from sheetport.features.spaces import service as spaces
from sheetport.features.workbooks import store
from sheetport.features.workbooks.model import Workbook, WorkbookChange, WorkbookFilter, match_sheets
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

_ELSEWHERE = {"space_id", "environment_id", "sheets"}


async def create_workbook(uow: UnitOfWork, actor: Actor, change: WorkbookChange) -> Workbook:
    """A new workbook with its sheets, in the space that ``change`` names or the space token's own."""
    actor = require(actor, Permission.WORKBOOK_WRITE)
    space_id = change.space_id or actor.space_id
    if space_id is None:
        raise Invalid("spaceId is required: say in which space.", "spaceId")
    space = await places.get_place(uow, actor, space_id, "sp")
    return await add_workbook(uow, actor, space, change)


async def add_workbook(uow: UnitOfWork, actor: Actor, space: Place, change: WorkbookChange) -> Workbook:
    """:func:`create_workbook` in a space that the caller has been found to reach."""
    if change.environment_id not in {None, space.environment_id}:
        raise Invalid("environmentId: the space is in another environment.", "environmentId")
    workbook = Workbook(
        environment_id=space.environment_id,
        id=new_id("wb", space.environment_id),
        account_id=space.account_id,
        space_id=space.id,
        created_at=uow.now,
        updated_at=uow.now,
    )
    workbook = _changed(uow, workbook, change)
    await store.insert_workbook(uow, workbook)
    await places.add_place(uow, workbook.place)
    await spaces.count_workbooks(uow, workbook.place, +1)
    await _tell(uow, actor, workbook.place, "create")
    await actions.add_actions(uow, actor, workbook.place, workbook.actions)
    return replace(workbook, sheets=await sheets.create_sheets(uow, actor, workbook.place, change.sheets or []))


async def place_workbooks(uow: UnitOfWork, actor: Actor, made: list[Workbook]) -> None:
    """Put whole workbooks, without their sheets, into an environment that is being made, telling nobody."""
    actor = require(actor, Permission.ENVIRONMENT_CREATE)
    await store.insert_workbooks(uow, made)
    await places.add_places(uow, [workbook.place for workbook in made])


async def get_workbook(uow: UnitOfWork, actor: Actor, workbook_id: str) -> Workbook:
    """One workbook with those of its sheets that the caller reaches. Raises NotFound."""
    actor = require(actor, Permission.WORKBOOK_READ)
    place = await places.get_place(uow, actor, workbook_id, "wb", around=True)
    workbook = await store.find_workbook(uow, place.environment_id, workbook_id)
    if workbook is None:
        raise places.not_found(workbook_id, "wb")
    return replace(workbook, sheets=await sheets.list_sheets(uow, actor, workbook_id))


async def list_workbooks(
    uow: UnitOfWork, actor: Actor, chosen: WorkbookFilter, *, with_sheets: bool = True
) -> list[Workbook]:
    """The workbooks the caller reaches, oldest first: a key's environment's, a space token's space's."""
    actor = require(actor, Permission.WORKBOOK_READ)
    if chosen.space_id is not None:
        await places.get_place(uow, actor, chosen.space_id, "sp", around=True)
    found = await store.list_workbooks(uow, actor, chosen)
    if not with_sheets:
        return found
    theirs = await sheets.list_sheets_of(uow, actor, [workbook.place for workbook in found])
    return [replace(workbook, sheets=theirs[workbook.id]) for workbook in found]


async def update_workbook(uow: UnitOfWork, actor: Actor, workbook_id: str, change: WorkbookChange) -> Workbook:
    """Change what ``change`` names.

    Each item of ``sheets`` changes the sheet with its id or, without an id, with its slug; one that is
    neither and has a name and fields is added. Sheets that are not named stay as they are.
    """
    actor = require(actor, Permission.WORKBOOK_WRITE)
    await places.get_place(uow, actor, workbook_id, "wb")
    before = await get_workbook(uow, actor, workbook_id)
    if change.space_id not in {None, before.space_id}:
        raise Invalid("spaceId: a workbook cannot move to another space.", "spaceId")
    if change.environment_id not in {None, before.environment_id}:
        raise Invalid("environmentId: a workbook cannot move to another environment.", "environmentId")
    after = _changed(uow, before, change)
    await store.update_workbook(uow, after)
    await places.rename_place(uow, after.place, None, after.namespace)
    await _tell(uow, actor, after.place, "update")
    if change.actions is not None:
        await actions.replace_actions(uow, actor, after.place, after.actions)
    await _update_sheets(uow, actor, after, change.sheets or [])
    return await get_workbook(uow, actor, workbook_id)


async def delete_workbook(uow: UnitOfWork, actor: Actor, workbook_id: str) -> None:
    """Delete a workbook with its sheets and their records."""
    actor = require(actor, Permission.WORKBOOK_WRITE)
    place = await places.get_place(uow, actor, workbook_id, "wb")
    await sheets.delete_sheets_of(uow, actor, place)
    await _tell(uow, actor, place, "delete")
    await store.delete_workbook(uow, place.environment_id, workbook_id)
    await places.delete_place(uow, place)
    await spaces.count_workbooks(uow, place, -1)


async def _update_sheets(uow: UnitOfWork, actor: Actor, workbook: Workbook, updates: list[dict[str, Any]]) -> None:
    known: list[Sheet] = workbook.sheets or []
    changed, added = match_sheets(known, updates)
    for sheet, config, namespace in changed:
        await sheets.configure_sheet(uow, actor, sheet, config, namespace)
    first = max((sheet.ordinal for sheet in known), default=-1) + 1
    await sheets.create_sheets(uow, actor, workbook.place, added, first)


def _changed(uow: UnitOfWork, before: Workbook, change: WorkbookChange) -> Workbook:
    named = {name: getattr(change, name) for name in WorkbookChange.__dataclass_fields__ if name not in _ELSEWHERE}
    named = {name: value for name, value in named.items() if value is not None}
    after = replace(before, **named, updated_at=uow.now)
    if not 1 <= len((after.name or "").strip()) <= 255:
        raise Invalid("name must have 1 to 255 characters.", "name")
    return replace(after, namespace=after.namespace or None)


async def _tell(uow: UnitOfWork, actor: Actor, place: Place, verb: str) -> None:
    await events.emit(uow, actor, f"workbook:{verb}d", place)
    await audit.record(uow, actor, f"workbook:{verb}", place.id, environment_id=place.environment_id)
