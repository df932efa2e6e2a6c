"""The outbox: a mail is a row of the transaction that asks for it, so that it goes out exactly if that is committed.

What is said in a mail (links, codes, names) is sealed under a key of its own, and gone when the mail is sent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sheetport.config import Settings
from sheetport.features.audit import service as audit
from sheetport.features.mail import store
from sheetport.features.mail.model import FIRST_WAIT, LEASE, LONGEST_WAIT, PATIENCE, Mail, MailStatus, Parcel
from sheetport.features.mail.service.rendering import names_of
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.crypto import DecryptionError, seal, unseal
from sheetport.kernel.errors import NotFound
from sheetport.kernel.ids import new_id, random_text
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.mailboxes import checked_address
from sheetport.kernel.permissions import Permission, require
from sheetport.storage import identity
from sheetport.storage.unit_of_work import UnitOfWork

MAX_ERROR = 300
_KEY = "key"


def configured(settings: Settings) -> bool:
    """Whether mail goes out; if not, hand links to whoever asked for them, in the reply and nowhere else."""
    return settings.mail is not None


async def enqueue(uow: UnitOfWork, account_id: str, to: str, template: str, **values: Any) -> None:
    """Have ``template`` with ``values`` sent to the address ``to`` once this unit of work is committed.

    The caller checks who may, and records it. Raises Invalid for what is no address, and TypeError when
    ``values`` are not those of the template: that is a fault of the caller.
    """
    if set(values) != names_of(template):
        raise TypeError(f"mail {template} takes {', '.join(sorted(names_of(template)))}")
    address = checked_address(to)
    made = Mail(account_id, new_id("ml", account_id), address, template, MailStatus.WAITING, 0, uow.now, uow.now)
    await identity.require_current_kek(uow)
    data_key, sealed_key = uow.keys.new_data_key(*_context(made), _KEY)
    await store.insert_mail(uow, made, sealed_key, seal(data_key, made.id, dumps(values).encode(), *_context(made)))


async def is_any_due(uow: UnitOfWork) -> bool:
    """Whether a mail of any account is to be sent now: a look without a right to write."""
    return await store.is_any_due(uow)


async def claim_mail(uow: UnitOfWork) -> Parcel | None:
    """The mail that has waited longest, kept from other processes for a while; None when none is due.

    One that no longer opens, or that has waited too long, is given up on the way.
    """
    while True:
        row = await store.lock_due(uow)
        if row is None:
            return None
        mail = row.mail
        if uow.now - mail.created_at > PATIENCE:
            await _end(uow, mail, mail.error or "It was not sent within three days.")
            continue
        try:
            data_key = uow.keys.open_data_key(row.sealed_key, *_context(mail), _KEY)
            values = loads(unseal(data_key, row.sealed, *_context(mail)))
        except DecryptionError:
            await _end(uow, mail, "It does not open: its row was altered, or sealed under another key file.")
            continue
        parcel = Parcel(replace(mail, attempts=mail.attempts + 1), random_text(16), values)
        await store.lease_mail(uow, parcel, uow.now + LEASE)
        return parcel


async def release_mails(uow: UnitOfWork) -> None:
    """Take back what a process had to itself, when it is sure that there is none any more."""
    await store.release_mails(uow)


async def mark_sent(uow: UnitOfWork, parcel: Parcel) -> None:
    """The mail server has taken it: its content is wiped."""
    await store.end_mail(uow, parcel.mail, MailStatus.SENT, None, parcel.lease)


async def postpone(uow: UnitOfWork, parcel: Parcel, error: str) -> None:
    """It could not be sent now: try again later, after ever longer waits."""
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(parcel.mail.attempts - 1, 20))
    await store.postpone_mail(uow, parcel, uow.now + wait, error[:MAX_ERROR])


async def give_up(uow: UnitOfWork, parcel: Parcel, error: str) -> None:
    """It will never be taken, such as when there is no such mailbox."""
    await _end(uow, parcel.mail, error, parcel.lease)


async def list_mails(uow: UnitOfWork, actor: Actor, status: MailStatus | None = None) -> list[Mail]:
    """The account's mails of a status, or all that are still in the list; newest first, 1,000 at most."""
    actor = require(actor, Permission.ACCOUNT_WRITE)
    return await store.list_mails(uow, actor.account_id, status)


async def retry_mails(uow: UnitOfWork, actor: Actor, mail_id: str | None = None) -> int:
    """Have a mail that waits or is dead sent now, or all of the account's; how many. Raises NotFound for one that was
    sent, or is not there."""
    actor = require(actor, Permission.ACCOUNT_WRITE)
    count = await store.retry_mails(uow, actor.account_id, mail_id)
    if mail_id is not None and count == 0:
        raise NotFound(f"There is no mail {mail_id[:60]!r} that waits or is dead.", "mailId")
    if count:
        await audit.record(uow, actor, "mail:retry", mail_id, count=count)
    return count


async def reseal_mails(uow: UnitOfWork, most: int) -> int:
    """Seal the keys of up to ``most`` mails under the current key-encryption key; how many were under another."""
    rows = await store.lock_sealed_otherwise(uow, uow.keys.current_kek, most)
    for row in rows:
        try:
            data_key = uow.keys.open_data_key(row.sealed_key, *_context(row.mail), _KEY)
        except DecryptionError:
            await _end(uow, row.mail, "It does not open: its row was altered, or sealed under another key file.")
            await store.wipe_mail(uow, row.mail)  # nobody can read it any more, and it is not to be tried again
            continue
        await store.reseal_mail(uow, row.mail, uow.keys.seal_data_key(data_key, *_context(row.mail), _KEY))
    return len(rows)


async def _end(uow: UnitOfWork, mail: Mail, error: str, lease: str | None = None) -> None:
    if await store.end_mail(uow, mail, MailStatus.DEAD, error[:MAX_ERROR], lease):
        await audit.record(uow, system_actor(mail.account_id), "mail:dead", mail.id, template=mail.template)


def _context(mail: Mail) -> tuple[str, ...]:
    """What the content is bound to, so that it opens in no other row and goes to nobody else."""
    return ("mail", mail.account_id, mail.id, mail.recipient, mail.template)
