"""Signing in by an account's identity provider: the way there, and what comes back (OpenID Connect, code flow).

State, nonce and PKCE verifier lie in a signed ticket that the browser keeps, so that an answer is good in this browser
only, once, for the provider it was asked of.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from sheetport.features.audit import service as audit
from sheetport.features.auth import service as auth
from sheetport.features.factors import service as factors
from sheetport.features.logins.model import SSO_LIFETIME, Departure, Login, Pending
from sheetport.features.logins.service.steps import SSO, admit, raised
from sheetport.features.logins.service.tickets import Purpose, Ticket, make_ticket, read_ticket, spend_ticket
from sheetport.features.sessions import service as sessions
from sheetport.features.sso import service as sso
from sheetport.features.sso.model import Connection, Expected, Person, Refused
from sheetport.features.sso.service import Providers
from sheetport.features.users.model import User
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.clock import MINUTE, SECOND
from sheetport.kernel.errors import NotFound, SheetportError
from sheetport.kernel.permissions import Permission, require
from sheetport.kernel.visitor import Visitor
from sheetport.storage.unit_of_work import Database, UnitOfWork

_SCOPE = "openid email profile"
_BYTES = 32
#: How far the provider's clock may be behind.
_SKEW = MINUTE
_LONGEST = 4_096
#: What providers answer instead of a code, in words of our own (RFC 6749, OpenID Connect Core 3.1.2.6).
_ANSWERS = {
    "access_denied": "it was cancelled there, or you are not allowed to use this program",
    "login_required": "you have to sign in there first",
    "interaction_required": "it needs something of you there first",
    "temporarily_unavailable": "it is away for now",
    "server_error": "it has failed",
}
_NOT_OURS = "This sign-in was not begun in this browser, was used before or took longer than 10 minutes; begin again."


@dataclass(frozen=True, slots=True)
class _Begun:
    """A sign-in on its way: what the browser has brought back of it. ``session`` is the credential of one whose person
    is to prove themselves again, "" without; ``at`` is when it was begun."""

    connection: Connection
    session: str
    at: int
    secret: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


async def begin_sso(
    db: Database, providers: Providers, connection_id: str, redirect_uri: str, session: str = ""
) -> Departure:
    """Where the browser goes to sign in, or with ``session``, a credential, to prove once more whose that is.

    Raises NotFound, Refused, and Unavailable when the provider is away.
    """
    connection = await db.read(lambda uow: sso.find_by_id(uow, connection_id))
    if connection is None:
        raise NotFound("This single sign-on does not exist any more.", "sso")
    endpoints = await providers.endpoints(connection)
    state, nonce, verifier = (secrets.token_urlsafe(_BYTES) for _ in range(3))
    challenge = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {
        "response_type": "code",
        "client_id": connection.client_id,
        "redirect_uri": redirect_uri,
        "scope": _SCOPE,
        "state": state,
        "nonce": nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if session:
        asked |= {"prompt": "login", "max_age": "0"}
    parts = connection.id, connection.issuer, connection.client_id, state, nonce, verifier, session
    ticket = make_ticket(db.keys, Purpose.SSO, db.clock.now() + SSO_LIFETIME, *parts)
    joint = "&" if "?" in endpoints.authorization else "?"
    return Departure(f"{endpoints.authorization}{joint}{urlencode(asked)}", ticket)


async def finish_sso(
    db: Database,
    providers: Providers,
    connection_id: str,
    answer: Mapping[str, list[str]],
    ticket: str,
    redirect_uri: str,
    visitor: Visitor,
) -> Login | Pending | None:
    """What the provider's answer gives; each of its parameters by name. None where it has proved a session's person.

    Raises Refused, with a record of it, for whatever is not the right answer to a sign-in that this browser has begun;
    Unavailable when the provider is away.
    """
    try:
        begun = raised(await db.write(lambda uow: _take(uow, connection_id, answer, ticket)))
        connection = begun.connection
        code = await _code_of(providers, connection, answer)
        person = await _ask(db, providers, begun, code, redirect_uri)
        return await db.write(lambda uow: _let_in(uow, begun, person, visitor))
    except SheetportError as error:
        reason = error.reason if isinstance(error, Refused) else "provider-away"
        await db.write(lambda uow: _record_refusal(uow, connection_id, reason))
        raise


async def remove_sso(uow: UnitOfWork, actor: Actor) -> None:
    """Remove single sign-on from the caller's account, with every link and every session that it has made.

    Raises NotFound.
    """
    connection = await sso.get_connection(uow, actor)
    actor = require(actor, Permission.ACCOUNT_WRITE)
    for credential_id in await sessions.list_by_way(uow, actor.account_id, SSO):
        await auth.revoke_credential(uow, actor, credential_id)
    await sso.delete_connection(uow, actor.account_id)
    await audit.record(uow, actor, "sso:delete", connection.id, issuer=connection.issuer)


async def _take(
    uow: UnitOfWork, connection_id: str, answer: Mapping[str, list[str]], ticket: str
) -> _Begun | SheetportError:
    """The sign-in that the browser has begun, which is used up by any answer to it."""
    read = read_ticket(uow.keys, Purpose.SSO, ticket, uow.now)
    if read is None:
        return Refused("not-begun", _NOT_OURS)
    if not hmac.compare_digest(_one(answer, "state").encode(errors="replace"), read.parts[3].encode()):
        return Refused("state", _NOT_OURS)
    if not await spend_ticket(uow, read):
        return Refused("used", _NOT_OURS)
    connection = await sso.find_by_id(uow, connection_id)
    if connection is None or _named_by(read) != (connection.id, connection.issuer, connection.client_id):
        return Refused("other-provider", _NOT_OURS)
    begun = read.parts[6], read.expires_at - SSO_LIFETIME
    return _Begun(connection, *begun, sso.open_secret(uow, connection), read.parts[4], read.parts[5])


async def _code_of(providers: Providers, connection: Connection, answer: Mapping[str, list[str]]) -> str:
    """The code of an answer, once it is sure to be this provider's (RFC 9207)."""
    endpoints = await providers.endpoints(connection)
    named = answer.get("iss")
    if (named is None and endpoints.names_issuer) or (named is not None and named != [connection.issuer]):
        message = f"This answer does not come from {connection.name}; begin again, and tell an administrator of it."
        raise Refused("mix-up", message)
    if "error" in answer:
        why = _ANSWERS.get(_one(answer, "error"), "it did not say why")
        raise Refused("provider-refused", f"{connection.name} has not signed you in: {why}.")
    code = _one(answer, "code")
    if not code or len(code) > _LONGEST or not code.isprintable():
        raise Refused("no-code", f"{connection.name} has sent no code; begin again.")
    return code


