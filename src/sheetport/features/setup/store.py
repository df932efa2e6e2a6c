"""SQL of set-up links."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, select, update

from sheetport.features.setup.model import SetupLink
from sheetport.storage.statements import statement
from sheetport.storage.tables.auth import setup_links
from sheetport.storage.unit_of_work import UnitOfWork

_FIELDS = tuple(SetupLink.__dataclass_fields__)
_INSERT = statement(insert(setup_links).values({name: bindparam(name) for name in (*_FIELDS, "fingerprint")}))
_BY_FINGERPRINT = statement(select(setup_links).where(setup_links.c.fingerprint == bindparam("fingerprint")))
_SPEND = statement(
    update(setup_links)
    .where(setup_links.c.user_id == bindparam("user"), setup_links.c.used_at.is_(None))
    .values(used_at=bindparam("at"))
)
_SPEND_ALL = statement(update(setup_links).where(setup_links.c.used_at.is_(None)).values(used_at=bindparam("at")))


async def insert_link(uow: UnitOfWork, link: SetupLink, fingerprint: bytes) -> None:
    await uow.execute(_INSERT, {name: getattr(link, name) for name in _FIELDS} | {"fingerprint": fingerprint})


async def find_link(uow: UnitOfWork, fingerprint: bytes) -> SetupLink | None:
    row = await uow.fetch_one(_BY_FINGERPRINT, {"fingerprint": fingerprint})
    return None if row is None else SetupLink(**{name: row[name] for name in _FIELDS})


async def spend_links(uow: UnitOfWork, user_id: str) -> int:
    """End every unused link of a user; how many there were."""
    return await uow.execute(_SPEND, {"user": user_id, "at": uow.now})


async def spend_all_links(uow: UnitOfWork) -> None:
    """End every unused link of the server."""
    await uow.execute(_SPEND_ALL, {"at": uow.now})
