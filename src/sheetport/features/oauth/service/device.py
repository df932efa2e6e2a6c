"""Sign-ins of programs that show a code, which a person enters on a page of this server (RFC 8628).

The token is made when the program fetches it, so it is nowhere before that; a code is kept as its fingerprint only.
"""

from __future__ import annotations

import re
import secrets
from typing import TypeVar

from sheetport.features.alerts import service as alerts
from sheetport.features.attempts import service as attempts
from sheetport.features.audit import service as audit
from sheetport.features.auth import service as auth
from sheetport.features.factors import service as factors
from sheetport.features.oauth import store
from sheetport.features.oauth.model import (
    CODE_LENGTH,
    CODE_LETTERS,
    DEVICE_LIFETIME,
    DEVICE_TOKEN_LIFETIME,
    MAX_CLIENT_ID,
    POLL_SECONDS,
    Asked,
    DeviceLogin,
    Exchanged,
    OAuthError,
    State,
)
from sheetport.features.sessions import service as sessions
from sheetport.features.sessions.model import MAX_AGENT
from sheetport.features.users import service as users
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.clock import SECOND
from sheetport.kernel.crypto import mint_token
from sheetport.kernel.errors import Conflict, Forbidden, NotFound, SheetportError
from sheetport.kernel.permissions import Permission, require
from sheetport.kernel.visitor import Visitor
from sheetport.storage.unit_of_work import Database, UnitOfWork

T = TypeVar("T")
ORIGIN = "device login"
_CLIENT_ID = re.compile(rf"[ -~]{{1,{MAX_CLIENT_ID}}}")
_TRIES = 5
_UNKNOWN = OAuthError(
    "invalid_grant", "There is no such device code, or it was used; ask for a new one.", "device_code"
)


async def ask(uow: UnitOfWork, client_id: str, scope: str, visitor: Visitor) -> Asked:
    """Begin a device login for a program that calls itself ``client_id``. Raises OAuthError.

    Nobody is known yet: what it may do is decided by whoever approves, and never more than that person may.
    """
    if not _CLIENT_ID.fullmatch(client_id) or not client_id.strip():
        message = f"client_id is what your program is called: 1 to {MAX_CLIENT_ID} printable ASCII characters."
        raise OAuthError("invalid_request", message, "client_id")
    permissions = tuple(sorted(set(scope.split())))
    for name in permissions:
        if name not in set(Permission):
            raise OAuthError("invalid_scope", f"{name[:60]!r} is no permission; the metadata lists them.", "scope")
    device_code = mint_token("dvc")
    login = DeviceLogin(
        fingerprint=uow.keys.fingerprint(device_code).hex(),
        client_id=client_id.strip(),
        permissions=permissions,
        address=visitor.address,
        agent=visitor.agent[:MAX_AGENT] if visitor.agent else None,
        state=State.PENDING,
        created_at=uow.now,
        expires_at=uow.now + DEVICE_LIFETIME * SECOND,
        polled_at=None,
        poll_seconds=POLL_SECONDS,
    )
    for _ in range(_TRIES):
        user_code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
        if await store.insert_login(uow, login, _fingerprint(uow, user_code)):
            return Asked(device_code, user_code)
    raise Conflict("No free code was found; try again.", "user_code")


async def find_asked(db: Database, actor: Actor, user_code: str, visitor: Visitor) -> DeviceLogin:
    """Who asks by this code, for a person who is signed in. Raises NotFound, Forbidden as :func:`decide`, TooMany."""

    async def find(uow: UnitOfWork) -> DeviceLogin | SheetportError:
        return await _find(uow, actor, user_code, visitor)

    return _raised(await db.write(find))


async def decide(db: Database, actor: Actor, user_code: str, visitor: Visitor, *, approved: bool) -> DeviceLogin:
    """Let the program that shows this code act as the person who is signed in, or refuse it.

    Raises NotFound; Forbidden for what is no sign-in by a person, with the second factor where one is needed; TooMany
    after many wrong codes.
    """

    async def work(uow: UnitOfWork) -> DeviceLogin | SheetportError:
        login = await _find(uow, actor, user_code, visitor)
        if isinstance(login, SheetportError):
            return login
        state = State.APPROVED if approved else State.DENIED
        if not await store.decide(uow, login.fingerprint, state, actor.account_id, actor.id, actor.token_id):
            return _no_code()
        action = "device:approve" if approved else "device:deny"
        allowed = list(login.permissions)
        await audit.record(uow, actor, action, _name(login), client=login.client_id, permissions=allowed)
        return login

    return _raised(await db.write(work))


