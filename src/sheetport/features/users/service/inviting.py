"""Inviting users: each gets a link, good once, by which they choose a password.

Until an invitation is accepted its address is nobody's on this server, so that it makes no difference, and nobody can
find out, whether it signs in to another account here.
"""

from __future__ import annotations

from dataclasses import replace

from sheetport.config import Settings
from sheetport.features.accounts import service as accounts
from sheetport.features.audit import service as audit
from sheetport.features.links import service as links
from sheetport.features.links.model import Purpose
from sheetport.features.mail import service as mail
from sheetport.features.roles import service as roles
from sheetport.features.users import store
from sheetport.features.users.model import Invited, RoleWanted, User
from sheetport.features.users.service.users import checked_email, checked_name, get_user, holder_of
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.errors import Conflict
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def invite_user(
    uow: UnitOfWork, actor: Actor, email: str, name: str, wanted: list[RoleWanted], settings: Settings
) -> Invited:
    """A new user with these roles and an invitation. Raises Invalid, NotFound, Conflict for an address of this
    account, and Forbidden for roles that give more than the caller has."""
    actor = require(actor, Permission.USER_WRITE)
    address = checked_email(email)
    await _require_new(uow, actor, address)
    user = User(new_id("usr", actor.account_id), actor.account_id, address, checked_name(name), uow.now, uow.now)
    user = replace(user, invited_at=uow.now)
    await store.insert_user(uow, user)
    personal = {"user.email_addr": user.email, "user.name": user.name}
    await audit.record_person(uow, actor, "user:invite", user.id, personal)
    given = [await roles.assign_role(uow, actor, holder_of(user), each.role_id, each.resource_id) for each in wanted]
    return Invited(user, await _invite(uow, actor, user, settings), given)


async def resend_invitation(uow: UnitOfWork, actor: Actor, user_id: str, settings: Settings) -> Invited:
    """A new invitation for a user who has not accepted the one before, which ends.

    Raises NotFound, Conflict when there is nothing to accept, and Forbidden for one who may do more than the caller:
    whoever has the link may take the user's place.
    """
    actor = require(actor, Permission.USER_WRITE)
    user = await get_user(uow, actor, user_id)
    if user.invited_at is None or user.disabled_at is not None:
        raise Conflict("This user has no invitation to accept: they have a password, or are disabled.", "userId")
    await roles.require_no_more(uow, actor, holder_of(user))
    await store.update_user(uow, user_id, invited_at=uow.now, updated_at=uow.now)
    await audit.record(uow, actor, "user:resend-invite", user_id)
    return Invited(user, await _invite(uow, actor, user, settings))


async def _invite(uow: UnitOfWork, actor: Actor, user: User, settings: Settings) -> str | None:
    """Have the user sent a new link; the link itself when no mail goes out."""
    token = await links.create_link(uow, actor, user.account_id, user.id, Purpose.INVITATION)
    server = settings.http.base_url
    link = f"{server}/setup?token={token}"
    if not mail.configured(settings):
        return link
    account = await accounts.get_current_account(uow, system_actor(user.account_id))
    named = {"name": user.name, "account": account.name, "server": server}
    await mail.enqueue(uow, user.account_id, user.email, "user-invitation", link=link, **named)
    return None


async def _require_new(uow: UnitOfWork, actor: Actor, address: str) -> None:
    """Raise Conflict for an address of the caller's own account, whose users the caller may list anyway."""
    known = await store.find_user_by_email(uow, address)
    invited = await store.find_invited(uow, actor.account_id, address)
    if invited is not None or (known is not None and known.account_id == actor.account_id):
        raise Conflict("Your account has a user with this email already.", "email")
