"""The message that is handed to the mail server."""

from __future__ import annotations

from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr

from sheetport.features.mail.model import Parcel
from sheetport.features.mail.service.rendering import render
from sheetport.kernel.clock import SECOND


def compose(parcel: Parcel, sender: str) -> EmailMessage:
    """A message with a text and an HTML part. Its Message-ID is the mail's own, so that a mail that goes out twice
    is one for whoever reads it."""
    mail, rendered = parcel.mail, render(parcel.mail.template, parcel.values)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = ascii_domain(mail.recipient)
    message["Subject"] = rendered.subject
    message["Date"] = format_datetime(datetime.fromtimestamp(mail.created_at // SECOND, UTC))
    message["Message-ID"] = f"<{mail.id}@{ascii_domain(parseaddr(sender)[1]).rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(rendered.text)
    message.add_alternative(rendered.html, subtype="html")
    return message


def ascii_domain(address: str) -> str:
    """The address with its domain as mail servers spell it; as it is when it has no such spelling."""
    local, _, domain = address.rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}"
    except UnicodeError:
        return address
