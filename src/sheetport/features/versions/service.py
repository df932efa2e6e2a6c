"""Versions. Each write to a sheet makes a commit of its own; a version is recorded, and joins none of them."""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.records import service as records
from sheetport.features.versions import store
from sheetport.features.versions.model import Version
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def create_version(uow: UnitOfWork, actor: Actor, sheet_id: str | None, parent_version_id: str | None) -> Version:
    """A new version of a sheet, which may be named by the parent (a version or a commit) alone. Raises NotFound."""
    actor = require(actor, Permission.RECORD_WRITE)
    if sheet_id is None and parent_version_id is None:
        raise Invalid("sheetId: say of which sheet.", "sheetId")
    parent_sheet = None if parent_version_id is None else await _sheet_of(uow, actor, parent_version_id)
    if sheet_id is not None and parent_sheet not in {None, sheet_id}:
        raise Invalid("parentVersionId: that version is of another sheet.", "parentVersionId")
    sheet = await places.get_place(uow, actor, sheet_id or parent_sheet or "", "sh")
    made = Version(new_id("vr", sheet.environment_id), sheet, parent_version_id, actor.id, uow.now)
    await store.insert_version(uow, made)
    await places.add_place(uow, made.place)
    await audit.record(uow, actor, "version:create", made.id, environment_id=sheet.environment_id)
    return made


async def _sheet_of(uow: UnitOfWork, actor: Actor, version_id: str) -> str:
    found: Place | None = await places.find_place(uow, actor, version_id)
    if found is not None and found.kind == "vr" and found.sheet_id is not None:
        return found.sheet_id
    return (await records.get_commit(uow, actor, version_id)).sheet_id
