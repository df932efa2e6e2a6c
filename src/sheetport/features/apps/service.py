"""Apps of an account. One of them is its landing app, home of the spaces that name none."""

from __future__ import annotations

from dataclasses import asdict, replace

from sheetport.features.accounts import service as accounts
from sheetport.features.apps import store
from sheetport.features.apps.model import App, AppChange
from sheetport.features.audit import service as audit
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Conflict, Invalid, NotFound
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

DEFAULT_APP = AppChange(name="Projects", namespace="projects", type="PROJECTS", entity="Project")


async def create_default_app(uow: UnitOfWork, actor: Actor) -> App:
    """The app that every new account begins with, its landing app."""
    app = await create_app(uow, actor, DEFAULT_APP)
    await accounts.set_default_app(uow, actor.account_id, app.id)
    return app


async def create_app(uow: UnitOfWork, actor: Actor, change: AppChange) -> App:
    """A new app. ``entity`` defaults to "Space", its plural to the entity with an s."""
    actor = require(actor, Permission.APP_WRITE)
    entity = change.entity or "Space"
    empty = App(
        id=new_id("app", actor.account_id),
        account_id=actor.account_id,
        name="",
        namespace="",
        type="",
        entity=entity,
        entity_plural=f"{entity}s",
        created_at=uow.now,
        updated_at=uow.now,
    )
    app = _changed(uow, empty, change)
    await store.insert_app(uow, app)
    await audit.record(uow, actor, "app:create", app.id)
    return app


async def place_app(uow: UnitOfWork, actor: Actor, app: App) -> str:
    """The id of the account's app that is ``app``: the one of its id, else one that says the same, else a new one."""
    actor = require(actor, Permission.APP_WRITE)
    own = await store.list_apps(uow, actor.account_id)
    found = [each for each in own if each.id == app.id] or [each for each in own if _same(each, app)]
    if found:
        return found[0].id
    made = replace(app, id=new_id("app", actor.account_id), account_id=actor.account_id)
    await store.insert_app(uow, made)
    await audit.record(uow, actor, "app:create", made.id)
    return made.id


async def get_app(uow: UnitOfWork, actor: Actor, app_id: str) -> App:
    """One app of the caller's account. Raises NotFound."""
    actor = require(actor, Permission.APP_READ)
    app = await find_app(uow, actor, app_id)
    if app is None:
        raise NotFound(f"There is no app {app_id[:60]!r} that this token can reach.", "appId")
    return app


async def find_app(uow: UnitOfWork, actor: Actor, app_id: str) -> App | None:
    """An app of the caller's account, whatever the caller may read of it."""
    return await store.find_app(uow, actor.account_id, app_id)


async def list_apps(uow: UnitOfWork, actor: Actor) -> list[App]:
    """The apps of the caller's account, oldest first."""
    actor = require(actor, Permission.APP_READ)
    return await store.list_apps(uow, actor.account_id)


async def update_app(uow: UnitOfWork, actor: Actor, app_id: str, change: AppChange) -> App:
    """Change what ``change`` names."""
    actor = require(actor, Permission.APP_WRITE)
    app = _changed(uow, await get_app(uow, actor, app_id), change)
    await store.update_app(uow, app)
    await audit.record(uow, actor, "app:update", app_id)
    return app


async def delete_app(uow: UnitOfWork, actor: Actor, app_id: str) -> None:
    """Delete an app that is not the landing app; its spaces stay."""
    actor = require(actor, Permission.APP_WRITE)
    await get_app(uow, actor, app_id)
    account = await accounts.get_current_account(uow, actor)
    if account.default_app_id == app_id:
        raise Conflict("This is the account's landing app: choose another as defaultAppId first.", "appId")
    await store.delete_app(uow, app_id)
    await audit.record(uow, actor, "app:delete", app_id)


def _same(one: App, other: App) -> bool:
    """Whether two apps differ in nothing that people see."""
    return replace(one, id="", account_id="", created_at=0, updated_at=0, activated_at=None) == replace(
        other, id="", account_id="", created_at=0, updated_at=0, activated_at=None
    )


def _changed(uow: UnitOfWork, before: App, change: AppChange) -> App:
    named = {key: value for key, value in asdict(change).items() if value is not None}
    after = replace(before, **named, updated_at=uow.now)
    for name, value in (("name", after.name), ("namespace", after.namespace)):
        if not 1 <= len(value.strip()) <= 255:
            raise Invalid(f"{name} must have 1 to 255 characters.", name)
    return after
