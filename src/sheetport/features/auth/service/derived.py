"""Tokens that are derived, not stored: they carry their claims and a MAC.

``spt_<space id>.<expiry>.<generation>.<mac><checksum>``: a space's access token. It dies with its hour
bucket plus 24 h, with its space, and when the space's token generation goes up.

``gst_<guest id>.<space id or nothing>.<sign-in>.<expiry>.<generation>.<mac><checksum>``: a guest's. It lives for an
hour, and dies with the guest, with their access to the space, and when the guest's token generation goes up.
"""

from __future__ import annotations

from dataclasses import dataclass

from sheetport.kernel.clock import HOUR
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.tokens import unchecked, with_checksum

SPACE_PREFIX = "spt_"
SPACE_LIFETIME = 24 * HOUR
GUEST_PREFIX = "gst_"
GUEST_LIFETIME = HOUR


@dataclass(frozen=True, slots=True)
class SpaceClaim:
    """What a space token says, once its MAC holds."""

    space_id: str
    expires_at: int
    generation: int


def mint_space_token(keys: KeyRing, space_id: str, generation: int, now: int) -> str:
    """The space's access token: the same all through an hour, valid for 24 to 25 hours."""
    expires_at = (now // HOUR + 1) * HOUR + SPACE_LIFETIME
    body = f"{space_id}.{expires_at}.{generation}"
    return with_checksum(f"{SPACE_PREFIX}{body}.{keys.sign('space', body)}")


def read_space_token(keys: KeyRing, token: str) -> SpaceClaim | None:
    """The claim of a token whose MAC holds, else None. Expiry and generation are the caller's to check."""
    body, _, signature = unchecked(token).removeprefix(SPACE_PREFIX).rpartition(".")
    if not body.isascii() or not keys.signed(signature, "space", body):
        return None
    space_id, expires_at, generation = body.split(".")
    return SpaceClaim(space_id, int(expires_at), int(generation))


@dataclass(frozen=True, slots=True)
class GuestClaim:
    """What a guest token says, once its MAC holds. ``space_id`` is empty for every space of the guest.

    ``began_at`` is when the guest signed in, which renewals leave as it was.
    """

    guest_id: str
    space_id: str
    began_at: int
    expires_at: int
    generation: int


def mint_guest_token(keys: KeyRing, claim: GuestClaim) -> str:
    """The token that says what the claim does."""
    body = f"{claim.guest_id}.{claim.space_id}.{claim.began_at}.{claim.expires_at}.{claim.generation}"
    return with_checksum(f"{GUEST_PREFIX}{body}.{keys.sign('guest', body)}")


def read_guest_token(keys: KeyRing, token: str) -> GuestClaim | None:
    """The claim of a token whose MAC holds, else None. Expiry and generation are the caller's to check."""
    body, _, signature = unchecked(token).removeprefix(GUEST_PREFIX).rpartition(".")
    if not body.isascii() or not keys.signed(signature, "guest", body):
        return None
    guest_id, space_id, began_at, expires_at, generation = body.split(".")
    return GuestClaim(guest_id, space_id, int(began_at), int(expires_at), int(generation))
