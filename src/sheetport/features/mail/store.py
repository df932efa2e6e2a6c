"""SQL of the mail outbox."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update

from sheetport.features.mail.model import Mail, MailStatus, Parcel
from sheetport.kernel.crypto import Sealed
from sheetport.storage.statements import statement
from sheetport.storage.tables.mail import mails
from sheetport.storage.unit_of_work import Row, UnitOfWork

MOST = 1_000
_FIELDS = tuple(Mail.__dataclass_fields__)
_SEALED = ("kek_id", "key_nonce", "key_ciphertext", "nonce", "ciphertext")
_WIPED: dict[str, Any] = dict.fromkeys(_SEALED)
_INSERT = statement(insert(mails).values({name: bindparam(name) for name in (*_FIELDS, *_SEALED)}))
_WAITING = mails.c.status == MailStatus.WAITING.value
#: A row that another process is about to take is left to it.
_LOCK_DUE = statement(
    select(mails)
    .where(_WAITING, mails.c.due_at <= bindparam("now"))
    .order_by(mails.c.due_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_ANY_DUE = statement(select(mails.c.id).where(_WAITING, mails.c.due_at <= bindparam("now")).limit(1))
_ONE = (mails.c.account_id == bindparam("account"), mails.c.id == bindparam("mail"))
#: Whoever holds the lease, and nobody when there is none.
_HELD = mails.c.lease.is_not_distinct_from(bindparam("held", type_=mails.c.lease.type))
_LEASE = statement(
    update(mails)
    .where(*_ONE)
    .values(lease=bindparam("new_lease"), due_at=bindparam("until"), attempts=bindparam("tries"))
)
_POSTPONE = statement(
    update(mails).where(*_ONE, _HELD, _WAITING).values(lease=None, due_at=bindparam("until"), error=bindparam("said"))
)
_END = statement(
    update(mails)
    .where(*_ONE, or_(bindparam("held", type_=mails.c.lease.type).is_(None), _HELD), _WAITING)
    .values(status=bindparam("new_status"), ended_at=bindparam("at"), error=bindparam("said"), lease=None)
)
_WIPE = statement(update(mails).where(*_ONE).values(_WIPED))
_RELEASE = statement(
    update(mails).where(_WAITING, mails.c.lease.is_not(None)).values(lease=None, due_at=bindparam("at"))
)
_OF_ACCOUNT = select(mails).where(mails.c.account_id == bindparam("account"))
_NEWEST = _OF_ACCOUNT.order_by(mails.c.created_at.desc(), mails.c.id).limit(MOST)
_LIST = statement(_NEWEST)
_LIST_STATUS = statement(_NEWEST.where(mails.c.status == bindparam("wanted")))
#: A mail that is being sent at this moment is not sent beside that.
_AGAIN = and_(mails.c.account_id == bindparam("account"), mails.c.lease.is_(None), mails.c.ciphertext.is_not(None))
_RETRIED: dict[str, Any] = {
    "status": MailStatus.WAITING.value,
    "due_at": bindparam("at"),
    "created_at": bindparam("at"),
    "ended_at": None,
}
_RETRY_ALL = statement(update(mails).where(_AGAIN).values(_RETRIED))
_RETRY_ONE = statement(update(mails).where(_AGAIN, mails.c.id == bindparam("mail")).values(_RETRIED))
_SEALED_OTHERWISE = statement(
    select(mails)
    .where(mails.c.kek_id.is_not(None), mails.c.kek_id != bindparam("kek"))
    .limit(bindparam("most"))
    .with_for_update()
)
_RESEAL = statement(
    update(mails)
    .where(*_ONE)
    .values(kek_id=bindparam("kek"), key_nonce=bindparam("new_nonce"), key_ciphertext=bindparam("new_ciphertext"))
)
_DELETE_ENDED = statement(
    delete(mails).where(or_(mails.c.ended_at < bindparam("ended"), mails.c.created_at < bindparam("made")))
)


@dataclass(frozen=True, slots=True)
class SealedMail:
    """A mail with its sealed content, and the key of that."""

    mail: Mail
    sealed_key: Sealed
    sealed: Sealed


async def insert_mail(uow: UnitOfWork, mail: Mail, sealed_key: Sealed, sealed: Sealed) -> None:
    row = {name: getattr(mail, name) for name in _FIELDS} | {
        "status": mail.status.value,
        "kek_id": sealed_key.key_id,
        "key_nonce": sealed_key.nonce,
        "key_ciphertext": sealed_key.ciphertext,
        "nonce": sealed.nonce,
        "ciphertext": sealed.ciphertext,
    }
    await uow.execute(_INSERT, row)


async def is_any_due(uow: UnitOfWork) -> bool:
    return await uow.fetch_one(_ANY_DUE, {"now": uow.now}) is not None


async def lock_due(uow: UnitOfWork) -> SealedMail | None:
    """The mail whose turn it is, of whichever account, that no other process is about to take."""
    row = await uow.fetch_one(_LOCK_DUE, {"now": uow.now})
    return None if row is None else _sealed(row)


async def lease_mail(uow: UnitOfWork, parcel: Parcel, until: int) -> None:
    mail = parcel.mail
    named = {"account": mail.account_id, "mail": mail.id, "new_lease": parcel.lease, "until": until}
    await uow.execute(_LEASE, {**named, "tries": mail.attempts})


async def postpone_mail(uow: UnitOfWork, parcel: Parcel, until: int, error: str) -> None:
    mail = parcel.mail
    named = {"account": mail.account_id, "mail": mail.id, "held": parcel.lease, "until": until, "said": error}
    await uow.execute(_POSTPONE, named)


async def end_mail(uow: UnitOfWork, mail: Mail, status: MailStatus, error: str | None, lease: str | None) -> bool:
    """End a mail that waits, if ``lease`` (None asks for none) is still its own; what was sent is wiped."""
    one = {"account": mail.account_id, "mail": mail.id}
    named = {**one, "held": lease, "new_status": status.value, "at": uow.now, "said": error}
    ended = await uow.execute(_END, named) == 1
    if ended and status is MailStatus.SENT:
        await uow.execute(_WIPE, one)
    return ended


async def release_mails(uow: UnitOfWork) -> None:
    await uow.execute(_RELEASE, {"at": uow.now})


async def wipe_mail(uow: UnitOfWork, mail: Mail) -> None:
    """Delete what a mail says."""
    await uow.execute(_WIPE, {"account": mail.account_id, "mail": mail.id})


async def list_mails(uow: UnitOfWork, account_id: str, status: MailStatus | None) -> list[Mail]:
    if status is None:
        rows = await uow.fetch_all(_LIST, {"account": account_id})
    else:
        rows = await uow.fetch_all(_LIST_STATUS, {"account": account_id, "wanted": status.value})
    return [_mail(row) for row in rows]


async def retry_mails(uow: UnitOfWork, account_id: str, mail_id: str | None) -> int:
    named = {"account": account_id, "at": uow.now}
    if mail_id is None:
        return await uow.execute(_RETRY_ALL, named)
    return await uow.execute(_RETRY_ONE, {**named, "mail": mail_id})


async def lock_sealed_otherwise(uow: UnitOfWork, kek_id: str, most: int) -> list[SealedMail]:
    """Mails whose key is sealed under another key-encryption key than this one."""
    return [_sealed(row) for row in await uow.fetch_all(_SEALED_OTHERWISE, {"kek": kek_id, "most": most})]


async def reseal_mail(uow: UnitOfWork, mail: Mail, sealed_key: Sealed) -> None:
    named = {"account": mail.account_id, "mail": mail.id, "kek": sealed_key.key_id}
    await uow.execute(_RESEAL, {**named, "new_nonce": sealed_key.nonce, "new_ciphertext": sealed_key.ciphertext})


async def delete_ended(uow: UnitOfWork, ended: int, made: int) -> int:
    """Delete mails that ended before the first time, and all that were made before the second."""
    return await uow.execute(_DELETE_ENDED, {"ended": ended, "made": made})


def _mail(row: Row) -> Mail:
    return Mail(**{name: row[name] for name in _FIELDS} | {"status": MailStatus(row["status"])})


def _sealed(row: Row) -> SealedMail:
    sealed_key = Sealed(row["kek_id"], bytes(row["key_nonce"]), bytes(row["key_ciphertext"]))
    return SealedMail(_mail(row), sealed_key, Sealed(row["id"], bytes(row["nonce"]), bytes(row["ciphertext"])))
