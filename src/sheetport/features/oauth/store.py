"""SQL of device logins."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.oauth.model import DeviceLogin, State
from sheetport.kernel.json import dumps, loads
from sheetport.storage.statements import statement
from sheetport.storage.tables.auth import device_logins
from sheetport.storage.unit_of_work import Row, UnitOfWork

_C = device_logins.c
_FIELDS = tuple(DeviceLogin.__dataclass_fields__)
_INSERT = statement(
    insert(device_logins).values({name: bindparam(name) for name in (*_FIELDS, "user_code")}).on_conflict_do_nothing()
)
_BY_DEVICE = statement(select(device_logins).where(_C.fingerprint == bindparam("fingerprint")))
_BY_USER_CODE = statement(
    select(device_logins).where(
        _C.user_code == bindparam("code"), _C.state == State.PENDING.value, _C.expires_at > bindparam("now")
    )
)
_POLLED = statement(
    update(device_logins)
    .where(_C.fingerprint == bindparam("login"))
    .values(polled_at=bindparam("at"), poll_seconds=bindparam("seconds"))
)
_DECIDE = statement(
    update(device_logins)
    .where(_C.fingerprint == bindparam("login"), _C.state == State.PENDING.value)
    .values(
        state=bindparam("new_state"),
        account_id=bindparam("new_account"),
        user_id=bindparam("new_user"),
        session_id=bindparam("new_session"),
    )
)
_USE = statement(
    update(device_logins)
    .where(_C.fingerprint == bindparam("login"), _C.state == State.APPROVED.value)
    .values(state=State.USED.value)
)
_SWEEP = statement(delete(device_logins).where(_C.expires_at <= bindparam("before")))


async def insert_login(uow: UnitOfWork, login: DeviceLogin, user_code: str) -> bool:
    """Keep a new login with the fingerprint of its user code; False when another has the same."""
    row = {name: getattr(login, name) for name in _FIELDS} | {"user_code": user_code}
    row |= {"permissions": dumps(login.permissions), "state": login.state.value}
    return await uow.execute(_INSERT, row) == 1


async def find_by_device(uow: UnitOfWork, fingerprint: str) -> DeviceLogin | None:
    return _login(await uow.fetch_one(_BY_DEVICE, {"fingerprint": fingerprint}))


async def find_by_user_code(uow: UnitOfWork, fingerprint: str) -> DeviceLogin | None:
    """The login that waits for somebody to enter this code."""
    return _login(await uow.fetch_one(_BY_USER_CODE, {"code": fingerprint, "now": uow.now}))


async def note_polled(uow: UnitOfWork, fingerprint: str, poll_seconds: int) -> None:
    await uow.execute(_POLLED, {"login": fingerprint, "at": uow.now, "seconds": poll_seconds})


async def decide(
    uow: UnitOfWork, fingerprint: str, state: State, account_id: str, user_id: str, session_id: str
) -> bool:
    """Note who has decided and how; False when somebody had before."""
    named = {"login": fingerprint, "new_state": state.value, "new_account": account_id}
    return await uow.execute(_DECIDE, {**named, "new_user": user_id, "new_session": session_id}) == 1


async def use(uow: UnitOfWork, fingerprint: str) -> bool:
    """Use up an approved login; False when it was before."""
    return await uow.execute(_USE, {"login": fingerprint}) == 1


async def sweep(uow: UnitOfWork, before: int) -> int:
    return await uow.execute(_SWEEP, {"before": before})


def _login(row: Row | None) -> DeviceLogin | None:
    if row is None:
        return None
    values = {name: row[name] for name in _FIELDS}
    return DeviceLogin(**values | {"permissions": tuple(loads(row["permissions"])), "state": State(row["state"])})
