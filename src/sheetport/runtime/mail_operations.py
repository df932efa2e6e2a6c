"""What the local socket offers for mail: to see the outbox, to have it sent now, and to try the settings."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import aiosmtplib

from sheetport.config import MailSettings
from sheetport.features.mail import service as mail
from sheetport.features.mail.model import Mail, MailStatus, Parcel
from sheetport.kernel.clock import iso, iso_or_none
from sheetport.kernel.errors import Invalid, Unavailable
from sheetport.kernel.ids import new_id
from sheetport.kernel.mailboxes import checked_address
from sheetport.runtime.admin_socket import Operation
from sheetport.runtime.choosing import find_administrator
from sheetport.runtime.mail_sender import Refused, deliver, reason
from sheetport.storage.unit_of_work import Database, UnitOfWork

Answer = tuple[dict[str, Any], list[str]]
_UNSET = "This server sends no mail: start it with SHEETPORT_SMTP_URL and SHEETPORT_MAIL_FROM."


class MailOperations:
    """The operations of one server process; ``url`` is the server's own address."""

    def __init__(self, db: Database, settings: MailSettings | None, url: str) -> None:
        self._db = db
        self._settings = settings
        self._url = url

    def by_name(self) -> dict[str, Operation]:
        return {"mail-list": self.list_mails, "mail-retry": self.retry_mails, "mail-test": self.test_mail}

    async def list_mails(self, request: dict[str, Any]) -> Answer:
        """The mails of an account, newest first; of ``status`` only, if that is given."""
        status = request.get("status")
        if status is not None and status not in set(MailStatus):
            raise Invalid(f"--status is one of {', '.join(MailStatus)}.", "status")

        async def work(uow: UnitOfWork) -> list[Mail]:
            actor = await find_administrator(uow, request.get("account"))
            return await mail.list_mails(uow, actor, MailStatus(status) if status else None)

        found = await self._db.read(work)
        return {"configured": self._settings is not None, "mails": [_told(each) for each in found]}, []

    async def retry_mails(self, request: dict[str, Any]) -> Answer:
        """Have one mail, or all that wait or are dead, sent now."""
        if self._settings is None:
            raise Unavailable(_UNSET, "SHEETPORT_SMTP_URL")

        async def work(uow: UnitOfWork) -> int:
            actor = await find_administrator(uow, request.get("account"))
            return await mail.retry_mails(uow, actor, request.get("id"))

        return {"count": await self._db.write(work)}, []

    async def test_mail(self, request: dict[str, Any]) -> Answer:
        """Send a mail at once, past the outbox."""
        if self._settings is None:
            raise Unavailable(_UNSET, "SHEETPORT_SMTP_URL")
        address, now = checked_address(str(request.get("to") or ""), "ADDRESS"), self._db.clock.now()
        test = Mail("", new_id("ml", "test"), address, "test", MailStatus.WAITING, 1, now, now)
        message = mail.compose(Parcel(test, "", {"server": self._url}), self._settings.sender)
        try:
            await deliver(message, address, self._settings)
        except (OSError, aiosmtplib.SMTPException, Refused) as error:
            said = str(error) if isinstance(error, Refused) else reason(error)
            where = f"{self._settings.host}:{self._settings.port}"
            raise Unavailable(f"{where} did not take the mail: {said}", "SHEETPORT_SMTP_URL") from None
        return {"messageId": str(message["Message-ID"]), "host": self._settings.host, "port": self._settings.port}, []


def _told(found: Mail) -> dict[str, Any]:
    told = asdict(found)
    return told | {
        "created_at": iso(found.created_at),
        "due_at": iso(found.due_at),
        "ended_at": iso_or_none(found.ended_at),
    }
