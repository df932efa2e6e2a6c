"""SQL of the versions of secrets."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update

from sheetport.features.secrets.model import Label, Request, Scope, Version
from sheetport.features.secrets.store.changes import note, weigh_version
from sheetport.features.secrets.store.entries import wrapped_key
from sheetport.kernel.crypto import Sealed
from sheetport.storage.statements import statement
from sheetport.storage.tables.secrets import data_keys, secret_versions
from sheetport.storage.unit_of_work import Row, UnitOfWork

_V = secret_versions.c
_COLUMNS = tuple(column.name for column in secret_versions.columns)
_WITH_KEY = select(
    secret_versions,
    data_keys.c.kek_id.label("its_kek"),
    data_keys.c.nonce.label("its_nonce"),
    data_keys.c.ciphertext.label("its_ciphertext"),
).join_from(
    secret_versions,
    data_keys,
    and_(data_keys.c.environment_id == _V.environment_id, data_keys.c.id == _V.key_id),
    isouter=True,
)
_OF_SECRET = (_V.environment_id == bindparam("environment"), _V.secret_id == bindparam("secret"))
_ONE = (*_OF_SECRET, _V.version == bindparam("number"))
_IN_SCOPE = (
    _V.environment_id == bindparam("environment"),
    or_(_V.space_id == "", _V.space_id == bindparam("space")),
    or_(_V.actor_id == "", _V.actor_id == bindparam("actor")),
)
_INSERT = statement(insert(secret_versions).values({name: bindparam(name) for name in _COLUMNS}))
_UPDATE = statement(
    update(secret_versions)
    .where(*_ONE)
    .values(
        label=bindparam("new_label"),
        key_id=bindparam("new_key"),
        nonce=bindparam("new_nonce"),
        ciphertext=bindparam("new_ciphertext"),
        current_at=bindparam("new_current_at"),
        ended_at=bindparam("new_ended_at"),
        served_until=bindparam("new_served_until"),
    )
)
_DELETE = statement(delete(secret_versions).where(*_ONE))
_LIVE = or_(_V.label == Label.PENDING, _V.label == Label.CURRENT, _V.label == Label.PREVIOUS)
_LABELLED = statement(_WITH_KEY.where(*_OF_SECRET, _LIVE))
_LAST = statement(select(func.max(_V.version).label("last")).where(*_OF_SECRET))
_ALL = statement(_WITH_KEY.where(*_OF_SECRET).order_by(_V.version.desc()))
_FIND = statement(_WITH_KEY.where(*_ONE))
_BY_REQUEST = statement(_WITH_KEY.where(*_OF_SECRET, _V.request_key == bindparam("request")))
_OVER = or_(_V.label == Label.RETIRED, _V.label == Label.DISCARDED)
_OUTDATED = statement(_WITH_KEY.where(*_OF_SECRET, _OVER, _V.version <= bindparam("number")))
_APPLYING = statement(_WITH_KEY.where(*_IN_SCOPE, _V.label == bindparam("wanted")))
_AT = statement(
    _WITH_KEY.where(
        *_IN_SCOPE, _V.current_at <= bindparam("at"), or_(_V.ended_at.is_(None), _V.ended_at > bindparam("at"))
    ).order_by(_V.name, _V.space_id, _V.actor_id, _V.version)
)
_BEHIND = or_(
    _V.secret_id > bindparam("after"),
    and_(_V.secret_id == bindparam("after"), _V.version > bindparam("past")),
)
_UNDER_OTHERS = statement(
    _WITH_KEY.where(
        _V.environment_id == bindparam("environment"),
        _V.key_id != bindparam("key"),
        or_(
            _V.secret_id > bindparam("after"), and_(_V.secret_id == bindparam("after"), _V.version > bindparam("past"))
        ),
    )
    .order_by(_V.secret_id, _V.version)
    .limit(bindparam("count"))
)


async def insert_version(uow: UnitOfWork, one: Version) -> None:
    scope, sealed, request = one.scope, one.sealed, one.request
    row: dict[str, Any] = {
        "environment_id": scope.environment_id,
        "secret_id": one.secret_id,
        "version": one.version,
        "name": one.name,
        "space_id": scope.space_id,
        "actor_id": scope.actor_id,
        "label": one.label,
        "key_id": sealed.key_id,
        "nonce": sealed.nonce,
        "ciphertext": sealed.ciphertext,
        "created_by": one.created_by,
        "created_at": one.created_at,
        "current_at": one.current_at,
        "ended_at": one.ended_at,
        "served_until": one.served_until,
        "request_key": None if request is None else request.key,
        "request_digest": None if request is None else request.digest,
    }
    await uow.execute(_INSERT, row)
    note(uow, scope.environment_id, weigh_version(uow.keys, one))


async def update_version(uow: UnitOfWork, before: Version, after: Version) -> None:
    """Write a version's label, times and value."""
    sealed = after.sealed
    row = {
        **_named(after),
        "new_label": after.label,
        "new_key": sealed.key_id,
        "new_nonce": sealed.nonce,
        "new_ciphertext": sealed.ciphertext,
        "new_current_at": after.current_at,
        "new_ended_at": after.ended_at,
        "new_served_until": after.served_until,
    }
    await uow.execute(_UPDATE, row)
    note(uow, after.scope.environment_id, weigh_version(uow.keys, after) - weigh_version(uow.keys, before))


