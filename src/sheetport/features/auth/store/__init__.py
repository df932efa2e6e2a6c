"""SQL of credentials."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import and_, bindparam, func, insert, or_, select, update

from sheetport.features.auth.model import LOCAL, Credential, CredentialKind, Ending, Narrowing
from sheetport.kernel.json import dumps, loads
from sheetport.storage.statements import statement
from sheetport.storage.tables.auth import credentials
from sheetport.storage.tables.core import accounts, environments, users
from sheetport.storage.tables.guests import guest_spaces, guests
from sheetport.storage.tables.spaces import spaces
from sheetport.storage.unit_of_work import Row, UnitOfWork

_parents = credentials.alias("parents")
_FIELDS = tuple(Credential.__dataclass_fields__)
_INSERT = statement(insert(credentials).values({name: bindparam(name) for name in (*_FIELDS, "fingerprint")}))
_LIVE = (
    credentials.c.deleted_at.is_(None),
    credentials.c.expires_at.is_(None) | (credentials.c.expires_at > bindparam("now")),
)
#: A credential with the state of all that it stands on: one row, one look-up.
_STANDING = (
    select(
        credentials,
        users.c.disabled_at.label("user_disabled_at"),
        environments.c.deleted_at.label("environment_deleted_at"),
        _parents.c.deleted_at.label("parent_deleted_at"),
        _parents.c.scope.label("parent_scope"),
        _parents.c.operations.label("parent_operations"),
        accounts.c.auth_generation,
    )
    .join(accounts, accounts.c.id == credentials.c.account_id)
    .outerjoin(users, users.c.id == credentials.c.user_id)
    .outerjoin(environments, environments.c.id == credentials.c.environment_id)
    .outerjoin(_parents, _parents.c.id == credentials.c.parent_id)
)
_VERIFY = statement(_STANDING.where(credentials.c.fingerprint == bindparam("fingerprint")))
_VERIFY_BY_ID = statement(_STANDING.where(credentials.c.id == bindparam("id")))
_SET_ORIGINS = statement(
    update(credentials)
    .where(credentials.c.id == bindparam("credential"))
    .values(origins=bindparam("new_origins"), updated_at=bindparam("at"))
)
#: A credential with all that was exchanged for it, and for that, and so on.
_descent = select(credentials.c.id).where(credentials.c.id == bindparam("credential")).cte("descent", recursive=True)
_descent = _descent.union(select(credentials.c.id).join(_descent, credentials.c.parent_id == _descent.c.id))
_REVOKE = statement(
    update(credentials)
    .where(credentials.c.id.in_(select(_descent.c.id)), credentials.c.deleted_at.is_(None))
    .values(
        deleted_at=bindparam("at"),
        updated_at=bindparam("at"),
        ended_by=bindparam("by"),
        ended_as=bindparam("ending"),
    )
)
_BY_ID = statement(select(credentials).where(credentials.c.id == bindparam("id")))
_CLIENT = statement(
    select(credentials).where(credentials.c.id == bindparam("id"), credentials.c.kind == CredentialKind.CLIENT.value)
)
_KEY = statement(
    select(credentials).where(
        credentials.c.environment_id == bindparam("environment"),
        (credentials.c.id == bindparam("key")) | (credentials.c.fingerprint == bindparam("fingerprint")),
    )
)
_STAGE = statement(select(environments.c.is_prod).where(environments.c.id == bindparam("id")))
_BY_ENVIRONMENT = statement(
    select(credentials)
    .where(credentials.c.environment_id == bindparam("environment"), *_LIVE)
    .order_by(credentials.c.created_at, credentials.c.id)
)
_BY_USER = statement(
    select(credentials)
    .where(credentials.c.user_id == bindparam("user"), *_LIVE)
    .order_by(credentials.c.created_at, credentials.c.id)
)


def credential_of(row: Row) -> Credential:
    values = {name: row[name] for name in _FIELDS}
    values["kind"] = CredentialKind(row["kind"])
    values["operations"] = loads(row["operations"] or "[]")
    values["origins"] = loads(row["origins"] or "[]")
    values["scope"] = narrowing_of(row["scope"])
    return Credential(**values)


def narrowing_of(text: str | None) -> Narrowing:
    """What the column ``scope`` says."""
    if not text:
        return Narrowing()
    stored = loads(text)
    lists = {name: tuple(stored.get(name, ())) for name in ("networks", "permissions")}
    return Narrowing(**stored | lists)


def scope_text(narrowing: Narrowing) -> str | None:
    """What the column ``scope`` holds of it."""
    given = {name: value for name, value in asdict(narrowing).items() if value}
    return dumps(given) if given else None


async def insert_credential(uow: UnitOfWork, credential: Credential, fingerprint: bytes) -> None:
    row: dict[str, Any] = {name: getattr(credential, name) for name in _FIELDS}
    row |= {"kind": credential.kind.value, "operations": dumps(credential.operations), "fingerprint": fingerprint}
    row |= {"origins": dumps(credential.origins) if credential.origins else None}
    row |= {"scope": scope_text(credential.scope)}
    await uow.execute(_INSERT, row)


async def set_origins(uow: UnitOfWork, credential_id: str, origins: list[str]) -> None:
    named = {"credential": credential_id, "new_origins": dumps(origins) if origins else None, "at": uow.now}
    await uow.execute(_SET_ORIGINS, named)


async def find_for_verification(uow: UnitOfWork, fingerprint: bytes) -> Row | None:
    return await uow.fetch_one(_VERIFY, {"fingerprint": fingerprint})


async def find_standing(uow: UnitOfWork, credential_id: str) -> Row | None:
    """A credential by its id, with the state of all that it stands on."""
    return await uow.fetch_one(_VERIFY_BY_ID, {"id": credential_id})


async def find_credential(uow: UnitOfWork, credential_id: str) -> Credential | None:
    row = await uow.fetch_one(_BY_ID, {"id": credential_id})
    return None if row is None else credential_of(row)


async def find_client(uow: UnitOfWork, client_id: str) -> tuple[Credential, bytes] | None:
    """A client credential, live or ended, with the fingerprint of its secret."""
    row = await uow.fetch_one(_CLIENT, {"id": client_id})
    return None if row is None else (credential_of(row), bytes(row["fingerprint"]))


async def find_key(uow: UnitOfWork, environment_id: str, key_id: str, fingerprint: bytes) -> Credential | None:
    """A key of an environment, live or ended, by its id or by its token's fingerprint."""
    row = await uow.fetch_one(_KEY, {"environment": environment_id, "key": key_id, "fingerprint": fingerprint})
    return None if row is None else credential_of(row)


