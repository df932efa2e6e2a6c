"""Setting up: what a new account has, and the links by which its administrator chooses a password."""

from __future__ import annotations

import asyncio
import json

import pytest

from sheetport.features.auth import service as auth
from sheetport.features.setup import service as setup
from sheetport.features.setup.model import SetupResult
from sheetport.kernel.clock import MINUTE
from sheetport.kernel.errors import Conflict, Invalid, NotFound
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import PASSWORD, World


async def create(world: World, email: str = "new@example.com") -> SetupResult:
    return await world.db.write(
        lambda uow: setup.create_first_account(uow, account_name="Acme", email=email, password_hash=None)
    )


async def link(world: World, made: SetupResult) -> str:
    return await world.db.write(lambda uow: setup.create_setup_link(uow, made.account.id, made.user.id))


async def use(world: World, token: str, email: str | None = None) -> None:
    password_hash = await auth.hash_password(PASSWORD)
    await world.db.write(lambda uow: setup.use_setup_link(uow, token, password_hash, email))


async def sign_in(world: World, email: str) -> int:
    return (await world.call("POST", "/v1/auth", {"email": email, "password": PASSWORD}, token="")).status


async def test_a_new_account_has_two_environments_and_working_keys(world: World) -> None:
    described = setup.describe(await create(world))
    assert list(described) == ["accountId", "userId", "email", "environments"]
    names = [(each["name"], each["isProd"]) for each in described["environments"]]
    assert names == [("development", False), ("production", True)]
    for each, stage in zip(described["environments"], ("dev", "prod"), strict=True):
        assert each["secretKey"].startswith(f"sk_{stage}_")
        assert each["publishableKey"].startswith(f"pk_{stage}_")
        reply = await world.call("GET", "/v1/environments", token=each["secretKey"])
        assert [found["id"] for found in reply.data] == [each["id"]]
    actions = [a["action"] for a in await world.audits() if a["account_id"] == described["accountId"]]
    assert {"account:create", "user:create", "environment:create", "secret_key:create"} <= set(actions)


async def test_keys_show_in_no_repr(world: World) -> None:
    made = await create(world)
    tokens = [token for fresh in made.environments for token in (fresh.secret_token, fresh.publishable_token)]
    assert not any(token in repr(made) for token in tokens)


async def test_an_address_that_is_taken_leaves_nothing_behind(world: World) -> None:
    with pytest.raises(Conflict):
        await create(world, "admin@example.com")
    assert await world.audits("account:create") == []


async def test_a_link_gives_a_password_once(world: World) -> None:
    made = await create(world)
    token = await link(world, made)
    found = await world.db.read(lambda uow: setup.find_setup_link(uow, token))
    assert found.user_id == made.user.id
    await use(world, token)
    assert await sign_in(world, "new@example.com") == 200
    with pytest.raises(NotFound) as refused:
        await use(world, token)
    assert refused.value.key == "token"
    assert len(await world.audits("setup-link:use")) == 1
    assert token not in json.dumps([{k: str(v) for k, v in a.items()} for a in await world.audits()])


async def test_a_link_can_give_the_address_too(world: World) -> None:
    token = await link(world, await create(world, "admin@localhost"))
    for taken, error in (("admin@example.com", Conflict), ("nonsense", Invalid)):
        with pytest.raises(error):
            await use(world, token, taken)
    await use(world, token, "Grace@example.com")
    assert [await sign_in(world, email) for email in ("grace@example.com", "admin@localhost")] == [200, 401]


async def test_a_link_lives_for_30_minutes(world: World) -> None:
    token = await link(world, await create(world))
    world.clock.advance(30 * MINUTE - 1)
    await world.db.read(lambda uow: setup.find_setup_link(uow, token))
    world.clock.advance(1)
    with pytest.raises(NotFound):
        await use(world, token)


async def test_a_new_link_ends_the_one_before(world: World) -> None:
    made = await create(world)
    old, new = await link(world, made), await link(world, made)
    with pytest.raises(NotFound):
        await use(world, old)
    await use(world, new)


async def test_of_two_uses_at_once_one_succeeds(world: World) -> None:
    token = await link(world, await create(world))

    async def attempt(uow: UnitOfWork) -> None:
        await setup.use_setup_link(uow, token, "hash")

    outcomes = await asyncio.gather(world.db.write(attempt), world.db.write(attempt), return_exceptions=True)
    assert [type(outcome) for outcome in sorted(outcomes, key=bool)] == [type(None), NotFound]