async def _ask(db: Database, providers: Providers, begun: _Begun, code: str, redirect_uri: str) -> Person:
    """Who the provider says has signed in. An address is asked for only while the person is not known by name."""
    connection = begun.connection

    def expected(access_token: str) -> Expected:
        return Expected(connection.issuer, connection.client_id, begun.nonce, access_token, db.clock.now() // SECOND)

    fields = {"code": code, "redirect_uri": redirect_uri, "code_verifier": begun.verifier}
    claims, access_token = await providers.redeem(connection, begun.secret, fields, expected)
    subject = claims["sub"]
    is_known = await db.read(lambda uow: sso.is_linked(uow, connection, connection.issuer, subject))
    told = {}
    if not is_known and "email" not in claims:
        told = await providers.find_userinfo(connection, subject, access_token)
    return sso.person_of(connection, claims, told)


async def _let_in(uow: UnitOfWork, begun: _Begun, person: Person, visitor: Visitor) -> Login | Pending | None:
    asked = begun.connection
    connection = await sso.find_by_id(uow, asked.id)
    if connection is None or (connection.issuer, connection.client_id) != (asked.issuer, asked.client_id):
        raise Refused("other-provider", _NOT_OURS)
    if begun.session:
        _require_asked_again(begun, person)
    user = await sso.find_person(uow, connection, person)
    vouched = connection.trusts_mfa and person.has_mfa
    actor = system_actor(connection.account_id)
    facts = {"issuer": person.issuer, "provider_mfa": person.has_mfa}
    action = "sso:prove" if begun.session else "sso:sign-in"
    await audit.record_person(uow, actor, action, user.id, {"user.uid_alt": person.subject}, **facts)
    if begun.session:
        await _confirm(uow, begun.session, user, is_enough=vouched)
        return None
    return await admit(uow, user, visitor, SSO, is_enough=vouched)


def _require_asked_again(begun: _Begun, person: Person) -> None:
    """Raise Refused unless the provider says that the person has proved themselves there since this was begun."""
    if person.authenticated_at is None or person.authenticated_at * SECOND < begun.at - _SKEW:
        message = f"{begun.connection.name} did not say that you have signed in there anew; sign out here and in again."
        raise Refused("auth-time", message)


async def _confirm(uow: UnitOfWork, session: str, user: User, *, is_enough: bool) -> None:
    """Note that the session's person has proved themselves again, in the way that it was made by. Raises Refused."""
    known = await sessions.find_session(uow, session)
    if known is None or known.user_id != user.id:
        raise Refused("other-person", "Somebody else has signed in there than here; sign out here and begin again.")
    if not is_enough and (await factors.find_factors(uow, user.id)).any:
        message = "You have a second factor here, which this does not ask for; sign out and in again, which does."
        raise Refused("second-factor", message)
    await sessions.confirm_session(uow, session, known.way)


async def _record_refusal(uow: UnitOfWork, connection_id: str, reason: str) -> None:
    connection = await sso.find_by_id(uow, connection_id)
    account_id = connection.account_id if connection is not None else ""
    await auth.refuse_sign_in(uow, account_id, SSO, f"sso:{connection_id}", reason=reason)


def _named_by(ticket: Ticket) -> tuple[str, str, str]:
    """Connection, issuer and client that a ticket is for."""
    return ticket.parts[0], ticket.parts[1], ticket.parts[2]


def _one(answer: Mapping[str, list[str]], name: str) -> str:
    """A parameter that stands there once, else ""."""
    found = answer.get(name, [])
    return found[0] if len(found) == 1 else ""
