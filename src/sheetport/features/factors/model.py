"""Second factors: authenticator apps (TOTP), recovery codes, passkeys; and an account's rules for sign-ins."""

from __future__ import annotations

from dataclasses import dataclass, field

from sheetport.kernel.crypto import Sealed

#: How many recovery codes are made at once.
RECOVERY_CODES = 10
MAX_PASSKEYS = 20
MAX_NAME = 80


@dataclass(frozen=True, slots=True)
class Totp:
    """A user's authenticator app. Until ``confirmed_at`` no code was shown to work, and it is no factor yet."""

    user_id: str
    account_id: str
    sealed: Sealed = field(repr=False)
    last_step: int
    created_at: int
    confirmed_at: int | None = None


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey of a user; ``rp_id`` is the host name that it is for."""

    id: str
    account_id: str
    user_id: str
    name: str
    rp_id: str
    credential: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: list[str]
    created_at: int
    last_used_at: int | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """Where a browser is: the host name of a passkey, and the origin that the browser signs."""

    rp_id: str
    origin: str


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What an authenticator app is told, this once: the secret in base32, and the same as an address for a QR code."""

    secret: str = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Policy:
    """``mfa_required``: who has no second factor sets one up at the next sign-in. ``password_tokens``: the API gives a
    token for a password.
    """

    account_id: str
    mfa_required: bool = False
    password_tokens: bool = True


@dataclass(frozen=True, slots=True)
class Factors:
    """What a user has."""

    totp: bool
    recovery_codes: int
    passkeys: list[Passkey]

    @property
    def any(self) -> bool:
        """Whether a password alone is not enough."""
        return self.totp or bool(self.passkeys)
