"""Sheets. A sheet is made and reconfigured through its workbook; by itself it is read, renamed and deleted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sheetport.features.actions import service as actions
from sheetport.features.audit import service as audit
from sheetport.features.environments import service as environments
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.quotas import service as quotas
from sheetport.features.sheets import store
from sheetport.features.sheets.model import Sheet, with_slots
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def create_sheets(
    uow: UnitOfWork, actor: Actor, workbook: Place, configs: list[dict[str, Any]], first_ordinal: int = 0
) -> list[Sheet]:
    """New sheets of a workbook that the caller may change, in order.

    ``configs`` are checked wire objects, each with a slug.
    """
    if not configs:
        return []
    first_no = await environments.take_sheet_numbers(uow, workbook.environment_id, len(configs))
    made = [
        _new_sheet(uow, workbook, config, first_no + index, first_ordinal + index)
        for index, config in enumerate(configs)
    ]
    await store.insert_sheets(uow, made)
    for sheet in made:
        await places.add_place(uow, sheet.place)
        await events.emit(uow, actor, "sheet:created", sheet.place)
        await audit.record(uow, actor, "sheet:create", sheet.id, environment_id=sheet.environment_id)
        await actions.add_actions(uow, actor, sheet.place, sheet.config.get("actions"))
    return made


async def place_sheets(uow: UnitOfWork, actor: Actor, made: list[Sheet]) -> None:
    """Put whole sheets, their numbers taken, into an environment that is being made, telling nobody."""
    actor = require(actor, Permission.ENVIRONMENT_CREATE)
    await store.insert_sheets(uow, made)
    await places.add_places(uow, [sheet.place for sheet in made])


async def get_sheet(uow: UnitOfWork, actor: Actor, sheet_id: str) -> Sheet:
    """One sheet with its counters. Raises NotFound."""
    actor = require(actor, Permission.SHEET_READ)
    place = await places.get_place(uow, actor, sheet_id, "sh")
    sheet = await store.find_sheet(uow, place.environment_id, sheet_id)
    if sheet is None:
        raise places.not_found(sheet_id, "sh")
    return sheet


async def find_sheet(uow: UnitOfWork, place: Place) -> Sheet | None:
    """The sheet of a place that the caller was found to reach; None if there is none."""
    return await store.find_sheet(uow, place.environment_id, place.id)


async def list_sheets(uow: UnitOfWork, actor: Actor, workbook_id: str) -> list[Sheet]:
    """The sheets of a workbook that the caller reaches, in order. Raises NotFound."""
    actor = require(actor, Permission.SHEET_READ)
    workbook = await places.get_place(uow, actor, workbook_id, "wb", around=True)
    found = await store.list_of_workbook(uow, workbook.environment_id, workbook_id)
    return [sheet for sheet in found if actor.reaches(sheet.account_id, *sheet.place.path)]


async def list_sheets_of(uow: UnitOfWork, actor: Actor, workbooks: list[Place]) -> dict[str, list[Sheet]]:
    """The sheets that the caller reaches of workbooks that it has been found to see, by workbook id."""
    actor = require(actor, Permission.SHEET_READ)
    found: dict[str, list[Sheet]] = {workbook.id: [] for workbook in workbooks}
    for sheet in await store.list_of_workbooks(uow, workbooks):
        if actor.reaches(sheet.account_id, *sheet.place.path):
            found[sheet.workbook_id].append(sheet)
    return found


async def update_sheet(uow: UnitOfWork, actor: Actor, sheet_id: str, patch: dict[str, Any]) -> Sheet:
    """Change a sheet's ``name``, ``slug`` or ``metadata``; what is absent stays."""
    actor = require(actor, Permission.SHEET_WRITE)
    sheet = await get_sheet(uow, actor, sheet_id)
    if patch.get("slug", sheet.slug) != sheet.slug:
        siblings = await store.list_of_workbook(uow, sheet.environment_id, sheet.workbook_id)
        if any(other.slug == patch["slug"] for other in siblings):
            raise Invalid(f"The workbook already has a sheet {patch['slug']!r}; choose another slug.", "slug")
    named = {name: value for name, value in patch.items() if name in {"name", "slug", "metadata"}}
    return await configure_sheet(uow, actor, sheet, {**sheet.config, **named})


async def configure_sheet(
    uow: UnitOfWork, actor: Actor, sheet: Sheet, config: dict[str, Any], namespace: str | None = None
) -> Sheet:
    """Give a sheet a whole new checked configuration. A field whose key stays keeps its values."""
    actor = require(actor, Permission.SHEET_WRITE)
    slots, next_slot = with_slots(sheet.slots, sheet.next_slot, config["fields"])
    after = replace(
        sheet,
        name=config["name"],
        slug=config["slug"],
        namespace=namespace or sheet.namespace,
        config=config,
        slots=slots,
        next_slot=next_slot,
        metadata=config.get("metadata"),
        updated_at=uow.now,
    )
    await store.update_sheet(uow, after)
    await places.rename_place(uow, after.place, after.slug, after.namespace)
    await events.emit(uow, actor, "sheet:updated", after.place)
    await audit.record(uow, actor, "sheet:update", after.id, environment_id=after.environment_id)
    if "actions" in config or "actions" in sheet.config:
        await actions.replace_actions(uow, actor, after.place, config.get("actions"))
    return after


async def delete_sheet(uow: UnitOfWork, actor: Actor, sheet_id: str) -> None:
    """Delete a sheet with its records."""
    actor = require(actor, Permission.SHEET_WRITE)
    sheet = await get_sheet(uow, actor, sheet_id)
    await _delete(uow, actor, sheet)
    await quotas.release(uow, [sheet.place])


async def delete_sheets_of(uow: UnitOfWork, actor: Actor, workbook: Place) -> None:
    """Delete every sheet of a workbook that is being deleted."""
    actor = require(actor, Permission.WORKBOOK_WRITE)
    for sheet in await store.list_of_workbook(uow, workbook.environment_id, workbook.id):
        await _delete(uow, actor, sheet)
    await quotas.release(uow, [workbook])


async def _delete(uow: UnitOfWork, actor: Actor, sheet: Sheet) -> None:
    await events.emit(uow, actor, "sheet:deleted", sheet.place)
    await store.delete_sheet(uow, sheet)
    await places.delete_place(uow, sheet.place)
    await audit.record(uow, actor, "sheet:delete", sheet.id, environment_id=sheet.environment_id)


def _new_sheet(uow: UnitOfWork, workbook: Place, config: dict[str, Any], sheet_no: int, ordinal: int) -> Sheet:
    slots, next_slot = with_slots({}, 0, config["fields"])
    return Sheet(
        environment_id=workbook.environment_id,
        id=new_id("sh", workbook.environment_id),
        account_id=workbook.account_id,
        space_id=workbook.space_id or "",
        workbook_id=workbook.id,
        sheet_no=sheet_no,
        ordinal=ordinal,
        name=config["name"],
        slug=config["slug"],
        config=config,
        created_at=uow.now,
        updated_at=uow.now,
        slots=slots,
        next_slot=next_slot,
        metadata=config.get("metadata"),
    )
