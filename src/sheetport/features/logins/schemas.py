"""Wire shapes of sessions, passwords, factors and the rules for sign-ins. What holds a secret shows nothing of it."""

from __future__ import annotations

from sheetport.features.factors.model import Enrolment, Factors, Passkey, Policy
from sheetport.features.logins.model import ListedSession
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none


class _Hidden(Wire):
    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class SessionShape(Wire):
    """``method``: how the person proved who they are, such as ``password+totp``. ``current``: the one that asks."""

    id: str
    created_at: str
    method: str
    current: bool
    expires_at: str | None = None
    last_seen_at: str | None = None
    address: str | None = None
    agent: str | None = None


class EndedSessions(Wire):
    ended: int


class ChangePassword(_Hidden):
    current_password: str
    new_password: str


class ProveAgain(_Hidden):
    """``code``: of the authenticator app, or a recovery code, for who has a second factor."""

    password: str
    code: str = ""


class TotpCode(_Hidden):
    code: str


class NewTotp(_Hidden):
    """``secret``: base32. ``uri``: the same for a QR code. Both are shown this once."""

    secret: str
    uri: str


class RecoveryCodes(_Hidden):
    """Shown this once; none when the earlier ones still hold."""

    recovery_codes: list[str]


class PasskeyShape(Wire):
    id: str
    name: str
    created_at: str
    last_used_at: str | None = None


class PasskeyName(Wire):
    name: str


class FactorsShape(Wire):
    """``recovery_codes``: how many are left."""

    totp: bool
    recovery_codes: int
    passkeys: list[PasskeyShape]


class PolicyPatch(Wire):
    mfa_required: bool | None = None
    password_tokens: bool | None = None


class PolicyShape(Wire):
    """``mfa_required``: a sign-in takes a second factor. ``password_tokens``: ``POST /v1/auth`` takes passwords."""

    mfa_required: bool
    password_tokens: bool


def to_session(session: ListedSession) -> SessionShape:
    return SessionShape(
        id=session.id,
        created_at=iso(session.created_at),
        method=session.way,
        current=session.current,
        expires_at=iso_or_none(session.expires_at),
        last_seen_at=iso_or_none(session.last_seen_at),
        address=session.address,
        agent=session.agent,
    )


def to_factors(factors: Factors) -> FactorsShape:
    keys = [_to_passkey(each) for each in factors.passkeys]
    return FactorsShape(totp=factors.totp, recovery_codes=factors.recovery_codes, passkeys=keys)


def _to_passkey(key: Passkey) -> PasskeyShape:
    used = iso_or_none(key.last_used_at)
    return PasskeyShape(id=key.id, name=key.name, created_at=iso(key.created_at), last_used_at=used)


def to_totp(enrolment: Enrolment) -> NewTotp:
    return NewTotp(secret=enrolment.secret, uri=enrolment.uri)


def to_policy(policy: Policy) -> PolicyShape:
    return PolicyShape(mfa_required=policy.mfa_required, password_tokens=policy.password_tokens)
