"""SQL of links."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, select, update

from sheetport.features.links.model import Link, Purpose
from sheetport.storage.statements import statement
from sheetport.storage.tables.auth import setup_links
from sheetport.storage.unit_of_work import UnitOfWork

_FIELDS = tuple(Link.__dataclass_fields__)
_INSERT = statement(insert(setup_links).values({name: bindparam(name) for name in (*_FIELDS, "fingerprint")}))
_BY_FINGERPRINT = statement(select(setup_links).where(setup_links.c.fingerprint == bindparam("fingerprint")))
_UNUSED = (setup_links.c.user_id == bindparam("user"), setup_links.c.used_at.is_(None))
_SPEND = statement(
    update(setup_links)
    .where(*_UNUSED, setup_links.c.purpose == bindparam("of_purpose"))
    .values(used_at=bindparam("at"))
)
_SPEND_ONE = statement(
    update(setup_links)
    .where(setup_links.c.id == bindparam("link"), setup_links.c.used_at.is_(None))
    .values(used_at=bindparam("at"))
)
_SPEND_OF_USER = statement(update(setup_links).where(*_UNUSED).values(used_at=bindparam("at")))
_SPEND_ALL = statement(update(setup_links).where(setup_links.c.used_at.is_(None)).values(used_at=bindparam("at")))


async def insert_link(uow: UnitOfWork, link: Link, fingerprint: bytes) -> None:
    row = {name: getattr(link, name) for name in _FIELDS}
    await uow.execute(_INSERT, {**row, "purpose": link.purpose.value, "fingerprint": fingerprint})


async def find_link(uow: UnitOfWork, fingerprint: bytes) -> Link | None:
    row = await uow.fetch_one(_BY_FINGERPRINT, {"fingerprint": fingerprint})
    if row is None:
        return None
    return Link(**{name: row[name] for name in _FIELDS} | {"purpose": Purpose(row["purpose"])})


async def spend_links(uow: UnitOfWork, user_id: str, purpose: Purpose) -> None:
    """End every unused link of a user for a purpose."""
    await uow.execute(_SPEND, {"user": user_id, "of_purpose": purpose.value, "at": uow.now})


async def spend_link(uow: UnitOfWork, link_id: str) -> bool:
    """End a link; False when it had ended."""
    return await uow.execute(_SPEND_ONE, {"link": link_id, "at": uow.now}) == 1


async def spend_links_of(uow: UnitOfWork, user_id: str) -> None:
    """End every unused link of a user."""
    await uow.execute(_SPEND_OF_USER, {"user": user_id, "at": uow.now})


async def spend_all_links(uow: UnitOfWork) -> None:
    """End every unused link of the server."""
    await uow.execute(_SPEND_ALL, {"at": uow.now})
