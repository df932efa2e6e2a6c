"""A sign-in by a person."""

from __future__ import annotations

from dataclasses import dataclass

MAX_AGENT = 300


@dataclass(frozen=True, slots=True)
class Session:
    """``way`` is how the person proved who they are ("password", "password+totp", "passkey", ...)."""

    credential_id: str
    account_id: str
    user_id: str
    address: str | None
    agent: str | None
    way: str
    authenticated_at: int