async def delete_version(uow: UnitOfWork, one: Version) -> None:
    await uow.execute(_DELETE, _named(one))
    note(uow, one.scope.environment_id, -weigh_version(uow.keys, one))


async def list_labelled(uow: UnitOfWork, scope: Scope, secret_id: str) -> dict[Label, Version]:
    """The pending, the current and the previous version of a secret, as far as there are."""
    rows = await uow.fetch_all(_LABELLED, _of_secret(scope, secret_id))
    return {Label(row["label"]): _version(row, scope.account_id) for row in rows}


async def last_version(uow: UnitOfWork, scope: Scope, secret_id: str) -> int:
    """The highest number given yet; 0 before the first."""
    row = await uow.fetch_one(_LAST, _of_secret(scope, secret_id))
    return 0 if row is None or row["last"] is None else int(row["last"])


async def list_versions(uow: UnitOfWork, scope: Scope, secret_id: str) -> list[Version]:
    """The versions of a secret, newest first."""
    rows = await uow.fetch_all(_ALL, _of_secret(scope, secret_id))
    return [_version(row, scope.account_id) for row in rows]


async def find_version(uow: UnitOfWork, scope: Scope, secret_id: str, number: int) -> Version | None:
    row = await uow.fetch_one(_FIND, {**_of_secret(scope, secret_id), "number": number})
    return None if row is None else _version(row, scope.account_id)


async def find_by_request(uow: UnitOfWork, scope: Scope, secret_id: str, request_key: str) -> Version | None:
    """The version that a call with this Idempotency-Key made."""
    row = await uow.fetch_one(_BY_REQUEST, {**_of_secret(scope, secret_id), "request": request_key})
    return None if row is None else _version(row, scope.account_id)


async def list_outdated(uow: UnitOfWork, scope: Scope, secret_id: str, number: int) -> list[Version]:
    """The versions up to ``number`` that are nothing any more."""
    rows = await uow.fetch_all(_OUTDATED, {**_of_secret(scope, secret_id), "number": number})
    return [_version(row, scope.account_id) for row in rows]


async def list_applying_versions(uow: UnitOfWork, scope: Scope, label: Label) -> list[Version]:
    """The versions with this label of the secrets that hold for a reader in this scope."""
    rows = await uow.fetch_all(_APPLYING, {**_in_scope(scope), "wanted": label})
    return [_version(row, scope.account_id) for row in rows]


async def list_versions_at(uow: UnitOfWork, scope: Scope, at: int) -> list[Version]:
    """The versions that were current at a time, of the secrets that held for a reader in this scope."""
    rows = await uow.fetch_all(_AT, {**_in_scope(scope), "at": at})
    return [_version(row, scope.account_id) for row in rows]


async def list_versions_under_other_keys(
    uow: UnitOfWork, account_id: str, environment_id: str, key_id: str, after: tuple[str, int], count: int
) -> list[Version]:
    """The next ``count`` versions, behind a secret's version, that are sealed under another data key than this."""
    named = {"environment": environment_id, "key": key_id, "after": after[0], "past": after[1], "count": count}
    rows = await uow.fetch_all(_UNDER_OTHERS, named)
    return [_version(row, account_id) for row in rows]


def version_of(row: Row) -> Version:
    """The version of a whole row, without regard to the account."""
    scope = Scope("", row["environment_id"], space_id=row["space_id"], actor_id=row["actor_id"])
    sealed = Sealed(row["key_id"], bytes(row["nonce"]), bytes(row["ciphertext"]))
    request = Request(row["request_key"], bytes(row["request_digest"])) if row["request_key"] else None
    times = (row["created_at"], row["current_at"], row["ended_at"], row["served_until"])
    label = row["label"]
    told = Label(label) if label in set(Label) else Label.RETIRED  # a foreign word does not weigh as it was written
    return Version(
        row["secret_id"], scope, row["name"], row["version"], told, sealed, row["created_by"], *times, request
    )


def _version(row: Row, account_id: str) -> Version:
    made = version_of(row)
    return replace(made, scope=replace(made.scope, account_id=account_id), wrapped=wrapped_key(row))


def _named(one: Version) -> dict[str, Any]:
    return {**_of_secret(one.scope, one.secret_id), "number": one.version}


def _of_secret(scope: Scope, secret_id: str) -> dict[str, Any]:
    return {"environment": scope.environment_id, "secret": secret_id}


def _in_scope(scope: Scope) -> dict[str, Any]:
    return {"environment": scope.environment_id, "space": scope.space_id, "actor": scope.actor_id}
