"""A right that ends in one process ends what it opened in another at once, on PostgreSQL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from sheetport.config import StorageSettings
from sheetport.features.accounts import service as accounts
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind, Minted
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import EnvironmentChange
from sheetport.features.events import service as events
from sheetport.features.events.model import Channel, Grant, Wanted
from sheetport.features.roles import service as roles
from sheetport.features.roles.model import Holder
from sheetport.features.users import service as users
from sheetport.kernel.actor import Actor, ActorKind, system_actor
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import Forbidden
from sheetport.kernel.permissions import BuiltInRole
from sheetport.runtime.hub import Hub
from sheetport.storage.engine import open_database
from sheetport.storage.migrations.runner import upgrade
from sheetport.storage.unit_of_work import Database, StaleError, UnitOfWork

SOON = 10.0


@dataclass
class Pair:
    """Two processes' databases on the same data, and a key of the environment that is followed through the second."""

    first: Database
    hub: Hub
    account: str
    environment: str
    minted: Minted

    async def revoke(self) -> None:
        actor = system_actor(self.account)
        await self.first.write(lambda uow: auth.revoke_credential(uow, actor, self.minted.credential.id))


@pytest.fixture
async def pair(storage: StorageSettings) -> AsyncIterator[Pair]:
    await asyncio.to_thread(upgrade, storage)
    keys = KeyRing.generate()

    async def furnish(uow: UnitOfWork) -> tuple[str, str, Minted]:
        account = (await accounts.create_account(uow, "account")).id
        actor = system_actor(account)
        made = await environments.create_environment(uow, actor, EnvironmentChange("development", False))
        key = await auth.mint(uow, actor, CredentialKind.SECRET_KEY, "key", environment_id=made.id)
        return account, made.id, key

    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(2):
            opened.append(await open_database(storage, keys))
            stack.push_async_callback(opened[-1].close)
        hub = Hub(opened[1], auth.find_issuer, 60.0)
        yield Pair(opened[0], hub, *await opened[0].write(furnish))


async def settled(pair: Pair) -> int:
    """The newest position, once it stays the same: nothing but the revocation wakes anybody after this."""
    newest = -1
    while True:
        found = await pair.first.read(lambda uow: events.find_newest_position(uow, pair.environment))
        if found == newest and not any(feed.looking for feed in pair.hub._every_feed()):
            return found
        newest = found
        await asyncio.sleep(0.3)


@pytest.mark.parametrize("data_place", ["postgresql"], indirect=True)
async def test_an_idle_poll_in_another_process_is_cut(pair: Pair) -> None:
    actor = Actor(ActorKind.SECRET_KEY, "k", pair.account, pair.minted.credential.id, pair.environment)
    token = (await pair.first.read(lambda uow: events.mint_subscription(uow, actor, pair.environment))).token
    tt = str(17_000_000_000_000_000 + await settled(pair))
    held = asyncio.create_task(pair.hub.subscribe(token, f"environment.{pair.environment}", tt, "name"))
    await settled(pair)
    assert not held.done()
    await pair.revoke()
    with pytest.raises(Forbidden):
        async with asyncio.timeout(SOON):
            await held


@pytest.mark.parametrize("data_place", ["postgresql"], indirect=True)
async def test_an_idle_stream_in_another_process_is_cut(pair: Pair) -> None:
    newest = await settled(pair)
    grant = Grant("", Channel(pair.environment), pair.account, pair.minted.credential.id, 2**60)
    tail = pair.hub.follow(grant, newest, Wanted())
    await settled(pair)
    assert await tail.next() is not None  # how it begins
    await pair.revoke()
    async with asyncio.timeout(SOON):
        assert b"The subscription has ended" in (await tail.next() or b"")
        assert await tail.next() is None
    tail.close()
    assert pair.hub.count_waiting() == 0


@pytest.mark.parametrize("data_place", ["postgresql"], indirect=True)
async def test_a_role_that_ends_in_one_process_ends_at_once_for_a_caller_remembered_in_another(
    storage: StorageSettings,
) -> None:
    await asyncio.to_thread(upgrade, storage)
    keys = KeyRing.generate()
    first, second = await open_database(storage, keys), await open_database(storage, keys)

    async def furnish(uow: UnitOfWork) -> tuple[Holder, str]:
        account = (await accounts.create_account(uow, "account")).id
        await roles.open_roles(uow, account)
        bob = await users.create_user(uow, account, "bob@example.com", "Bob", role=BuiltInRole.USER)
        token = await auth.mint(uow, system_actor(account), CredentialKind.PERSONAL, "pat", user_id=bob.id)
        return Holder(ActorKind.USER, bob.id, account), token.token

    holder, token = await first.write(furnish)
    server, verifier = system_actor(holder.account_id), auth.Verifier(second)
    stale = 0
    for _ in range(20):
        assert (await verifier.verify(token)).grants
        remembered = verifier.recall(token)
        (given,) = await first.read(lambda uow: roles.list_actor_roles(uow, holder))
        await first.write(lambda uow, given=given: roles.remove_role(uow, server, holder, given.id))  # type: ignore[misc]
        stale += bool((await verifier.verify(token)).grants)
        if remembered is not None:  # whoever reads under what it was is told to ask anew
            with pytest.raises(StaleError):
                await second.read(accounts.list_accounts, standing=remembered.standing)
        await first.write(lambda uow: roles.give_built_in(uow, server, holder, BuiltInRole.USER))
    assert stale == 0
    await first.close()
    await second.close()
