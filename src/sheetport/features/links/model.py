"""A link that is good once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sheetport.kernel.clock import DAY, MINUTE


class Purpose(StrEnum):
    """What a link is for. A user has at most one link of each that can still be used."""

    SETUP = "setup"
    INVITATION = "invitation"


#: How long a link can be used, milliseconds.
LIFETIMES = {Purpose.SETUP: 30 * MINUTE, Purpose.INVITATION: 7 * DAY}


@dataclass(frozen=True, slots=True)
class Link:
    """A one-time right to choose a user's password; its token is not in it."""

    id: str
    account_id: str
    user_id: str
    purpose: Purpose
    expires_at: int
    used_at: int | None = None
