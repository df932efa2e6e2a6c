"""Environments whole: read for an export, made from an import.

An import lies in an environment that nothing finds until one transaction publishes it; one that was given up is
swept.
"""

from __future__ import annotations

from msgspec.structs import replace

from sheetport.config import QuotaSettings
from sheetport.features.actions import service as actions
from sheetport.features.apps import service as apps
from sheetport.features.audit import service as audit
from sheetport.features.documents import service as documents
from sheetport.features.environments import service as environments
from sheetport.features.jobs import service as jobs
from sheetport.features.quotas import service as quotas
from sheetport.features.records import service as records
from sheetport.features.records.model import RecordRow
from sheetport.features.secrets import service as secrets
from sheetport.features.sheets import service as sheets
from sheetport.features.spaces import service as spaces
from sheetport.features.spaces.model import Space, SpaceFilter
from sheetport.features.transfers.model import STALE, Draft, Imported, Outline
from sheetport.features.workbooks import service as workbooks
from sheetport.kernel.actor import Actor
from sheetport.kernel.paging import MAX_PAGE_SIZE, Page
from sheetport.storage.unit_of_work import UnitOfWork

#: How many records one turn of the sweep deletes.
_SWEPT = 5_000


async def record_export(uow: UnitOfWork, actor: Actor, environment_id: str) -> None:
    """Record that an environment is about to be read whole. Raises NotFound."""
    environment = await environments.get_environment(uow, actor, environment_id)
    await audit.record(uow, actor, "environment:export", environment.id, environment_id=environment.id)


async def read_outline(uow: UnitOfWork, actor: Actor, environment_id: str) -> Outline:
    """An environment with its spaces, their apps, and the names of its secrets. Raises NotFound."""
    environment = await environments.get_environment(uow, actor, environment_id)
    found = sorted(await _all_spaces(uow, actor, environment_id), key=lambda space: space.id)
    named = {space.app_id for space in found}
    used = [app for app in await apps.list_apps(uow, actor) if app.id in named]
    names = await secrets.list_names(uow, actor, environment_id)
    return Outline(environment, sorted(used, key=lambda app: app.id), found, names)


async def begin_import(uow: UnitOfWork, actor: Actor, name: str, sheet_count: int) -> str:
    """The id of an environment to be made, whose sheets have the numbers 1 to ``sheet_count``. Raises Conflict."""
    return await environments.stage_environment(uow, actor, name, sheet_count)


async def add_rows(uow: UnitOfWork, actor: Actor, environment_id: str, sheet_no: int, rows: list[RecordRow]) -> None:
    """Put records of one of its sheets into an environment to be made. Raises Conflict when it was given up."""
    await environments.touch_staged(uow, environment_id)
    await records.place_rows(uow, actor, environment_id, sheet_no, rows)


async def publish(uow: UnitOfWork, actor: Actor, draft: Draft, limits: QuotaSettings) -> Imported:
    """Make the environment with all that is in it.

    Raises Conflict when it was given up or its name is taken, TooLarge when it is more than an environment may hold.
    """
    made = await environments.publish_environment(uow, actor, draft.environment)
    own = {app.id: await apps.place_app(uow, actor, app) for app in draft.apps}
    chosen = [replace(space, app_id=own.get(space.app_id or "")) for space in draft.spaces]
    remarks = await spaces.place_spaces(uow, actor, chosen)
    await workbooks.place_workbooks(uow, actor, draft.workbooks)
    await sheets.place_sheets(uow, actor, [placed.sheet for placed in draft.sheets])
    for placed in draft.sheets:
        await records.count_placed(uow, actor, placed.sheet, placed.last, placed.size)
    await documents.place_documents(uow, actor, draft.documents)
    await actions.place_actions(uow, actor, draft.actions)
    await jobs.place_jobs(uow, actor, draft.jobs)
    rows, size = sum(placed.sheet.total for placed in draft.sheets), sum(placed.size for placed in draft.sheets)
    await quotas.count_records(uow, draft.environment.id, limits, rows, size)
    return Imported(draft.environment.id, made.secret_key.token, made.publishable_key.token, remarks)


async def give_up(uow: UnitOfWork, environment_id: str) -> bool:
    """Delete a part of an environment that was being made; True while there is more. One that is made stays."""
    if not await environments.is_staged(uow, environment_id):
        return False
    if await records.clear_rows(uow, environment_id, _SWEPT):
        return True
    await environments.forget_staged(uow, environment_id)
    return False


async def list_given_up(uow: UnitOfWork) -> list[str]:
    """Ids of environments that were being made until whoever made them died."""
    return await environments.list_stale(uow, STALE)


async def _all_spaces(uow: UnitOfWork, actor: Actor, environment_id: str) -> list[Space]:
    found: list[Space] = []
    wanted = SpaceFilter(environment_id=environment_id, archived=True)
    while True:
        page = await spaces.list_spaces(uow, actor, wanted, Page(len(found) // MAX_PAGE_SIZE + 1, MAX_PAGE_SIZE))
        found += page.items
        if len(found) >= page.total or not page.items:
            return found
