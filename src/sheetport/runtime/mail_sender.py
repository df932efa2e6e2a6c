"""Sends the mails of the outbox, one at a time in each process, at least once each.

A mail that the server has taken and that is not marked so, because this process died in between, goes out again with
the same Message-ID.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from email.message import EmailMessage
from functools import partial

import aiosmtplib
import structlog

from sheetport.config import MailSettings
from sheetport.features.mail import service as mail
from sheetport.features.mail.model import LEASE, Parcel
from sheetport.kernel.clock import SECOND
from sheetport.storage.unit_of_work import Database

#: How often the outbox is looked into.
LOOK_SECONDS = 1.0
#: One attempt, well within the lease.
ATTEMPT_SECONDS = LEASE / SECOND / 2
_STEP_SECONDS = 30.0
_log = structlog.get_logger()


class Refused(Exception):
    """The mail server will never take this mail."""


class MailSender:
    """Sends what is due through the server of ``settings``.

    ``ready`` is called before each look: it writes the mails that were asked for apart from a request.
    """

    def __init__(
        self, db: Database, settings: MailSettings, ready: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        self._db = db
        self._settings = settings
        self._ready = ready

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Send until the context ends; the mail that is being sent then goes out again later."""
        if not self._db.shared:  # whoever was sending has ended, in order or not
            await self._db.write(mail.release_mails)
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def send_due(self) -> int:
        """Send, or try to, every mail that is due; how many."""
        count = 0
        while await self._db.read(mail.is_any_due):
            parcel = await self._db.write(mail.claim_mail)
            if parcel is None:
                break
            count += 1
            await self._send(parcel)
        return count

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if self._ready is not None:
                    await self._ready()
                await self.send_due()
            except Exception as error:  # noqa: BLE001 - one failed round must not end the rounds
                _log.warning("mail.round-failed", error=type(error).__name__)

    async def _send(self, parcel: Parcel) -> None:
        try:
            await deliver(mail.compose(parcel, self._settings.sender), parcel.mail.recipient, self._settings)
        except Refused as error:
            _log.warning("mail.refused", mail=parcel.mail.id, template=parcel.mail.template)
            await self._db.write(partial(mail.give_up, parcel=parcel, error=str(error)))
        except Exception as error:  # noqa: BLE001 - whatever it is, this mail is tried again and others go on
            _log.warning(
                "mail.postponed", mail=parcel.mail.id, attempt=parcel.mail.attempts, error=type(error).__name__
            )
            await self._db.write(partial(mail.postpone, parcel=parcel, error=reason(error)))
        else:
            await self._db.write(partial(mail.mark_sent, parcel=parcel))


async def deliver(message: EmailMessage, recipient: str, settings: MailSettings) -> None:
    """Hand a message to the mail server. Raises Refused, and OSError or ``aiosmtplib.SMTPException`` for what may pass
    another time."""
    secure = settings.implicit_tls or not settings.plain_allowed
    try:
        async with asyncio.timeout(ATTEMPT_SECONDS):
            await aiosmtplib.send(
                message,
                recipients=[mail.ascii_domain(recipient)],
                hostname=settings.host,
                port=settings.port,
                username=settings.user,
                password=settings.password,
                use_tls=settings.implicit_tls,
                start_tls=False if settings.implicit_tls else (True if secure else None),
                validate_certs=secure,
                timeout=_STEP_SECONDS,
            )
    except aiosmtplib.SMTPRecipientsRefused as error:
        _refuse_if_final(error.recipients[0].code, reason(error))
        raise
    except aiosmtplib.SMTPDataError as error:
        _refuse_if_final(error.code, reason(error))
        raise
    except aiosmtplib.SMTPNotSupported:
        if recipient.isascii():
            raise  # the server lacks STARTTLS or AUTH: that is for its administrator to mend
        raise Refused("The mail server does not take addresses with letters beyond ASCII before the @.") from None


def reason(error: BaseException) -> str:
    """What went wrong, in one line: the mail server's own words where it had some."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return reason(error.recipients[0])
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _printable(f"{error.code} {error.message}")
    return _printable(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)


def _refuse_if_final(code: int, said: str) -> None:
    if code >= 500:
        raise Refused(said) from None


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
