"""The running sign-ins of a user: listed with where they come from, and ended."""

from __future__ import annotations

from sheetport.features.auth import service as auth
from sheetport.features.auth.model import Credential, CredentialKind
from sheetport.features.logins.model import ListedSession
from sheetport.features.sessions import service as sessions
from sheetport.features.sessions.model import Session
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_sessions(uow: UnitOfWork, actor: Actor) -> list[ListedSession]:
    """The caller's running sign-ins, the newest first."""
    actor = require(actor, Permission.TOKEN_READ)
    known = await sessions.list_sessions(uow, actor.id)
    return [_listed(each, known.get(each.id), actor) for each in reversed(await _running(uow, actor))]


async def end_session(uow: UnitOfWork, actor: Actor, session_id: str) -> None:
    """End one of the caller's sign-ins; it is refused as soon as this is answered. Raises NotFound."""
    actor = require(actor, Permission.TOKEN_WRITE)
    if all(each.id != session_id for each in await _running(uow, actor)):
        raise NotFound("You have no such session.", "sessionId")
    await auth.revoke_credential(uow, actor, session_id)


async def end_sessions(uow: UnitOfWork, actor: Actor, which: str) -> int:
    """End the caller's sign-ins, ``all`` or the ``others`` than the one that asks; how many. Raises Invalid."""
    actor = require(actor, Permission.TOKEN_WRITE)
    if which not in {"others", "all"}:
        raise Invalid("which must be others or all.", "which")
    return await end_all_sessions(uow, actor, but=actor.token_id if which == "others" else None)


async def end_all_sessions(uow: UnitOfWork, actor: Actor, but: str | None = None) -> int:
    """End every sign-in of the actor but one, for the steps above that have checked who asks."""
    ended = [each for each in await _running(uow, actor) if each.id != but]
    for each in ended:
        await auth.revoke_credential(uow, actor, each.id)
    return len(ended)


async def _running(uow: UnitOfWork, actor: Actor) -> list[Credential]:
    return [each for each in await auth.list_own(uow, actor) if each.kind is CredentialKind.ACCESS]


def _listed(credential: Credential, known: Session | None, actor: Actor) -> ListedSession:
    return ListedSession(
        credential.id,
        credential.created_at,
        credential.expires_at,
        credential.last_used_at,
        known.address if known else None,
        known.agent if known else None,
        known.way if known else credential.origin or credential.name,
        credential.id == actor.token_id,
    )
