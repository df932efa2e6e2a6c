"""Users over HTTP: lists, one, changes, and who may."""

from __future__ import annotations

from typing import Any

import pytest

from documented import answer_faults
from sheetport.features.users import service as users
from sheetport.kernel.clock import iso
from sheetport.kernel.errors import Conflict, Invalid
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import PASSWORD, START, World


@pytest.fixture
async def staffed(world: World) -> World:
    """The world with two more users, each a millisecond younger than the one before."""
    for email, name in (("zoe@example.com", "Émile_Zoë"), ("bob@50%.example", "bob")):
        world.clock.advance(1)

        async def add(uow: UnitOfWork, email: str = email, name: str = name) -> None:
            await users.create_user(uow, world.account_id, email, name)

        await world.db.write(add)
    return world


async def emails(world: World, **params: str) -> list[str]:
    reply = await world.call("GET", "/v1/users", token=world.pat, params=params)
    assert reply.status == 200, reply.body
    assert answer_faults("get", "/v1/users", reply.body) == []
    return [user["email"] for user in reply.data]


async def test_a_user_is_answered_without_the_password(world: World) -> None:
    reply = await world.call("GET", f"/v1/users/{world.user_id}", token=world.pat)
    assert answer_faults("get", "/v1/users/{userId}", reply.body) == []
    assert reply.data == {
        "id": world.user_id,
        "email": "admin@example.com",
        "name": "Ada",
        "accountId": world.account_id,
        "idp": "sheetport",
        "metadata": {},
        "createdAt": iso(START),
        "updatedAt": iso(START),
    }


async def test_a_sign_in_is_seen(world: World) -> None:
    world.clock.advance(5)
    body = {"email": "admin@example.com", "password": PASSWORD}
    assert (await world.call("POST", "/v1/auth", body, token="")).status == 200
    reply = await world.call("GET", f"/v1/users/{world.user_id}", token=world.pat)
    assert reply.data["lastSeenAt"] == iso(START + 5)
    assert reply.data["updatedAt"] == iso(START)


async def test_users_are_listed_by_pages_oldest_first(staffed: World) -> None:
    reply = await staffed.call("GET", "/v1/users", token=staffed.pat, params={"pageSize": "2", "pageNumber": "2"})
    assert [user["email"] for user in reply.data] == ["bob@50%.example"]
    assert reply.body["pagination"] == {"currentPage": 2, "pageCount": 2, "totalCount": 3}


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"email": "ZOE@example.com"}, ["zoe"]),
        ({"email": "zoe"}, []),
        ({"email": "other_admin@example.com"}, []),
        ({"search": "ADA"}, ["admin"]),
        ({"search": "e_z"}, ["zoe"]),
        ({"search": "e.z"}, []),
        ({"search": "50%"}, ["bob"]),
        ({"search": "0%."}, ["bob"]),
        ({"search": "%"}, ["bob"]),
        ({"sortField": "email"}, ["admin", "bob", "zoe"]),
        ({"sortField": "email", "sortDirection": "desc"}, ["zoe", "bob", "admin"]),
        ({"sortField": "created_at", "sortDirection": "desc"}, ["bob", "zoe", "admin"]),
        ({"sortField": "name", "search": "@"}, ["admin", "bob", "zoe"]),
    ],
)
async def test_lists_are_filtered_and_ordered(staffed: World, params: dict[str, str], found: list[str]) -> None:
    assert [email.partition("@")[0] for email in await emails(staffed, **params)] == found


async def test_every_order_of_the_api_is_answered(staffed: World) -> None:
    for field in ("email", "name", "id", "idp", "idp_ref", "created_at", "updated_at", "last_seen_at", "dashboard"):
        for direction in ("asc", "desc"):
            assert len(await emails(staffed, sortField=field, sortDirection=direction)) == 3


@pytest.mark.parametrize(
    ("params", "key", "named"),
    [
        ({"sortField": "password_hash"}, "sortField", "last_seen_at"),
        ({"sortDirection": "up"}, "sortDirection", "desc"),
        ({"pageNumber": "x"}, "pageNumber", "int"),
        ({"pageNumber": "0"}, "pageNumber", "from 1"),
        ({"pageSize": "5000"}, "pageSize", "1000"),
    ],
)
async def test_wrong_parameters_are_named(world: World, params: dict[str, str], key: str, named: str) -> None:
    reply = await world.call("GET", "/v1/users", token=world.pat, params=params)
    assert (reply.status, reply.error["key"]) == (400, key)
    assert named in reply.error["message"]


async def test_a_user_is_renamed(world: World) -> None:
    world.clock.advance(1)
    path = f"/v1/users/{world.user_id}"
    reply = await world.call("PATCH", path, {"name": " Grace ", "dashboard": 3, "email": "x@y.z"}, token=world.pat)
    assert answer_faults("patch", "/v1/users/{userId}", reply.body) == []
    got = (await world.call("GET", path, token=world.pat)).data
    assert got == reply.data
    assert (got["name"], got["dashboard"], got["email"]) == ("Grace", 3, "admin@example.com")
    assert got["updatedAt"] == iso(START + 1)
    (audit,) = await world.audits("user:update")
    assert (audit["target"], audit["actor_id"]) == (world.user_id, world.user_id)


@pytest.mark.parametrize("kwargs", [{}, {"json": {}}, {"json": None}, {"json": {"name": None}}])
async def test_a_change_of_nothing_is_answered(world: World, kwargs: dict[str, Any]) -> None:
    reply = await world.call("PATCH", f"/v1/users/{world.user_id}", token=world.pat, **kwargs)
    assert (reply.status, reply.data["name"]) == (200, "Ada")


@pytest.mark.parametrize(
    ("body", "key"),
    [
        ({"name": ""}, "name"),
        ({"name": 1}, "name"),
        ({"dashboard": -1}, "dashboard"),
        ({"dashboard": 2**70}, "dashboard"),
    ],
)
async def test_wrong_changes_are_named(world: World, body: dict[str, Any], key: str) -> None:
    reply = await world.call("PATCH", f"/v1/users/{world.user_id}", body, token=world.pat)
    assert (reply.status, reply.error["key"]) == (400, key)


async def test_only_users_of_the_account_see_its_users(world: World) -> None:
    for user_id in (world.other_user_id, "us_usr_absent"):
        for method, body in (("GET", None), ("PATCH", {"name": "x"})):
            reply = await world.call(method, f"/v1/users/{user_id}", body, token=world.pat)
            assert (reply.status, reply.error["key"]) == (404, "userId")
    for token in (world.sk, world.pk):
        assert (await world.call("GET", "/v1/users", token=token)).status == 403
        assert (await world.call("GET", f"/v1/users/{world.user_id}", token=token)).status == 403


@pytest.mark.parametrize(
    "email", ["", "ada", "@x", "ada@", "a b@x.example", "a@b@c", "a\n@x", "a" * 250 + "@x.example"]
)
async def test_what_is_no_address_is_refused(world: World, email: str) -> None:
    with pytest.raises(Invalid) as refused:
        await world.db.write(lambda uow: users.create_user(uow, world.account_id, email, "Name"))
    assert refused.value.key == "email"


@pytest.mark.parametrize("email", ["ADMIN@example.com", " other_admin@EXAMPLE.com"])
async def test_an_address_is_one_user_on_the_whole_server(world: World, email: str) -> None:
    with pytest.raises(Conflict, match="another address"):
        await world.db.write(lambda uow: users.create_user(uow, world.account_id, email, "Name"))
