"""A real mail server of this process, which keeps what it is sent and refuses when a test says so."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from servers.sheetport import free_port
from sheetport.config import MailSettings

SENDER = "Imports <imports@sheetport.example>"


@dataclass
class Mailbox:
    """What arrived. ``answers`` are given, one each, to the next recipients instead of taking their mail."""

    port: int = 0
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    secure: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.answers:
            return self.answers.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content).encode()
        self.messages.append(email.message_from_bytes(content, policy=email.policy.default))
        self.recipients += envelope.rcpt_tos
        self.secure.append(session.ssl is not None)
        return "250 OK"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, kind: str, given: Any) -> AuthResult:
        if isinstance(given, LoginPassword):
            self.logins.append((given.login.decode(), given.password.decode()))
        return AuthResult(success=self.logins[-1:] == [("user", "p@ss")])

    @property
    def settings(self) -> MailSettings:
        return MailSettings("127.0.0.1", self.port, SENDER, plain_allowed=True)

    @property
    def variables(self) -> dict[str, str]:
        """What a server is told, to send its mail here."""
        return {"SHEETPORT_SMTP_URL": f"smtp://127.0.0.1:{self.port}", "SHEETPORT_MAIL_FROM": SENDER}

    def text(self, index: int = -1) -> str:
        """The text part of a message."""
        return self._part("plain", index)

    def html(self, index: int = -1) -> str:
        return self._part("html", index)

    def _part(self, kind: str, index: int) -> str:
        part = self.messages[index].get_body((kind,))
        assert part is not None
        return str(part.get_content())


@contextmanager
def running_mailbox(**options: Any) -> Iterator[Mailbox]:
    """A mail server on a free port; ``options`` are those of aiosmtpd."""
    box = Mailbox(free_port())
    controller = Controller(box, hostname="127.0.0.1", port=box.port, authenticator=box.authenticate, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()
