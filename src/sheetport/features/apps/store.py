"""SQL of apps."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, insert, select, update

from sheetport.features.apps.model import App
from sheetport.kernel.json import dumps, loads
from sheetport.storage.statements import statement
from sheetport.storage.tables.apps import apps
from sheetport.storage.unit_of_work import Row, UnitOfWork

_JSON = ("metadata", "environment_filters", "blueprint")
_FIELDS = tuple(App.__dataclass_fields__)
_INSERT = statement(insert(apps).values({name: bindparam(name) for name in _FIELDS}))
_CHANGED = tuple(name for name in _FIELDS if name not in {"id", "account_id", "type", "created_at"})
_UPDATE = statement(
    update(apps).where(apps.c.id == bindparam("app")).values({name: bindparam(f"new_{name}") for name in _CHANGED})
)
_DELETE = statement(update(apps).where(apps.c.id == bindparam("app")).values(deleted_at=bindparam("at")))
_OF_ACCOUNT = (apps.c.account_id == bindparam("account"), apps.c.deleted_at.is_(None))
_BY_ID = statement(select(apps).where(apps.c.id == bindparam("id"), *_OF_ACCOUNT))
_LIST = statement(select(apps).where(*_OF_ACCOUNT).order_by(apps.c.created_at, apps.c.id))


def _app(row: Row) -> App:
    values = {name: row[name] for name in _FIELDS}
    for name in _JSON:
        values[name] = loads(row[name] or "null")
    return App(**values)


def _row(app: App) -> dict[str, Any]:
    values = {name: getattr(app, name) for name in _FIELDS}
    for name in _JSON:
        values[name] = None if values[name] is None else dumps(values[name])
    return values


async def insert_app(uow: UnitOfWork, app: App) -> None:
    await uow.execute(_INSERT, _row(app))


async def update_app(uow: UnitOfWork, app: App) -> None:
    row = _row(app)
    await uow.execute(_UPDATE, {"app": app.id, **{f"new_{name}": row[name] for name in _CHANGED}})


async def delete_app(uow: UnitOfWork, app_id: str) -> None:
    await uow.execute(_DELETE, {"app": app_id, "at": uow.now})


async def find_app(uow: UnitOfWork, account_id: str, app_id: str) -> App | None:
    row = await uow.fetch_one(_BY_ID, {"account": account_id, "id": app_id})
    return None if row is None else _app(row)


async def list_apps(uow: UnitOfWork, account_id: str) -> list[App]:
    return [_app(row) for row in await uow.fetch_all(_LIST, {"account": account_id})]