async def redeem(
    uow: UnitOfWork, device_code: str, client_id: str, max_age_days: int | None, key: str | None = None
) -> Exchanged | OAuthError:
    """What a program that waits is told: its token, once, or why it has none yet; what that changes has to last.

    ``key`` is the thumbprint of the key that it has proved to hold: the token is bound to it.
    """
    login = await store.find_by_device(uow, uow.keys.fingerprint(device_code).hex())
    if login is None or login.client_id != client_id.strip() or login.state is State.USED:
        return _UNKNOWN
    if login.state is State.DENIED:
        return OAuthError("access_denied", "This sign-in was refused.", "device_code")
    if login.expires_at <= uow.now:
        return OAuthError("expired_token", "Nobody approved this in time; ask for a new code.", "device_code")
    if login.state is State.PENDING:
        return await _wait(uow, login)
    if not await store.use(uow, login.fingerprint):
        return _UNKNOWN
    return await _give(uow, login, max_age_days, key)


async def _wait(uow: UnitOfWork, login: DeviceLogin) -> OAuthError:
    soon = login.polled_at is not None and uow.now < login.polled_at + login.poll_seconds * SECOND
    seconds = login.poll_seconds + (POLL_SECONDS if soon else 0)
    await store.note_polled(uow, login.fingerprint, seconds)
    if soon:
        return OAuthError("slow_down", f"Ask every {seconds} seconds from now on.", "device_code")
    return OAuthError("authorization_pending", "Nobody has decided yet; ask again.", "device_code")


async def _give(
    uow: UnitOfWork, login: DeviceLogin, max_age_days: int | None, key: str | None
) -> Exchanged | OAuthError:
    user = await users.find_user(uow, login.user_id or "")
    if user is None or user.disabled_at is not None:
        return OAuthError("access_denied", "Whoever approved this cannot sign in any more.", "device_code")
    actor = Actor(ActorKind.USER, user.id, user.account_id, login.session_id or "")
    minted, permissions = await auth.mint_for_device(
        uow,
        actor,
        f"{login.client_id} (device login)",
        origin=ORIGIN,
        expires_at=uow.now + DEVICE_TOKEN_LIFETIME,
        max_age_days=max_age_days,
        permissions=login.permissions,
        bound_to=key,
    )
    place = Visitor(login.address, login.agent)
    if await sessions.is_new_place(uow, user.id, place):
        await alerts.raise_alert(uow, actor, "login:new-place", minted.credential.id, user_id=user.id)
    return Exchanged(minted, minted.credential.expires_at or 0, permissions)


async def _find(uow: UnitOfWork, actor: Actor, user_code: str, visitor: Visitor) -> DeviceLogin | SheetportError:
    """The login of a code, or why there is none for this person; wrong codes are counted."""
    actor = require(actor, Permission.TOKEN_WRITE)
    await _require_full_session(uow, actor)
    counted = attempts.of_user_code(uow, actor.id)
    if visitor.limited:
        await attempts.require_bearable(uow, counted, "and enter the code as the program shows it then")
    login = await store.find_by_user_code(uow, _fingerprint(uow, plain_code(user_code)))
    if login is None:
        await attempts.count(uow, counted)
        await auth.refuse_sign_in(uow, actor.account_id, ORIGIN, f"user:{actor.id}")
        return _no_code()
    return login


async def _require_full_session(uow: UnitOfWork, actor: Actor) -> None:
    """Raise Forbidden unless a person has signed in, with the second factor that they have or must have."""
    session = await sessions.find_session(uow, actor.token_id)
    if session is None:
        raise Forbidden("Sign in on this server's page: a token approves nothing.", "session")
    policy = await factors.find_policy(uow, actor.account_id)
    needs_more = policy.mfa_required or (await factors.find_factors(uow, actor.id)).any
    if needs_more and session.way in {"password", "reset"}:
        raise Forbidden(
            "You signed in by your password alone: prove yourself by your second factor first.", "recentSignIn"
        )


def plain_code(typed: str) -> str:
    """A user code as people type it, without what stands between its letters."""
    return "".join(letter for letter in typed.upper() if letter in CODE_LETTERS)[: 2 * CODE_LENGTH]


def _fingerprint(uow: UnitOfWork, user_code: str) -> str:
    return uow.keys.fingerprint(f"user code {user_code}").hex()


def _name(login: DeviceLogin) -> str:
    """What names a device login in the audit log."""
    return f"dvc_{login.fingerprint[:16]}"


def _no_code() -> NotFound:
    return NotFound(
        "There is no such code, or its time is over; the program shows it, and can show a new one.", "user_code"
    )


def _raised(outcome: T | SheetportError) -> T:
    """Raise a refusal behind the unit of work, whose records of it have to last; else what came out."""
    if isinstance(outcome, SheetportError):
        raise outcome
    return outcome
