"""What a call says about the steps of the guide: which of them it is, and whether it went well.

The server sees calls, not programs. A step is told from others by who calls which route; a refused call counts
for the account whose token it was, and for nobody when the token is unknown here.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qs

from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind, Refusal
from sheetport.http.observe import Observation
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.clock import SECOND
from sheetport.storage.unit_of_work import UnitOfWork
from sheetport.web import store

ENV_FILE, TWO_ENVIRONMENTS, SECRET_KEY_LIST = "env-file", "two-environments", "secret-key-list"
PASSWORD_TOKEN, TOKEN_LIST, CLIENT_CREDENTIALS = "password-token", "token-list", "client-credentials"
SECRETS, SCOPED_SECRETS = "secrets", "scoped-secrets"
SIGN_IN_PATH, WORKBOOKS_PATH, SECRETS_PATH = "/v1/auth", "/v1/workbooks", "/v1/secrets"
#: Paths whose status says something.
WATCHED = frozenset({SIGN_IN_PATH, WORKBOOKS_PATH, SECRETS_PATH})
#: A sign-in is found by its audit record, which is at most this old when the sign-in is looked at.
LOOK_BACK = 5 * SECOND

_WAYS = {"password sign-in": PASSWORD_TOKEN, "client credentials": CLIENT_CREDENTIALS}
_WRONG = {
    PASSWORD_TOKEN: "Wrong email or password. Use those you sign in to this page with.",
    CLIENT_CREDENTIALS: "Wrong client id or secret. Make a new pair in this step and use both of it.",
}
_PUBLISHABLE = "A publishable key (pk_…) can only initialise spaces. Put a secret key (sk_…) into FLATFILE_API_KEY."
_NO_SECRET = "The call succeeded, but no secret is stored yet: set EXTERNAL_API_KEY first, as shown in this step."  # noqa: S105
_FOREIGN_SPACE = "The environmentId or spaceId of the call is not one this key reaches. Use the ids on this page."
_FOREIGN_ENVIRONMENT = "The environmentId of the call is not one this key reaches. Use the id on this page."


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a step went for an account; ``fault`` says what was wrong and how to mend it, None when all went well."""

    account_id: str
    step: str
    fault: str | None = None


async def judge(uow: UnitOfWork, seen: Observation) -> list[Verdict]:
    """Every step that the call was."""
    if seen.path == SIGN_IN_PATH and seen.method == "POST":
        return await _of_sign_ins(uow)
    if seen.actor is not None:
        return await _of_caller(uow, seen, seen.actor)
    if seen.refused is not None:
        return await _of_refused(uow, seen, seen.refused)
    return []


async def _of_sign_ins(uow: UnitOfWork) -> list[Verdict]:
    return [
        Verdict(account, _WAYS[way], None if let_in else _WRONG[_WAYS[way]])
        for account, way, let_in in await store.latest_sign_ins(uow, uow.now - LOOK_BACK)
        if way in _WAYS
    ]


async def _of_caller(uow: UnitOfWork, seen: Observation, actor: Actor) -> list[Verdict]:
    found = []
    if actor.kind is ActorKind.SECRET_KEY:
        found.append(Verdict(actor.account_id, await _key_step(uow, actor.environment_id)))
    if seen.method == "GET" and seen.path == WORKBOOKS_PATH:
        found += _of_workbooks(seen, actor)
    if seen.method == "GET" and seen.path == SECRETS_PATH:
        found += await _of_secrets(uow, seen, actor)
    return found


def _of_workbooks(seen: Observation, actor: Actor) -> list[Verdict]:
    steps = {ActorKind.USER: TOKEN_LIST, ActorKind.SECRET_KEY: SECRET_KEY_LIST}
    if actor.kind is ActorKind.PUBLISHABLE_KEY:
        return [Verdict(actor.account_id, SECRET_KEY_LIST, _PUBLISHABLE)]
    if actor.kind not in steps:
        return []
    fault = None if seen.status == 200 else f"The server answered {seen.status}; the client's output says why."
    return [Verdict(actor.account_id, steps[actor.kind], fault)]


async def _of_secrets(uow: UnitOfWork, seen: Observation, actor: Actor) -> list[Verdict]:
    asked = parse_qs(seen.query.decode("latin-1"))
    environment_id = asked.get("environmentId", [""])[0]
    space_id = asked.get("spaceId", [""])[0]
    if actor.kind is ActorKind.PUBLISHABLE_KEY:
        return [Verdict(actor.account_id, SECRETS, _PUBLISHABLE)]
    if seen.status == 404:
        step, fault = (SCOPED_SECRETS, _FOREIGN_SPACE) if space_id else (SECRETS, _FOREIGN_ENVIRONMENT)
        return [Verdict(actor.account_id, step, fault)]
    if seen.status != 200:
        return []
    in_environment = await store.holds_secrets(uow, environment_id or actor.environment_id or "")
    in_space = bool(environment_id and space_id) and await store.holds_secrets(uow, environment_id, space_id)
    found = [Verdict(actor.account_id, SECRETS, None if in_environment or in_space else _NO_SECRET)]
    return [*found, Verdict(actor.account_id, SCOPED_SECRETS)] if in_space else found


async def _of_refused(uow: UnitOfWork, seen: Observation, fingerprint: bytes) -> list[Verdict]:
    refusal = await auth.explain_refusal(uow, fingerprint)
    if refusal is None:
        return []
    held = refusal.credential
    if held.kind is CredentialKind.CLIENT:
        fault = "A client secret is not a token. Exchange it first, and use the accessToken of the answer."
        return [Verdict(held.account_id, CLIENT_CREDENTIALS, fault)]
    if held.kind is CredentialKind.SECRET_KEY:
        steps = [await _key_step(uow, held.environment_id)]
        steps += {WORKBOOKS_PATH: [SECRET_KEY_LIST], SECRETS_PATH: [SECRETS]}.get(seen.path, [])
    else:
        steps = [TOKEN_LIST] if held.kind in {CredentialKind.PERSONAL, CredentialKind.ACCESS} else []
    return [Verdict(held.account_id, step, _why(refusal)) for step in steps]


def _why(refusal: Refusal) -> str:
    thing = "key" if refusal.credential.kind is CredentialKind.SECRET_KEY else "token"
    when = datetime.fromtimestamp(refusal.at / SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")
    fix = "Make a new one and use it instead."
    return f"The {thing} {refusal.credential.masked} {refusal.why} on {when}. {fix}"


async def _key_step(uow: UnitOfWork, environment_id: str | None) -> str:
    return TWO_ENVIRONMENTS if await store.is_prod(uow, environment_id or "") else ENV_FILE
