"""Signed tickets: what a browser brings back to show that an earlier step was taken. None has a row before it is used.

``<expires>.<nonce>.<part>….<mac>``, each part as URL-safe base64. The MAC is of this server's security epoch, so a
restore ends them all.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from enum import StrEnum

from sheetport.features.logins import store
from sheetport.kernel.crypto import KeyRing
from sheetport.storage.unit_of_work import UnitOfWork

_MAX = 2_000
_NONCE_BYTES = 16


class Purpose(StrEnum):
    """What a ticket is for; one for something else is none."""

    SECOND_STEP = "second-step"
    ENROLMENT = "enrolment"
    RESET = "reset"
    CHALLENGE = "challenge"
    DEVICE = "device"
    SSO = "sso"


@dataclass(frozen=True, slots=True)
class Ticket:
    """A ticket that was read: its MAC held and its time is not over."""

    parts: tuple[str, ...] = field(repr=False)
    nonce: str = field(repr=False)
    expires_at: int


def make_ticket(keys: KeyRing, purpose: Purpose, expires_at: int, *parts: str) -> str:
    """A new ticket, good until ``expires_at`` (milliseconds)."""
    nonce = secrets.token_urlsafe(_NONCE_BYTES)
    mac = keys.sign("ticket", purpose, str(expires_at), nonce, *parts)
    return ".".join([str(expires_at), nonce, *(_encoded(part) for part in parts), mac])


def read_ticket(keys: KeyRing, purpose: Purpose, text: str, now: int) -> Ticket | None:
    """The ticket, None for whatever is not one of this server, for this purpose, now."""
    if len(text) > _MAX or not text.isascii() or text.count(".") < 2:
        return None
    expires, nonce, *encoded, mac = text.split(".")
    try:
        parts = tuple(urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode() for part in encoded)
    except ValueError:
        return None
    if not keys.signed(mac, "ticket", purpose, expires, nonce, *parts) or int(expires) <= now:
        return None
    return Ticket(parts, nonce, int(expires))


async def spend_ticket(uow: UnitOfWork, ticket: Ticket) -> bool:
    """Use the ticket up; False when it was used before."""
    return await store.spend(uow, uow.keys.fingerprint(f"ticket {ticket.nonce}").hex(), ticket.expires_at)


def _encoded(part: str) -> str:
    return urlsafe_b64encode(part.encode()).decode().rstrip("=")
