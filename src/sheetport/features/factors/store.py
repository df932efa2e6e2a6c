"""SQL of second factors."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.factors.model import Passkey, Policy, Totp
from sheetport.kernel.crypto import Sealed
from sheetport.kernel.json import dumps, loads
from sheetport.storage.statements import statement
from sheetport.storage.tables.logins import login_policies, passkeys, recovery_codes, totp_factors
from sheetport.storage.unit_of_work import Row, UnitOfWork

_TOTP_COLUMNS = tuple(column.name for column in totp_factors.columns)
_TOTP = statement(select(totp_factors).where(totp_factors.c.user_id == bindparam("user")))
_INSERT_TOTP = statement(insert(totp_factors).values({name: bindparam(name) for name in _TOTP_COLUMNS}))
_DELETE_TOTP = statement(delete(totp_factors).where(totp_factors.c.user_id == bindparam("user")))
#: Only forward: of two sign-ins with one code at once, one finds the step used.
_USE_STEP = statement(
    update(totp_factors)
    .where(totp_factors.c.user_id == bindparam("user"), totp_factors.c.last_step < bindparam("step"))
    .values(last_step=bindparam("step"), confirmed_at=func.coalesce(totp_factors.c.confirmed_at, bindparam("at")))
)
_UNDER_OLD = statement(select(totp_factors).where(totp_factors.c.kek_id != bindparam("kek")).limit(bindparam("most")))
_RESEAL = statement(
    update(totp_factors)
    .where(totp_factors.c.user_id == bindparam("user"), totp_factors.c.kek_id == bindparam("old_kek"))
    .values(kek_id=bindparam("new_kek"), nonce=bindparam("new_nonce"), ciphertext=bindparam("new_ciphertext"))
)
_INSERT_CODE = statement(
    insert(recovery_codes).values(
        user_id=bindparam("user"), fingerprint=bindparam("print"), created_at=bindparam("at"), used_at=None
    )
)
_DELETE_CODES = statement(delete(recovery_codes).where(recovery_codes.c.user_id == bindparam("user")))
_USE_CODE = statement(
    update(recovery_codes)
    .where(
        recovery_codes.c.user_id == bindparam("user"),
        recovery_codes.c.fingerprint == bindparam("print"),
        recovery_codes.c.used_at.is_(None),
    )
    .values(used_at=bindparam("at"))
)
_CODES_LEFT = statement(
    select(func.count().label("total"))
    .select_from(recovery_codes)
    .where(recovery_codes.c.user_id == bindparam("user"), recovery_codes.c.used_at.is_(None))
)
_PASSKEY_COLUMNS = tuple(column.name for column in passkeys.columns)
_INSERT_PASSKEY = statement(
    insert(passkeys).values({name: bindparam(name) for name in _PASSKEY_COLUMNS}).on_conflict_do_nothing()
)
_PASSKEYS = statement(
    select(passkeys).where(passkeys.c.user_id == bindparam("user")).order_by(passkeys.c.created_at, passkeys.c.id)
)
_PASSKEY = statement(select(passkeys).where(passkeys.c.credential == bindparam("credential_id")).with_for_update())
_USE_PASSKEY = statement(
    update(passkeys)
    .where(passkeys.c.id == bindparam("passkey"))
    .values(sign_count=bindparam("new_count"), last_used_at=bindparam("at"))
)
_RENAME = statement(
    update(passkeys)
    .where(passkeys.c.id == bindparam("passkey"), passkeys.c.user_id == bindparam("user"))
    .values(name=bindparam("new_name"))
)
_DELETE_PASSKEY = statement(
    delete(passkeys).where(passkeys.c.id == bindparam("passkey"), passkeys.c.user_id == bindparam("user"))
)
_DELETE_PASSKEYS = statement(delete(passkeys).where(passkeys.c.user_id == bindparam("user")))
_POLICY = statement(select(login_policies).where(login_policies.c.account_id == bindparam("account")))
_POLICY_INSERT = insert(login_policies).values({column.name: bindparam(column.name) for column in login_policies.c})
_PUT_POLICY = statement(
    _POLICY_INSERT.on_conflict_do_update(
        index_elements=[login_policies.c.account_id],
        set_={name: _POLICY_INSERT.excluded[name] for name in ("mfa_required", "password_tokens", "updated_at")},
    )
)


async def find_totp(uow: UnitOfWork, user_id: str) -> Totp | None:
    row = await uow.fetch_one(_TOTP, {"user": user_id})
    return None if row is None else _totp(row)


async def put_totp(uow: UnitOfWork, totp: Totp) -> None:
    """Write a user's authenticator app in place of the one before."""
    await uow.execute(_DELETE_TOTP, {"user": totp.user_id})
    sealed = {"kek_id": totp.sealed.key_id, "nonce": totp.sealed.nonce, "ciphertext": totp.sealed.ciphertext}
    row = {name: getattr(totp, name) for name in _TOTP_COLUMNS if name not in sealed}
    await uow.execute(_INSERT_TOTP, row | sealed)


