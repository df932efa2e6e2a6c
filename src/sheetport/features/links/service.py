"""Makes links and takes them back. Who may have one made is for the slices above to check; who holds a link may
use it."""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.links import store
from sheetport.features.links.model import LIFETIMES, Link, Purpose
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.crypto import mint_token
from sheetport.kernel.errors import NotFound
from sheetport.kernel.ids import new_id
from sheetport.storage.unit_of_work import UnitOfWork

_PREFIXES = {Purpose.SETUP: "setup", Purpose.INVITATION: "invite"}


async def create_link(uow: UnitOfWork, actor: Actor, account_id: str, user_id: str, purpose: Purpose) -> str:
    """The token of a new link, good once and for its purpose's lifetime; the user's earlier ones for it end."""
    await store.spend_links(uow, user_id, purpose)
    token = mint_token(_PREFIXES[purpose])
    link = Link(new_id("lnk", account_id), account_id, user_id, purpose, uow.now + LIFETIMES[purpose])
    await store.insert_link(uow, link, uow.keys.fingerprint(token))
    await audit.record(uow, actor, f"{purpose.value}-link:create", user_id)
    return token


async def find_link(uow: UnitOfWork, token: str) -> Link:
    """A link that can still be used. Raises NotFound, alike for unknown, used and expired."""
    link = await store.find_link(uow, uow.keys.fingerprint(token))
    if link is None or link.used_at is not None or link.expires_at <= uow.now:
        raise NotFound("This link is unknown, used or too old; ask for a new one.", "token")
    return link


async def use_link(uow: UnitOfWork, token: str) -> Link:
    """Find a link and end it, with every other link of its user. Raises NotFound as :func:`find_link` does."""
    link = await find_link(uow, token)
    if not await store.spend_link(uow, link.id):  # used by another process since it was found
        raise NotFound("This link has been used; ask for a new one.", "token")
    await store.spend_links_of(uow, link.user_id)
    await audit.record(uow, system_actor(link.account_id), f"{link.purpose.value}-link:use", link.user_id)
    return link


async def end_links(uow: UnitOfWork, user_id: str) -> None:
    """End every link of a user who is disabled or deleted."""
    await store.spend_links_of(uow, user_id)


async def end_all_links(uow: UnitOfWork) -> None:
    """End every link of the server: it was restored, and they may have been used since."""
    await store.spend_all_links(uow)