async def is_prod(uow: UnitOfWork, environment_id: str) -> bool:
    row = await uow.fetch_one(_STAGE, {"id": environment_id})
    return row is not None and bool(row["is_prod"])


async def list_by_environment(uow: UnitOfWork, environment_id: str) -> list[Credential]:
    rows = await uow.fetch_all(_BY_ENVIRONMENT, {"environment": environment_id, "now": uow.now})
    return [credential_of(row) for row in rows]


async def list_by_user(uow: UnitOfWork, user_id: str) -> list[Credential]:
    return [credential_of(row) for row in await uow.fetch_all(_BY_USER, {"user": user_id, "now": uow.now})]


async def revoke_credential(uow: UnitOfWork, credential_id: str, by: str, ending: Ending) -> int:
    """Revoke a credential and what was exchanged from it; how many rows that were live."""
    named = {"credential": credential_id, "at": uow.now, "by": by, "ending": ending.value}
    return await uow.execute(_REVOKE, named)


#: A batch may be late; it never turns the time back.
_USED = statement(
    update(credentials)
    .where(
        credentials.c.id == bindparam("credential"),
        (credentials.c.last_used_at.is_(None)) | (credentials.c.last_used_at < bindparam("used")),
    )
    .values(last_used_at=bindparam("used"))
)


