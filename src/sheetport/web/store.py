"""SQL of the first page: its marks, and what they are judged by."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select, update
from sqlalchemy.dialects.postgresql import insert

from sheetport.kernel.json import loads
from sheetport.storage.statements import statement
from sheetport.storage.tables.audit import audit_records
from sheetport.storage.tables.core import accounts, environments
from sheetport.storage.tables.secrets import secrets
from sheetport.storage.tables.web import guide_marks
from sheetport.storage.unit_of_work import UnitOfWork

#: As many of the newest are looked at: a flood of them says nothing more.
SIGN_INS = 200
_PING = statement(select(accounts.c.id).limit(1))
_MARKS = statement(select(guide_marks).where(guide_marks.c.account_id == bindparam("account")))
_COLUMNS = ("account_id", "step", "state", "reason", "at")
_INSERT = statement(insert(guide_marks).values({name: bindparam(name) for name in _COLUMNS}).on_conflict_do_nothing())
_UPDATE = statement(
    update(guide_marks)
    .where(guide_marks.c.account_id == bindparam("account"), guide_marks.c.step == bindparam("which"))
    .values(state=bindparam("new_state"), reason=bindparam("new_reason"), at=bindparam("new_at"))
)
_STAGE = statement(select(environments.c.is_prod).where(environments.c.id == bindparam("id")))
_ANY_SECRET = statement(
    select(secrets.c.id)
    .where(
        secrets.c.environment_id == bindparam("environment"),
        secrets.c.kind == "secret",
        secrets.c.space_id == bindparam("space"),
    )
    .limit(1)
)
_SIGN_INS = statement(
    select(audit_records.c.account_id, audit_records.c.action, audit_records.c.detail)
    .where(
        audit_records.c.account_id.in_(select(accounts.c.id)),  # the index begins with the account
        audit_records.c.created_at >= bindparam("since"),
        (audit_records.c.action == "auth:sign-in") | (audit_records.c.action == "auth:refused"),
    )
    .order_by(audit_records.c.created_at.desc(), audit_records.c.id.desc())
    .limit(SIGN_INS)
)


@dataclass(frozen=True, slots=True)
class Mark:
    """How a step of the guide last went for an account. ``state`` is "seen" or "failed", ``reason`` says why."""

    account_id: str
    step: str
    state: str
    reason: str | None
    at: int


async def ping(uow: UnitOfWork) -> None:
    """Read something, to know that it can be done."""
    await uow.fetch_one(_PING)


async def list_marks(uow: UnitOfWork, account_id: str) -> list[Mark]:
    rows = await uow.fetch_all(_MARKS, {"account": account_id})
    return [Mark(**{name: row[name] for name in _COLUMNS}) for row in rows]


async def put_mark(uow: UnitOfWork, mark: Mark) -> None:
    changed = await uow.execute(
        _UPDATE,
        {
            "account": mark.account_id,
            "which": mark.step,
            "new_state": mark.state,
            "new_reason": mark.reason,
            "new_at": mark.at,
        },
    )
    if not changed:
        await uow.execute(_INSERT, {name: getattr(mark, name) for name in _COLUMNS})


async def is_prod(uow: UnitOfWork, environment_id: str) -> bool | None:
    """Whether the environment is for production; None when there is no such environment."""
    row = await uow.fetch_one(_STAGE, {"id": environment_id})
    return None if row is None else bool(row["is_prod"])


async def holds_secrets(uow: UnitOfWork, environment_id: str, space_id: str = "") -> bool:
    """Whether the environment, or the space of it, has a secret of its own."""
    return await uow.fetch_one(_ANY_SECRET, {"environment": environment_id, "space": space_id}) is not None


async def latest_sign_ins(uow: UnitOfWork, since: int) -> list[tuple[str, str, bool]]:
    """(account id, way in, whether it was let in): the last one of each account and way since then."""
    found: dict[tuple[str, str], bool] = {}
    for row in await uow.fetch_all(_SIGN_INS, {"since": since}):
        detail = loads(row["detail"] or "{}")
        way = detail.get("origin") or detail.get("name") or ""
        found.setdefault((row["account_id"], way), row["action"] == "auth:sign-in")  # the newest comes first
    return [(account, way, let_in) for (account, way), let_in in found.items()]