async def use_step(uow: UnitOfWork, user_id: str, step: int) -> bool:
    """Use a code's time step up, and confirm the app by it; False when that step or a later one was used."""
    return await uow.execute(_USE_STEP, {"user": user_id, "step": step, "at": uow.now}) == 1


async def delete_totp(uow: UnitOfWork, user_id: str) -> int:
    return await uow.execute(_DELETE_TOTP, {"user": user_id})


async def list_sealed_otherwise(uow: UnitOfWork, kek_id: str, most: int) -> list[Totp]:
    """Apps whose secret is sealed under another key-encryption key."""
    return [_totp(row) for row in await uow.fetch_all(_UNDER_OLD, {"kek": kek_id, "most": most})]


async def reseal(uow: UnitOfWork, totp: Totp, sealed: Sealed) -> None:
    named = {"user": totp.user_id, "old_kek": totp.sealed.key_id, "new_kek": sealed.key_id}
    await uow.execute(_RESEAL, named | {"new_nonce": sealed.nonce, "new_ciphertext": sealed.ciphertext})


async def put_codes(uow: UnitOfWork, user_id: str, fingerprints: list[str]) -> None:
    """Write a user's recovery codes in place of those before."""
    await uow.execute(_DELETE_CODES, {"user": user_id})
    await uow.execute_many(_INSERT_CODE, [{"user": user_id, "print": each, "at": uow.now} for each in fingerprints])


async def use_code(uow: UnitOfWork, user_id: str, fingerprint: str) -> bool:
    return await uow.execute(_USE_CODE, {"user": user_id, "print": fingerprint, "at": uow.now}) == 1


async def count_codes(uow: UnitOfWork, user_id: str) -> int:
    row = await uow.fetch_one(_CODES_LEFT, {"user": user_id})
    return int(row["total"]) if row else 0


async def delete_codes(uow: UnitOfWork, user_id: str) -> None:
    await uow.execute(_DELETE_CODES, {"user": user_id})


async def insert_passkey(uow: UnitOfWork, passkey: Passkey) -> bool:
    """Add a passkey; False when its credential is known already."""
    row: dict[str, Any] = {name: getattr(passkey, name) for name in _PASSKEY_COLUMNS}
    return await uow.execute(_INSERT_PASSKEY, row | {"transports": dumps(passkey.transports)}) == 1


async def list_passkeys(uow: UnitOfWork, user_id: str) -> list[Passkey]:
    return [_passkey(row) for row in await uow.fetch_all(_PASSKEYS, {"user": user_id})]


async def lock_passkey(uow: UnitOfWork, credential: bytes) -> Passkey | None:
    """A passkey by the credential that a browser names, kept from other sign-ins until the commit."""
    row = await uow.fetch_one(_PASSKEY, {"credential_id": credential})
    return None if row is None else _passkey(row)


async def use_passkey(uow: UnitOfWork, passkey_id: str, sign_count: int) -> None:
    await uow.execute(_USE_PASSKEY, {"passkey": passkey_id, "new_count": sign_count, "at": uow.now})


async def rename_passkey(uow: UnitOfWork, user_id: str, passkey_id: str, name: str) -> bool:
    return await uow.execute(_RENAME, {"user": user_id, "passkey": passkey_id, "new_name": name}) == 1


async def delete_passkey(uow: UnitOfWork, user_id: str, passkey_id: str) -> bool:
    return await uow.execute(_DELETE_PASSKEY, {"user": user_id, "passkey": passkey_id}) == 1


async def delete_passkeys(uow: UnitOfWork, user_id: str) -> int:
    return await uow.execute(_DELETE_PASSKEYS, {"user": user_id})


async def find_policy(uow: UnitOfWork, account_id: str) -> Policy:
    row = await uow.fetch_one(_POLICY, {"account": account_id})
    if row is None:
        return Policy(account_id)
    return Policy(account_id, bool(row["mfa_required"]), bool(row["password_tokens"]))


async def put_policy(uow: UnitOfWork, policy: Policy) -> None:
    named = {name: getattr(policy, name) for name in ("account_id", "mfa_required", "password_tokens")}
    await uow.execute(_PUT_POLICY, named | {"updated_at": uow.now})


def _totp(row: Row) -> Totp:
    sealed = Sealed(row["kek_id"], bytes(row["nonce"]), bytes(row["ciphertext"]))
    moments = row["last_step"], row["created_at"], row["confirmed_at"]
    return Totp(row["user_id"], row["account_id"], sealed, *moments)


def _passkey(row: Row) -> Passkey:
    values = {name: row[name] for name in _PASSKEY_COLUMNS}
    values |= {name: bytes(row[name]) for name in ("credential", "public_key")}
    return Passkey(**values | {"transports": loads(row["transports"])})
