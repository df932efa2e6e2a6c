"""Users over HTTP: lists, one, changes, and who may."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest

from documented import answer_faults
from sheetport.config import MailSettings
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind
from sheetport.features.mail import service as mail
from sheetport.features.mail.model import Parcel
from sheetport.features.users import service as users
from sheetport.features.users.model import Invited
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.clock import DAY, iso
from sheetport.kernel.errors import Conflict, Invalid
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import PASSWORD, START, Reply, World


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
        "status": "active",
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


# ---- invitations --------------------------------------------------------------------------------------

INVITED = {"email": "Bob@Example.com", "name": "Bob", "actorRoles": []}
CHOSEN = "an invited horse battery"


async def invite(world: World, **changes: Any) -> Reply:
    return await world.call("POST", "/v1/users/invite", INVITED | changes, token=world.pat)


async def accept(world: World, link: str, password: str = CHOSEN) -> httpx.Response:
    """Open an invitation's link in a browser, and choose a password there."""
    world.client.cookies.clear()
    await world.client.get(link.removeprefix(world.app.settings.http.base_url))
    return await world.post_form("/setup", {"email": "else@example.com", "password": password})


async def sign_in(world: World, email: str, password: str = CHOSEN) -> Reply:
    return await world.call("POST", "/v1/auth", {"email": email, "password": password}, token="")


async def test_an_invited_user_chooses_a_password_once_and_has_the_roles(world: World) -> None:
    roles = {role["name"]: role["id"] for role in (await world.call("GET", "/v1/roles", token=world.pat)).data}
    given = [{"roleId": roles["Guest"], "resourceId": world.dev}]
    reply = await invite(world, actorRoles=given)
    assert answer_faults("post", "/v1/users/invite", reply.body) == []
    assert (reply.data["status"], reply.data["email"]) == ("invited", "Bob@Example.com")
    assert [{name: role[name] for name in given[0]} for role in reply.data["actorRoles"]] == given
    assert (await sign_in(world, "bob@example.com")).status == 401
    link = reply.data["invitationLink"]
    shown = await world.client.get(link.removeprefix(world.app.settings.http.base_url), follow_redirects=True)
    assert "You were invited to account" in shown.text
    assert (await accept(world, link)).headers["location"] == "/"
    token = (await sign_in(world, "bob@example.com")).body["accessToken"]
    assert (await sign_in(world, "else@example.com")).status == 401, "an invitation is for its address"
    listed = await world.call("GET", "/v1/environments", token=token)
    assert [environment["id"] for environment in listed.data] == [world.dev]
    assert (await world.call("GET", f"/v1/users/{reply.data['id']}", token=world.pat)).data["status"] == "active"
    assert (await accept(world, link)).status_code == 404
    records = [audit for audit in await world.audits() if audit["target"] == reply.data["id"]]
    written = ["user:invite", "role:assign", "invitation-link:create", "invitation-link:use", "user:set-password"]
    assert sorted(record["action"] for record in records if record["action"] in written) == sorted(written)
    assert link.rpartition("=")[2] not in str([dict(record) for record in await world.audits()])


async def test_a_new_invitation_replaces_the_one_before(world: World) -> None:
    made = (await invite(world)).data
    path = f"/v1/users/{made['id']}/resend-invite"
    again = await world.call("POST", path, token=world.pat)
    assert answer_faults("post", "/v1/users/{userId}/resend-invite", again.body) == []
    assert (await accept(world, made["invitationLink"])).status_code == 404
    assert (await accept(world, again.data["invitationLink"])).status_code == 303
    refused = await world.call("POST", path, token=world.pat)
    assert (refused.status, refused.error["key"]) == (409, "userId")


async def test_an_invitation_ends_after_seven_days(world: World) -> None:
    link = (await invite(world)).data["invitationLink"]
    world.clock.advance(7 * DAY)
    assert (await accept(world, link)).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "key"),
    [
        ({"email": "nobody"}, 400, "email"),
        ({"name": ""}, 400, "name"),
        ({"email": "ADMIN@example.com"}, 409, "email"),
        ({"actorRoles": [{"roleId": "us_rol_none", "resourceId": "us_acc_none"}]}, 404, "roleId"),
    ],
)
async def test_a_wrong_invitation_leaves_nothing_behind(
    world: World, changes: dict[str, Any], status: int, key: str
) -> None:
    reply = await invite(world, **changes)
    assert (reply.status, reply.error["key"]) == (status, key)
    assert await world.audits("user:invite") == []
    assert len(await emails(world)) == 1