async def note_used(uow: UnitOfWork, used: dict[str, int]) -> None:
    """Write when credentials were last used, by id."""
    await uow.execute_many(_USED, [{"credential": each, "used": at} for each, at in used.items()])


_SPACE = statement(
    select(
        spaces.c.account_id,
        spaces.c.environment_id,
        spaces.c.deleted_at,
        spaces.c.token_generation,
        accounts.c.auth_generation,
    )
    .join(environments, environments.c.id == spaces.c.environment_id)
    .join(accounts, accounts.c.id == spaces.c.account_id)
    .where(
        spaces.c.id == bindparam("id"),
        environments.c.deleted_at.is_(None),
    )
)


async def find_space(uow: UnitOfWork, space_id: str) -> Row | None:
    """The columns of a space that its tokens stand on."""
    return await uow.fetch_one(_SPACE, {"id": space_id})


_GUEST = statement(
    select(guests.c.account_id, guests.c.environment_id, guests.c.token_generation, accounts.c.auth_generation)
    .join(environments, environments.c.id == guests.c.environment_id)
    .join(accounts, accounts.c.id == guests.c.account_id)
    .where(guests.c.id == bindparam("guest"), environments.c.deleted_at.is_(None))
)
#: An expired space is over for its guests.
_GUEST_SPACES = statement(
    select(guest_spaces.c.space_id, guest_spaces.c.parts)
    .join(
        spaces,
        and_(spaces.c.environment_id == guest_spaces.c.environment_id, spaces.c.id == guest_spaces.c.space_id),
    )
    .where(
        guest_spaces.c.environment_id == bindparam("environment"),
        guest_spaces.c.guest_id == bindparam("guest"),
        or_(bindparam("space") == "", guest_spaces.c.space_id == bindparam("space")),
        spaces.c.deleted_at.is_(None),
        spaces.c.expired_at.is_(None),
    )
)


async def find_guest(uow: UnitOfWork, guest_id: str) -> Row | None:
    """The columns of a guest that their tokens stand on."""
    return await uow.fetch_one(_GUEST, {"guest": guest_id})


async def list_guest_spaces(
    uow: UnitOfWork, environment_id: str, guest_id: str, space_id: str
) -> list[tuple[str, list[list[str | None]] | None]]:
    """(space id, its [workbook id, sheet id], or None for all of it): what a guest is let into, or of one space."""
    named = {"environment": environment_id, "guest": guest_id, "space": space_id}
    return [(row["space_id"], loads(row["parts"] or "null")) for row in await uow.fetch_all(_GUEST_SPACES, named)]


#: Sign-ins, and what commands on the server's machine hold while they run.
_PASSING = or_(credentials.c.kind == CredentialKind.ACCESS.value, func.coalesce(credentials.c.origin, "") == LOCAL)
_END_PASSING = statement(
    update(credentials)
    .where(_PASSING, credentials.c.deleted_at.is_(None))
    .values(deleted_at=bindparam("at"), updated_at=bindparam("at"))
)
_LASTING = statement(
    select(credentials)
    .where(
        credentials.c.account_id == bindparam("account"),
        ~_PASSING,
        *_LIVE,
    )
    .order_by(credentials.c.created_at, credentials.c.id)
)


async def end_passing(uow: UnitOfWork) -> int:
    """End every live sign-in and command's key; how many."""
    return await uow.execute(_END_PASSING, {"at": uow.now})


async def list_lasting(uow: UnitOfWork, account_id: str) -> list[Credential]:
    """An account's live keys, tokens and client credentials."""
    rows = await uow.fetch_all(_LASTING, {"account": account_id, "now": uow.now})
    return [credential_of(row) for row in rows]
