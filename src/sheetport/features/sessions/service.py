"""Keeps what is known of sign-ins. Who may ask is the business of the slices above."""

from __future__ import annotations

from sheetport.features.attempts.service import network_of
from sheetport.features.sessions import store
from sheetport.features.sessions.model import MAX_AGENT, Session
from sheetport.kernel.clock import DAY, MINUTE
from sheetport.kernel.errors import Forbidden
from sheetport.kernel.visitor import Visitor
from sheetport.storage.unit_of_work import UnitOfWork

#: So long after a proof a person may change what proves them.
RECENT = 10 * MINUTE
#: So long a place stays known.
KEPT = 180 * DAY


async def note_session(
    uow: UnitOfWork, credential_id: str, account_id: str, user_id: str, visitor: Visitor, way: str
) -> bool:
    """Remember a sign-in; whether it comes from a place that its user has not signed in from before.

    A user's first sign-in is not news, nor is one by a known device.
    """
    is_new = await is_new_place(uow, user_id, visitor)
    agent = visitor.agent[:MAX_AGENT] if visitor.agent else None
    session = Session(credential_id, account_id, user_id, visitor.address, agent, way, uow.now)
    await store.insert_session(uow, session)
    return is_new


async def is_new_place(uow: UnitOfWork, user_id: str, visitor: Visitor) -> bool:
    """Whether the user has signed in before, but neither by this device nor from this network."""
    before = await store.list_addresses(uow, user_id)
    known = {network_of(each) for each in before}
    return bool(before) and visitor.device_for(user_id) is None and network_of(visitor.address) not in known


async def find_session(uow: UnitOfWork, credential_id: str) -> Session | None:
    """What is known of the sign-in of this credential."""
    return await store.find_session(uow, credential_id)


async def list_sessions(uow: UnitOfWork, user_id: str) -> dict[str, Session]:
    """By credential."""
    return {session.credential_id: session for session in await store.list_by_user(uow, user_id)}


async def list_by_way(uow: UnitOfWork, account_id: str, first: str) -> list[str]:
    """Credentials of the account's sign-ins whose first step was this."""
    return await store.list_by_way(uow, account_id, first)


async def confirm_session(uow: UnitOfWork, credential_id: str, way: str) -> None:
    """Note that the person has proved themselves again just now."""
    await store.confirm(uow, credential_id, way)


async def is_recent(uow: UnitOfWork, credential_id: str) -> bool:
    """Whether this is a person's sign-in, proved within the last minutes."""
    session = await store.find_session(uow, credential_id)
    return session is not None and session.authenticated_at > uow.now - RECENT


async def require_recent(uow: UnitOfWork, credential_id: str) -> None:
    """Raise Forbidden unless :func:`is_recent`."""
    if not await is_recent(uow, credential_id):
        message = f"This needs a sign-in by a person within the last {RECENT // MINUTE} minutes; sign in again."
        raise Forbidden(message, "recentSignIn")


async def sweep(uow: UnitOfWork) -> int:
    """Forget places that were not signed in from for long; how many sign-ins."""
    return await store.sweep(uow, uow.now - KEPT)