async def test_where_mail_goes_out_the_link_is_in_the_mail_alone(world: World) -> None:
    settings = replace(world.app.settings, mail=MailSettings("127.0.0.1", 25, "imports@example.com"))
    actor = Actor(ActorKind.USER, world.user_id, world.account_id, "test")

    async def work(uow: UnitOfWork) -> tuple[Invited, Parcel | None]:
        invited = await users.invite_user(uow, actor, "bob@example.com", "Bob", [], settings)
        return invited, await mail.claim_mail(uow)

    invited, parcel = await world.db.write(work)
    assert invited.link is None
    assert parcel is not None
    assert (parcel.mail.recipient, parcel.values["name"]) == ("bob@example.com", "Bob")
    rendered = mail.render(parcel.mail.template, parcel.values)
    assert rendered.subject == "You are invited to account"
    assert all(parcel.values["link"] in part for part in (rendered.text, rendered.html))
    assert (await accept(world, parcel.values["link"])).status_code == 303


async def test_an_address_is_invited_once_in_an_account(world: World) -> None:
    await invite(world)
    assert (await invite(world, email="BOB@example.com")).status == 409


async def test_an_invitation_tells_nothing_of_other_accounts(world: World) -> None:
    """The answer is the same whether the address signs in elsewhere; only its owner learns that, by the link."""
    unknown, known = await invite(world), await invite(world, email="other_admin@example.com")
    assert (unknown.status, known.status, unknown.data.keys()) == (200, 200, known.data.keys())
    assert await emails(world, email="other_admin@example.com") == ["other_admin@example.com"]
    refused = await accept(world, known.data["invitationLink"])
    assert (refused.status_code, "another account on this server" in refused.text) == (409, True)
    assert (await sign_in(world, "other_admin@example.com", PASSWORD)).body["accountId"] == world.other_account_id


async def test_only_who_may_do_as_much_invites_again(world: World) -> None:
    """Whoever has the link takes the invited user's place."""
    roles = {role["name"]: role["id"] for role in (await world.call("GET", "/v1/roles", token=world.pat)).data}
    lead = (await invite(world, actorRoles=[{"roleId": roles["Administrator"], "resourceId": world.account_id}])).data
    admin = await invite(
        world, email="eve@example.com", actorRoles=[{"roleId": roles["Admin"], "resourceId": world.account_id}]
    )
    await accept(world, admin.data["invitationLink"])
    token = (await sign_in(world, "eve@example.com")).body["accessToken"]
    assert (await world.call("POST", f"/v1/users/{lead['id']}/resend-invite", token=token)).status == 403


# ---- disabled and deleted -------------------------------------------------------------------------------


async def test_a_disabled_user_is_shut_out_at_once_and_let_in_again(staffed: World) -> None:
    zoe = await _token_of(staffed, "zoe@example.com")
    user_id = (await staffed.call("GET", "/v1/users?email=zoe@example.com", token=staffed.pat)).data[0]["id"]
    assert (await staffed.call("GET", "/v1/environments", token=zoe)).status == 200
    disabled = await staffed.call("POST", f"/v1/users/{user_id}/disable", token=staffed.pat)
    assert disabled.data["status"] == "disabled"
    assert (await staffed.call("GET", "/v1/environments", token=zoe)).status == 401
    enabled = await staffed.call("POST", f"/v1/users/{user_id}/enable", token=staffed.pat)
    assert enabled.data["status"] == "active"
    assert (await staffed.call("GET", "/v1/environments", token=zoe)).status == 200
    actions = [audit["action"] for audit in await staffed.audits() if audit["target"] == user_id]
    assert {"user:disable", "user:enable"} <= set(actions)


async def test_a_deleted_user_is_gone_and_the_address_is_free(staffed: World) -> None:
    zoe = await _token_of(staffed, "zoe@example.com")
    user_id = (await staffed.call("GET", "/v1/users?email=zoe@example.com", token=staffed.pat)).data[0]["id"]
    reply = await staffed.call("DELETE", f"/v1/users/{user_id}", token=staffed.pat)
    assert answer_faults("delete", "/v1/users/{userId}", reply.body) == []
    assert (await staffed.call("GET", "/v1/environments", token=zoe)).status == 401
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/enable"), ("POST", "/resend-invite")):
        assert (await staffed.call(method, f"/v1/users/{user_id}{path}", token=staffed.pat)).status == 404
    assert "zoe@example.com" not in await emails(staffed)
    assert (await invite(staffed, email="zoe@example.com")).status == 200


async def test_an_invitation_of_a_deleted_user_opens_nothing(world: World) -> None:
    made = (await invite(world)).data
    await world.call("DELETE", f"/v1/users/{made['id']}", token=world.pat)
    assert (await accept(world, made["invitationLink"])).status_code == 404


async def _token_of(world: World, email: str) -> str:
    async def mint(uow: UnitOfWork) -> str:
        user = await users.find_user_by_email(uow, email)
        assert user is not None
        actor = Actor(ActorKind.USER, user.id, user.account_id, "test")
        made = await auth.mint(uow, actor, CredentialKind.PERSONAL, "test", user_id=user.id)
        return made.token

    return await world.db.write(mint)
