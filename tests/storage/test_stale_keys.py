"""No key is accepted once its end, its rotation or its narrowing has been answered, in this process or in another."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest

from sheetport.config import StorageSettings
from sheetport.features.accounts import service as accounts
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind, Wanted
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import EnvironmentChange
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import Unauthenticated
from sheetport.kernel.operations import is_within
from sheetport.kernel.permissions import Permission, may
from sheetport.storage.engine import open_database
from sheetport.storage.migrations.runner import upgrade
from sheetport.storage.unit_of_work import Database, StaleError, UnitOfWork

ROUNDS = 25
HERE = "203.0.113.7"


@dataclass
class Processes:
    """Databases on the same data, each with a verifier as a server process has one; SQLite has one process."""

    databases: list[Database]
    verifiers: list[auth.Verifier]
    actor: Actor
    environment: str

    async def may_read(self, token: str) -> list[bool]:
        """Whether the token may read secrets from HERE, by each process, remembered or not."""
        return [await self._asks(number, token) for number in range(len(self.verifiers))]

    async def _asks(self, number: int, token: str) -> bool:
        verifier, database = self.verifiers[number], self.databases[number]
        remembered = verifier.recall(token)
        if remembered is not None:
            try:
                await database.read(accounts.list_accounts, standing=remembered.standing)
                return _may(remembered.actor)
            except StaleError:
                pass
        try:
            return _may(await verifier.verify(token))
        except Unauthenticated:
            return False


def _may(actor: Actor) -> bool:
    return may(actor, Permission.SECRET_READ) and (not actor.networks or is_within(actor.networks, HERE))


@pytest.fixture
async def processes(storage: StorageSettings) -> AsyncIterator[Processes]:
    await asyncio.to_thread(upgrade, storage)
    keys = KeyRing.generate()

    async def furnish(uow: UnitOfWork) -> tuple[Actor, str]:
        actor = system_actor((await accounts.create_account(uow, "account")).id)
        made = await environments.create_environment(uow, actor, EnvironmentChange("development", False))
        return actor, made.id

    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(1 if storage.database_url is None else 2):
            opened.append(await open_database(storage, keys))
            stack.push_async_callback(opened[-1].close)
        yield Processes(opened, [auth.Verifier(db) for db in opened], *await opened[0].write(furnish))


async def test_whatever_ends_or_narrows_a_key_holds_from_its_answer_on(processes: Processes) -> None:
    first, actor, environment = processes.databases[0], processes.actor, processes.environment

    async def end(uow: UnitOfWork, key: str) -> None:
        await auth.end_credential(uow, actor, key)

    async def rotate(uow: UnitOfWork, key: str) -> None:
        await auth.rotate_key(uow, actor, environment, key, 0, None, None)

    async def only_read(uow: UnitOfWork, key: str) -> None:
        await auth.change_credential(uow, actor, key, Wanted(read_only=True), frozenset({"read_only"}), None)

    async def elsewhere(uow: UnitOfWork, key: str) -> None:
        wanted = Wanted(networks=["198.51.100.0/24"])
        await auth.change_credential(uow, actor, key, wanted, frozenset({"networks"}), None)

    for act in (end, rotate, only_read, elsewhere):
        for _ in range(ROUNDS):
            made, _ = await first.write(lambda uow: auth.create_key(uow, actor, environment, CredentialKind.SECRET_KEY))
            key, token = made.credential.id, made.token
            assert all(await processes.may_read(token))
            assert all(await processes.may_read(token)), "remembered by now"
            await first.write(lambda uow, act=act, key=key: act(uow, key))  # type: ignore[misc]
            assert not any(await processes.may_read(token)), act.__name__
