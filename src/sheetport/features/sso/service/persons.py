"""Which user a person at a provider is."""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.sso import store
from sheetport.features.sso.model import Connection, Person, Refused
from sheetport.features.sso.service.rules import domain_of
from sheetport.features.users import service as users
from sheetport.features.users.model import User
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.errors import NotFound, SheetportError
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork

#: The same for an unknown address, one of another account and a user who is shut out: it tells nobody who is one.
_UNKNOWN = "There is no user for you here: ask an administrator of your account for an invitation."


async def is_linked(uow: UnitOfWork, connection: Connection, issuer: str, subject: str) -> bool:
    """Whether a person at the provider is a user already."""
    return await store.find_linked(uow, connection.account_id, issuer, subject) is not None


async def find_person(uow: UnitOfWork, connection: Connection, person: Person) -> User:
    """The user that a person is: by issuer and subject, and the first time by a verified address of an allowed domain.

    Accepts an invitation that waits for the address, and makes a user where the account wants that. Raises Refused.
    """
    linked = await store.find_linked(uow, connection.account_id, person.issuer, person.subject)
    user = await users.find_user(uow, linked) if linked is not None else None
    if linked is not None and user is None:  # deleted since; whoever is invited anew is linked anew
        await store.delete_link(uow, connection.account_id, linked)
    if user is None:
        user = await _first_link(uow, connection, person)
    if user.disabled_at is not None or user.account_id != connection.account_id:
        raise Refused("user-disabled", _UNKNOWN)
    return user


async def unlink_user(uow: UnitOfWork, actor: Actor, user_id: str) -> None:
    """Forget who a user is at the provider, who is linked anew at the next sign-in. Raises NotFound."""
    actor = require(actor, Permission.ACCOUNT_WRITE)
    if await store.delete_link(uow, actor.account_id, user_id) == 0:
        raise NotFound(f"There is no user {user_id[:60]!r} who has signed in by single sign-on.", "userId")
    await audit.record(uow, actor, "sso:unlink", user_id)


async def sweep(uow: UnitOfWork) -> int:
    """Forget who deleted users were at a provider; how many."""
    return await store.sweep(uow)


async def _first_link(uow: UnitOfWork, connection: Connection, person: Person) -> User:
    if person.email is None:
        message = f"{connection.name} does not say that your address is verified; ask who runs it."
        raise Refused("email-not-verified", message)
    if domain_of(person.email) not in connection.domains:
        raise Refused("email-domain", "Addresses of this domain do not sign in here; ask an administrator.")
    user = await _by_address(uow, connection, person, person.email)
    if not await store.insert_link(uow, connection.account_id, person.issuer, person.subject, user.id):
        message = "Your user here is linked with another sign-in; ask an administrator to end that link."
        raise Refused("user-linked-otherwise", message)
    await audit.record(uow, system_actor(connection.account_id), "sso:link", user.id, issuer=person.issuer)
    return user


async def _by_address(uow: UnitOfWork, connection: Connection, person: Person, email: str) -> User:
    account_id = connection.account_id
    user = await users.find_user_by_email(uow, email)
    if user is None and await users.is_invited_elsewhere(uow, account_id, email):
        # An account chooses its provider, so the provider's word must not take an address that another one waits for.
        raise Refused("invited-elsewhere", _UNKNOWN)
    try:
        if user is None:
            user = await users.accept_invitation_of(uow, account_id, email)
        if user is None and connection.new_users is not None:
            name = person.name or email.partition("@")[0]
            user = await users.create_user(uow, account_id, email, name, None, connection.new_users)
    except SheetportError:  # the address is another account's meanwhile, or is none
        raise Refused("user-unknown", _UNKNOWN) from None
    if user is None or user.account_id != account_id or user.disabled_at is not None:
        raise Refused("user-unknown", _UNKNOWN)
    return user
