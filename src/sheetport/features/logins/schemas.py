"""Wire shapes of sessions, passwords, factors and the rules for sign-ins. What holds a secret shows nothing of it."""

from __future__ import annotations

from sheetport.features.factors.model import Enrolment, Factors, Passkey, Policy
from sheetport.features.logins.model import ListedSession
from sheetport.features.sso.model import Change, Check, Connection
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


class SsoPatch(_Hidden):
    """What is left out stays. ``new_users``: the role of users who are made at their first sign-in, "" for none."""

    name: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    client_secret: str | None = None
    domains: list[str] | None = None
    new_users: str | None = None
    trusts_mfa: bool | None = None
    only_sso: bool | None = None


class SsoShape(Wire):
    """``redirect_uri``: what the provider has to know of this server. ``trusts_mfa``: a second factor that the provider
    vouches for is enough. ``only_sso``: the account's users sign in no other way.
    """

    id: str
    name: str
    issuer: str
    client_id: str
    redirect_uri: str
    domains: list[str]
    new_users: str
    trusts_mfa: bool
    only_sso: bool
    created_at: str
    updated_at: str


class SsoCheck(Wire):
    """``name``: discovery or keys. ``found``: what is wrong, or what was found."""

    name: str
    ok: bool
    found: str


def to_sso_change(patch: SsoPatch) -> Change:
    values = {name: getattr(patch, name) for name in Change.__dataclass_fields__}
    return Change(**values | {"domains": None if patch.domains is None else tuple(patch.domains)})


def to_sso(connection: Connection, base_url: str) -> SsoShape:
    return SsoShape(
        id=connection.id,
        name=connection.name,
        issuer=connection.issuer,
        client_id=connection.client_id,
        redirect_uri=f"{base_url}/sso/{connection.id}/callback",
        domains=list(connection.domains),
        new_users=connection.new_users or "",
        trusts_mfa=connection.trusts_mfa,
        only_sso=connection.only_sso,
        created_at=iso(connection.created_at),
        updated_at=iso(connection.updated_at),
    )


def to_sso_check(check: Check) -> SsoCheck:
    return SsoCheck(name=check.name, ok=check.ok, found=check.found)


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
