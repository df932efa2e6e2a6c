"""SQL of guests, of their access to spaces, and of the links that sign them in."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, delete, or_, select, update

# Its ON CONFLICT reads the same on both databases; a plain insert has none.
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.guests.model import Access, Door, Guest, Link, LinkKind, Part
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.mailboxes import address_key
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import environments
from sheetport.storage.tables.guests import guest_link_requests, guest_links, guest_spaces, guests
from sheetport.storage.tables.spaces import spaces
from sheetport.storage.unit_of_work import Row, UnitOfWork

MOST = 10_000
_FIELDS = tuple(name for name in Guest.__dataclass_fields__ if name != "spaces")
_GUEST = (guests.c.environment_id == bindparam("environment"), guests.c.id == bindparam("guest"))
_ACCESS = (
    guest_spaces.c.environment_id == bindparam("environment"),
    guest_spaces.c.guest_id == bindparam("guest"),
    guest_spaces.c.space_id == bindparam("space"),
)
_LINKS = (
    guest_links.c.environment_id == bindparam("environment"),
    guest_links.c.guest_id == bindparam("guest"),
    or_(bindparam("space", type_=guest_links.c.space_id.type).is_(None), guest_links.c.space_id == bindparam("space")),
)
_INSERT = statement(
    insert(guests).values({name: bindparam(name) for name in (*_FIELDS, "email_key")}).on_conflict_do_nothing()
)
_UPDATE = statement(
    update(guests)
    .where(*_GUEST)
    .values(
        name=bindparam("new_name"),
        email=bindparam("new_email"),
        email_key=bindparam("new_key"),
        token_generation=bindparam("new_generation"),
        updated_at=bindparam("at"),
    )
)
_DELETE = statement(delete(guests).where(*_GUEST))
_LIVE = (
    select(guests)
    .join(environments, environments.c.id == guests.c.environment_id)
    .where(environments.c.deleted_at.is_(None))
)
_BY_ID = statement(_LIVE.where(guests.c.id == bindparam("guest")))
_NAMED = _LIVE.where(guests.c.environment_id == bindparam("environment"))
_BY_EMAIL = statement(_NAMED.where(guests.c.email_key == bindparam("key")))
_BY_EXTERNAL = statement(_NAMED.where(guests.c.external_id == bindparam("external")))
_IN_SPACE = (
    _LIVE.join(
        guest_spaces,
        and_(guest_spaces.c.environment_id == guests.c.environment_id, guest_spaces.c.guest_id == guests.c.id),
    )
    .where(guest_spaces.c.environment_id == bindparam("environment"), guest_spaces.c.space_id == bindparam("space"))
    .order_by(guests.c.created_at, guests.c.id)
    .limit(MOST)
)
_LIST = statement(_IN_SPACE)
_LIST_EMAIL = statement(_IN_SPACE.where(guests.c.email_key == bindparam("key")))
_INSERT_ACCESS = statement(
    insert(guest_spaces)
    .values({column.name: bindparam(column.name) for column in guest_spaces.columns})
    .on_conflict_do_nothing()
)
_NARROW = statement(update(guest_spaces).where(*_ACCESS).values(parts=bindparam("new_parts")))
_NOTE_ACCESSED = statement(update(guest_spaces).where(*_ACCESS).values(last_accessed_at=bindparam("at")))
#: Only one of several that mail at once finds the pause over.
_NOTE_MAILED = statement(
    update(guest_spaces)
    .where(*_ACCESS, or_(guest_spaces.c.mailed_at.is_(None), guest_spaces.c.mailed_at <= bindparam("before")))
    .values(mailed_at=bindparam("at"))
)
_DELETE_ACCESS = statement(delete(guest_spaces).where(*_ACCESS))
_DELETE_ALL_ACCESS = statement(delete(guest_spaces).where(*_ACCESS[:2]))
_INSERT_LINK = statement(
    insert(guest_links).values({column.name: bindparam(column.name) for column in guest_links.columns})
)
_LINK = statement(select(guest_links).where(guest_links.c.fingerprint == bindparam("fingerprint")))
_SPEND = statement(
    update(guest_links)
    .where(
        guest_links.c.environment_id == bindparam("environment"),
        guest_links.c.id == bindparam("link"),
        guest_links.c.used_at.is_(None),
    )
    .values(used_at=bindparam("at"))
)
_DELETE_LINKS = statement(delete(guest_links).where(*_LINKS))
_DELETE_OLD_LINKS = statement(delete(guest_links).where(guest_links.c.expires_at < bindparam("before")))
_DOOR = statement(
    select(
        spaces.c.environment_id,
        spaces.c.account_id,
        spaces.c.id,
        spaces.c.name,
        spaces.c.metadata,
        spaces.c.guest_authentication,
        spaces.c.expired_at,
        environments.c.guest_authentication.label("inherited"),
    )
    .join(environments, environments.c.id == spaces.c.environment_id)
    .where(spaces.c.id == bindparam("space"), spaces.c.deleted_at.is_(None), environments.c.deleted_at.is_(None))
)
_request = insert(guest_link_requests).values(
    {column.name: bindparam(column.name) for column in guest_link_requests.columns}
)
_REQUEST = statement(_request.on_conflict_do_nothing())
_ANY_REQUEST = statement(select(guest_link_requests.c.space_id).limit(1))
_LOCK_REQUESTS = statement(
    select(guest_link_requests)
    .order_by(guest_link_requests.c.created_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_DELETE_REQUEST = statement(
    delete(guest_link_requests).where(
        guest_link_requests.c.space_id == bindparam("space"), guest_link_requests.c.email_key == bindparam("key")
    )
)
_LOCK_FORGOTTEN = statement(
    select(guests)
    .where(guests.c.is_anonymous.is_(True), guests.c.updated_at < bindparam("before"))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TOUCH = statement(update(guests).where(*_GUEST).values(updated_at=bindparam("at")))


async def insert_guest(uow: UnitOfWork, guest: Guest) -> bool:
    """Add a guest without their spaces; False when the environment has one of this address or external id."""
    row = {name: getattr(guest, name) for name in _FIELDS}
    return await uow.execute(_INSERT, row | {"email_key": _key(guest.email)}) == 1


async def update_guest(uow: UnitOfWork, guest: Guest) -> None:
    await uow.execute(
        _UPDATE,
        {
            **_one(guest),
            "new_name": guest.name,
            "new_email": guest.email,
            "new_key": _key(guest.email),
            "new_generation": guest.token_generation,
            "at": uow.now,
        },
    )


async def touch_guest(uow: UnitOfWork, guest: Guest) -> None:
    """Remember that a guest was seen now."""
    await uow.execute(_TOUCH, {**_one(guest), "at": uow.now})


async def delete_guest(uow: UnitOfWork, guest: Guest) -> None:
    """Delete a guest with everything that lets them in."""
    await uow.execute(_DELETE_LINKS, {**_one(guest), "space": None})
    await uow.execute(_DELETE_ALL_ACCESS, _one(guest))
    await uow.execute(_DELETE, _one(guest))


async def find_guest(uow: UnitOfWork, guest_id: str) -> Guest | None:
    return await _whole(uow, await uow.fetch_one(_BY_ID, {"guest": guest_id}))


async def find_by_email(uow: UnitOfWork, environment_id: str, email: str) -> Guest | None:
    return await _whole(uow, await uow.fetch_one(_BY_EMAIL, {"environment": environment_id, "key": address_key(email)}))


async def find_by_external_id(uow: UnitOfWork, environment_id: str, external_id: str) -> Guest | None:
    named = {"environment": environment_id, "external": external_id}
    return await _whole(uow, await uow.fetch_one(_BY_EXTERNAL, named))


async def list_in_space(uow: UnitOfWork, environment_id: str, space_id: str, email: str | None) -> list[Guest]:
    named: dict[str, Any] = {"environment": environment_id, "space": space_id}
    if email is None:
        rows = await uow.fetch_all(_LIST, named)
    else:
        rows = await uow.fetch_all(_LIST_EMAIL, {**named, "key": address_key(email)})
    found = await _accesses(uow, environment_id, [row["id"] for row in rows])
    return [_guest(row, found) for row in rows]


async def insert_access(uow: UnitOfWork, guest: Guest, access: Access) -> None:
    row = {
        "environment_id": guest.environment_id,
        "guest_id": guest.id,
        "space_id": access.space_id,
        "parts": _parts_text(access.parts),
        "created_at": access.created_at,
        "last_accessed_at": access.last_accessed_at,
        "mailed_at": access.mailed_at,
    }
    await uow.execute(_INSERT_ACCESS, row)


async def narrow_access(uow: UnitOfWork, guest: Guest, space_id: str, parts: tuple[Part, ...] | None) -> None:
    """Change what of a space an access is for."""
    await uow.execute(_NARROW, {**_one(guest), "space": space_id, "new_parts": _parts_text(parts)})


async def note_accessed(uow: UnitOfWork, guest: Guest, space_id: str) -> None:
    await uow.execute(_NOTE_ACCESSED, {**_one(guest), "space": space_id, "at": uow.now})


async def note_mailed(uow: UnitOfWork, guest: Guest, space_id: str, pause: int) -> bool:
    """Remember that a sign-in link is mailed now; False when that was less than ``pause`` milliseconds ago."""
    named = {**_one(guest), "space": space_id, "at": uow.now, "before": uow.now - pause}
    return await uow.execute(_NOTE_MAILED, named) == 1


async def delete_access(uow: UnitOfWork, guest: Guest, space_id: str) -> None:
    """Take a guest out of a space, with the links that lead there."""
    await uow.execute(_DELETE_LINKS, {**_one(guest), "space": space_id})
    await uow.execute(_DELETE_ACCESS, {**_one(guest), "space": space_id})


async def delete_links(uow: UnitOfWork, guest: Guest) -> None:
    await uow.execute(_DELETE_LINKS, {**_one(guest), "space": None})


async def insert_link(uow: UnitOfWork, link: Link, fingerprint: bytes) -> None:
    row = {name: getattr(link, name) for name in Link.__dataclass_fields__}
    await uow.execute(_INSERT_LINK, row | {"kind": link.kind.value, "fingerprint": fingerprint})


async def find_link(uow: UnitOfWork, fingerprint: bytes) -> Link | None:
    row = await uow.fetch_one(_LINK, {"fingerprint": fingerprint})
    if row is None:
        return None
    return Link(**{name: row[name] for name in Link.__dataclass_fields__} | {"kind": LinkKind(row["kind"])})


async def spend_link(uow: UnitOfWork, link: Link) -> bool:
    """Use a link up; False when it has been used."""
    named = {"environment": link.environment_id, "link": link.id, "at": uow.now}
    return await uow.execute(_SPEND, named) == 1


async def delete_old_links(uow: UnitOfWork, before: int) -> int:
    return await uow.execute(_DELETE_OLD_LINKS, {"before": before})


async def find_door(uow: UnitOfWork, space_id: str) -> Door | None:
    """What decides who gets into a live space, of whichever account."""
    row = await uow.fetch_one(_DOOR, {"space": space_id})
    if row is None:
        return None
    own = loads(row["guest_authentication"] or "null")
    metadata = loads(row["metadata"] or "null")
    sidebar = metadata.get("sidebarConfig") if isinstance(metadata, dict) else None
    return Door(
        row["environment_id"],
        row["account_id"],
        row["id"],
        row["name"],
        frozenset(loads(row["inherited"]) if own is None else own),
        isinstance(sidebar, dict) and sidebar.get("showGuestInvite") is True,
        row["expired_at"] is None,
    )


async def request_link(uow: UnitOfWork, space_id: str, email: str) -> None:
    """Keep that somebody asked for a link; once until it is answered, however often they ask."""
    row = {"space_id": space_id, "email_key": address_key(email), "email": email, "created_at": uow.now}
    await uow.execute(_REQUEST, row)


async def is_any_asked(uow: UnitOfWork) -> bool:
    return await uow.fetch_one(_ANY_REQUEST) is not None


async def take_requests(uow: UnitOfWork, most: int) -> list[tuple[str, str]]:
    """(space id, address) of those that asked first, which are forgotten with this unit of work."""
    rows = await uow.fetch_all(_LOCK_REQUESTS, {"most": most})
    for row in rows:
        await uow.execute(_DELETE_REQUEST, {"space": row["space_id"], "key": row["email_key"]})
    return [(row["space_id"], row["email"]) for row in rows]


async def lock_forgotten(uow: UnitOfWork, before: int, most: int) -> list[Guest]:
    """Anonymous guests of every environment who were last seen before that time."""
    rows = await uow.fetch_all(_LOCK_FORGOTTEN, {"before": before, "most": most})
    found = [await _whole(uow, row) for row in rows]
    return [guest for guest in found if guest is not None]


async def _whole(uow: UnitOfWork, row: Row | None) -> Guest | None:
    if row is None:
        return None
    return _guest(row, await _accesses(uow, row["environment_id"], [row["id"]]))


async def _accesses(uow: UnitOfWork, environment_id: str, guest_ids: list[str]) -> dict[str, list[Access]]:
    """The accesses to living spaces, by guest."""
    query = (
        select(guest_spaces)
        .join(
            spaces,
            and_(spaces.c.environment_id == guest_spaces.c.environment_id, spaces.c.id == guest_spaces.c.space_id),
        )
        .where(
            guest_spaces.c.environment_id == environment_id,
            guest_spaces.c.guest_id.in_(guest_ids),
            spaces.c.deleted_at.is_(None),
        )
        .order_by(guest_spaces.c.created_at, guest_spaces.c.space_id)
    )
    found: dict[str, list[Access]] = {}
    for row in await uow.fetch_all(query) if guest_ids else []:
        parts = loads(row["parts"] or "null")
        found.setdefault(row["guest_id"], []).append(
            Access(
                row["space_id"],
                row["created_at"],
                None if parts is None else tuple(Part(*part) for part in parts),
                row["last_accessed_at"],
                row["mailed_at"],
            )
        )
    return found


def _guest(row: Row, accesses: dict[str, list[Access]]) -> Guest:
    values = {name: row[name] for name in _FIELDS} | {"is_anonymous": bool(row["is_anonymous"])}
    return Guest(**values, spaces=tuple(accesses.get(row["id"], ())))


def _one(guest: Guest) -> dict[str, Any]:
    return {"environment": guest.environment_id, "guest": guest.id}


def _key(email: str) -> str | None:
    return address_key(email) if email else None


def _parts_text(parts: tuple[Part, ...] | None) -> str | None:
    return None if parts is None else dumps([[part.workbook_id, part.sheet_id] for part in parts])
