"""Which account and environment a command on the server's own machine means."""

from __future__ import annotations

from sheetport.features.accounts import service as accounts
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import Environment
from sheetport.features.users import service as users
from sheetport.features.users.model import User
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.errors import NotFound
from sheetport.kernel.paging import Page
from sheetport.storage.unit_of_work import UnitOfWork

_ALL = Page(1, 1_000)
_DEFAULT = "development"


async def find_administrator(uow: UnitOfWork, account: str | None) -> Actor:
    """The server itself in the account of this name or id, by default the first. Raises NotFound."""
    known = await accounts.list_accounts(uow)
    chosen = [item for item in known if account is None or account in {item.id, item.name}]
    if not chosen:
        raise NotFound("There is no such account on this server.", "account")
    return system_actor(chosen[0].id)


async def find_environment(uow: UnitOfWork, actor: Actor, wanted: str | None) -> Environment:
    """The environment by name or id; without either ``development``, else the first that is not production."""
    listed = (await environments.list_environments(uow, actor, _ALL)).items
    harmless = [each for each in listed if not each.is_prod]
    by_default = [each for each in harmless if each.name == _DEFAULT] or harmless
    found = by_default if wanted is None else [each for each in listed if wanted in {each.id, each.name}]
    if found:
        return found[0]
    names = ", ".join(sorted(each.name for each in listed))
    raise NotFound(f"There is no environment {wanted!r}. This account has: {names}.", "environment")


async def find_user(uow: UnitOfWork, actor: Actor, email: str | None) -> User:
    """The account's user of this address, by default the first administrator. Raises NotFound."""
    if email is None:
        return await users.get_first_user(uow, actor.account_id)
    user = await users.find_user_by_email(uow, email)
    if user is None or user.account_id != actor.account_id:
        raise NotFound(f"There is no user {email[:100]!r} in this account.", "email")
    return user
