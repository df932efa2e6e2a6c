"""SQL of places."""

from __future__ import annotations

from dataclasses import asdict

from sqlalchemy import bindparam, insert, or_, select, update

from sheetport.features.places.model import Place
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import places
from sheetport.storage.unit_of_work import Row, UnitOfWork

_COLUMNS = tuple(column.name for column in places.columns if column.name != "deleted_at")
_INSERT = statement(insert(places).values({name: bindparam(name) for name in _COLUMNS}))
_BY_ID = statement(
    select(*(places.c[name] for name in _COLUMNS)).where(places.c.id == bindparam("id"), places.c.deleted_at.is_(None))
)
_MOVE = statement(
    update(places)
    .where(places.c.environment_id == bindparam("environment"), places.c.id == bindparam("place"))
    .values(slug=bindparam("new_slug"), namespace=bindparam("new_namespace"))
)
_INSIDE = or_(
    places.c.id == bindparam("place"),
    places.c.space_id == bindparam("place"),
    places.c.workbook_id == bindparam("place"),
    places.c.sheet_id == bindparam("place"),
)
_DELETE = statement(
    update(places)
    .where(places.c.environment_id == bindparam("environment"), places.c.deleted_at.is_(None), _INSIDE)
    .values(deleted_at=bindparam("at"))
)
#: The same for a place inside a space, whose other places the index leaves out.
_DELETE_IN_SPACE = statement(
    update(places)
    .where(
        places.c.environment_id == bindparam("environment"),
        places.c.space_id == bindparam("space"),
        places.c.deleted_at.is_(None),
        _INSIDE,
    )
    .values(deleted_at=bindparam("at"))
)
_DELETE_ALL = statement(
    update(places)
    .where(places.c.environment_id == bindparam("environment"), places.c.deleted_at.is_(None))
    .values(deleted_at=bindparam("at"))
)


def place_of(row: Row) -> Place:
    return Place(**{name: row[name] for name in _COLUMNS})


async def insert_place(uow: UnitOfWork, place: Place) -> None:
    await uow.execute(_INSERT, asdict(place))


async def insert_places(uow: UnitOfWork, made: list[Place]) -> None:
    await uow.execute_many(_INSERT, [asdict(place) for place in made])


async def find_place(uow: UnitOfWork, place_id: str) -> Place | None:
    row = await uow.fetch_one(_BY_ID, {"id": place_id})
    return None if row is None else place_of(row)


async def rename_place(uow: UnitOfWork, place: Place, slug: str | None, namespace: str | None) -> None:
    await uow.execute(
        _MOVE,
        {"environment": place.environment_id, "place": place.id, "new_slug": slug, "new_namespace": namespace},
    )


async def delete_inside(uow: UnitOfWork, place: Place) -> None:
    if place.kind == "env":
        await uow.execute(_DELETE_ALL, {"environment": place.environment_id, "at": uow.now})
        return
    named = {"environment": place.environment_id, "place": place.id, "at": uow.now}
    if place.space_id is None:
        await uow.execute(_DELETE, named)
    else:
        await uow.execute(_DELETE_IN_SPACE, {**named, "space": place.space_id})
