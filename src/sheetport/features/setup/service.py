"""Makes accounts, and lets their administrators choose a password. Only the server's own machine and the
holder of a set-up link come here; there is no permission to check.
"""

from __future__ import annotations

from typing import Any

from sheetport.features.accounts import service as accounts
from sheetport.features.apps import service as apps
from sheetport.features.audit import service as audit
from sheetport.features.auth import service as auth
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import EnvironmentChange
from sheetport.features.links import service as links
from sheetport.features.links.model import Link, Purpose
from sheetport.features.roles import service as roles
from sheetport.features.setup.model import FreshEnvironment, Lasting, SetupResult
from sheetport.features.users import service as users
from sheetport.features.users.model import User
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import iso
from sheetport.kernel.paging import Page
from sheetport.storage.unit_of_work import UnitOfWork

_ENVIRONMENTS = (("development", False), ("production", True))
_ALL = Page(1, 10_000)


async def create_first_account(
    uow: UnitOfWork, *, account_name: str, email: str, password_hash: str | None, user_name: str | None = None
) -> SetupResult:
    """An account with its administrator, its landing app, its two environments and their keys.

    Without a hash the administrator signs in only after using a set-up link. Raises Invalid, and Conflict
    when the address is taken on this server.
    """
    account = await accounts.create_account(uow, account_name)
    actor = system_actor(account.id)
    await audit.record(uow, actor, "account:create", account.id)
    await roles.open_roles(uow, account.id)
    user = await users.create_user(uow, account.id, email, user_name or email.partition("@")[0], password_hash)
    await apps.create_default_app(uow, actor)
    fresh = []
    for name, is_prod in _ENVIRONMENTS:
        made = await environments.create_environment_with_keys(uow, actor, EnvironmentChange(name, is_prod))
        fresh.append(FreshEnvironment(made.environment, made.secret_key.token, made.publishable_key.token))
    return SetupResult(account, user, fresh)


def describe(result: SetupResult) -> dict[str, Any]:
    """What ``init --json`` prints: ids and, this once, the keys."""
    return {
        "accountId": result.account.id,
        "userId": result.user.id,
        "email": result.user.email,
        "environments": [
            {
                "id": fresh.environment.id,
                "name": fresh.environment.name,
                "isProd": fresh.environment.is_prod,
                "secretKey": fresh.secret_token,
                "publishableKey": fresh.publishable_token,
            }
            for fresh in result.environments
        ],
    }


async def create_setup_link(uow: UnitOfWork, account_id: str, user_id: str) -> str:
    """The token of a new link, good once and for 30 minutes; earlier links of the user end."""
    return await links.create_link(uow, system_actor(account_id), account_id, user_id, Purpose.SETUP)


async def find_setup_link(uow: UnitOfWork, token: str) -> Link:
    """A link, of set-up or an invitation, that can still be used. Raises NotFound, alike for unknown, used and
    expired."""
    return await links.find_link(uow, token)


async def use_setup_link(uow: UnitOfWork, token: str, password_hash: str, email: str | None = None) -> User:
    """Give the link's user this password, and this address if one is given, and end the link.

    An invited user keeps the address that was invited. Raises NotFound as :func:`find_setup_link` does, and Invalid
    or Conflict for an address that cannot be used, which leaves the link as it was.
    """
    link = await links.use_link(uow, token)
    chosen = email if link.purpose is Purpose.SETUP else None
    return await users.set_password(uow, link.user_id, password_hash, chosen)


async def end_restore(uow: UnitOfWork, backup_at: int) -> list[Lasting]:
    """End what must not outlive a restore, record it, and list the credentials that stay, of all accounts.

    ``backup_at`` is the backup's instant, milliseconds. Called by the restore only, before the server runs.
    """
    ended = await auth.end_passing(uow)
    await links.end_all_links(uow)
    lasting = []
    for account in await accounts.list_accounts(uow):
        actor = system_actor(account.id)
        await accounts.bump_generation(uow, account.id)
        await audit.record(uow, actor, "server:restore", account.id, backup=iso(backup_at), ended=ended)
        listed = (await environments.list_environments(uow, actor, _ALL)).items
        names = {environment.id: environment.name for environment in listed}
        held = await auth.list_lasting(uow, account.id)
        lasting += [Lasting(account.name, names.get(each.environment_id or ""), each) for each in held]
    return lasting
