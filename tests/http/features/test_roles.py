"""Roles over HTTP: those of an account, who is given which, and that nobody gives or takes more than they have."""

from __future__ import annotations

from typing import Any

import pytest

from documented import answer_faults
from sheetport.features.agents import service as agents
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind
from sheetport.features.events.schemas import FIRST_TIME
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.users import service as users
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.permissions import ROLES, BuiltInRole, Permission
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import Reply, World

ADMINISTRATOR, ADMIN, USER, GUEST = BuiltInRole


async def roles_of(world: World) -> dict[str, str]:
    """The ids of the account's roles by their names."""
    reply = await world.call("GET", "/v1/roles", token=world.pat)
    return {role["name"]: role["id"] for role in reply.data}


async def person(world: World, email: str, *given: tuple[str, str]) -> tuple[str, str]:
    """Id and token of a user with roles: (name of a role, id of a resource)."""
    known = await roles_of(world)
    administrator = Actor(ActorKind.USER, world.user_id, world.account_id, "test")

    async def make(uow: UnitOfWork) -> tuple[str, str]:
        made = await users.invite_user(uow, administrator, email, email.partition("@")[0], [], world.app.settings)
        await users.set_password(uow, made.user.id, "no hash")
        for role, resource_id in given:
            await users.assign_user_role(uow, administrator, made.user.id, known[role], resource_id)
        token = await auth.mint(uow, administrator, CredentialKind.PERSONAL, "test", user_id=made.user.id)
        return made.user.id, token.token

    return await world.db.write(make)


async def new_role(world: World, name: str, *permissions: str) -> Reply:
    return await world.call("POST", "/v1/roles", {"name": name, "permissions": list(permissions)}, token=world.pat)


async def give(world: World, user_id: str, role_id: str, resource_id: str, token: str) -> Reply:
    body = {"roleId": role_id, "resourceId": resource_id}
    return await world.call("POST", f"/v1/users/{user_id}/roles", body, token=token)


# ---- roles of an account ------------------------------------------------------------------------------


async def test_every_account_has_the_built_in_roles_the_most_powerful_first(world: World) -> None:
    reply = await world.call("GET", "/v1/roles", token=world.pat)
    assert answer_faults("get", "/v1/roles", reply.body) == []
    assert [(role["name"], role["builtIn"]) for role in reply.data] == [(name.value, True) for name in BuiltInRole]
    assert [role["permissions"] for role in reply.data] == [sorted(ROLES[name]) for name in BuiltInRole]
    others = await world.call("GET", "/v1/roles", token=world.pat_other)
    assert {role["id"] for role in reply.data}.isdisjoint(role["id"] for role in others.data)


async def test_a_role_is_made_changed_and_deleted(world: World) -> None:
    made = await new_role(world, " Readers ", "record:read", "sheet:read")
    assert made.data["permissions"] == ["record:read", "sheet:read"]
    assert (made.data["name"], made.data["builtIn"]) == ("Readers", False)
    path = f"/v1/roles/{made.data['id']}"
    changed = await world.call("PATCH", path, {"permissions": ["record:read"]}, token=world.pat)
    assert (changed.data["name"], changed.data["permissions"]) == ("Readers", ["record:read"])
    assert (await world.call("DELETE", path, token=world.pat)).data == {"success": True}
    assert "Readers" not in await roles_of(world)
    actions = [audit["action"] for audit in await world.audits() if audit["target"] == made.data["id"]]
    assert sorted(actions) == ["role:create", "role:delete", "role:update"]


@pytest.mark.parametrize(
    ("body", "status", "key"),
    [
        ({"name": "", "permissions": ["record:read"]}, 400, "name"),
        ({"name": "x" * 256, "permissions": ["record:read"]}, 400, "name"),
        ({"name": "New", "permissions": []}, 400, "permissions"),
        ({"name": "New", "permissions": ["record:own"]}, 400, "permissions"),
        ({"name": "New", "permissions": "record:read"}, 400, "permissions"),
        ({"name": "ADMIN", "permissions": ["record:read"]}, 409, "name"),
    ],
)
async def test_a_wrong_role_is_refused(world: World, body: dict[str, Any], status: int, key: str) -> None:
    reply = await world.call("POST", "/v1/roles", body, token=world.pat)
    assert (reply.status, reply.error["key"]) == (status, key)
    assert await world.audits("role:create") == []


async def test_built_in_roles_stay_as_they_are(world: World) -> None:
    path = f"/v1/roles/{(await roles_of(world))['Guest']}"
    for method, body in (("PATCH", {"permissions": ["secret:read"]}), ("DELETE", None)):
        assert (await world.call(method, path, body, token=world.pat)).status == 403


async def test_a_role_that_somebody_has_is_not_deleted(world: World) -> None:
    role = (await new_role(world, "Readers", "record:read")).data["id"]
    user_id, _ = await person(world, "bob@example.com", ("Readers", world.dev))
    refused = await world.call("DELETE", f"/v1/roles/{role}", token=world.pat)
    assert (refused.status, refused.error["key"]) == (409, "roleId")
    (given,) = (await world.call("GET", f"/v1/users/{user_id}/roles", token=world.pat)).data
    assert (await world.call("DELETE", f"/v1/users/{user_id}/roles/{given['id']}", token=world.pat)).status == 200
    assert (await world.call("DELETE", f"/v1/roles/{role}", token=world.pat)).status == 200


async def test_a_change_of_a_role_holds_at_once_for_all_who_have_it(world: World) -> None:
    role = (await new_role(world, "Readers", "environment:read")).data["id"]
    _, token = await person(world, "bob@example.com", ("Readers", world.dev))
    assert (await world.call("GET", f"/v1/environments/{world.dev}", token=token)).status == 200
    await world.call("PATCH", f"/v1/roles/{role}", {"permissions": ["record:read"]}, token=world.pat)
    assert (await world.call("GET", f"/v1/environments/{world.dev}", token=token)).status == 403


# ---- given and taken ----------------------------------------------------------------------------------


async def test_a_role_is_given_and_taken_and_holds_at_once(world: World) -> None:
    user_id, token = await person(world, "bob@example.com")
    path, role = f"/v1/users/{user_id}/roles", (await roles_of(world))["User"]
    assert (await world.call("GET", f"/v1/environments/{world.dev}", token=token)).status == 403
    given = await give(world, user_id, role, world.dev, world.pat)
    assert answer_faults("post", "/v1/users/{userId}/roles", given.body) == []
    assert (given.data["roleId"], given.data["actorId"], given.data["resourceId"]) == (role, user_id, world.dev)
    listed = await world.call("GET", path, token=token)
    assert answer_faults("get", "/v1/users/{userId}/roles", listed.body) == []
    assert listed.data == [given.data]
    assert (await give(world, user_id, role, world.dev, world.pat)).data == given.data
    assert (await world.call("GET", f"/v1/environments/{world.dev}", token=token)).status == 200
    assert (await world.call("GET", f"/v1/environments/{world.prod}", token=token)).status == 404
    assert (await world.call("DELETE", f"{path}/{given.data['id']}", token=world.pat)).status == 200
    assert (await world.call("GET", f"/v1/environments/{world.dev}", token=token)).status == 403
    records = [a["action"] for a in await world.audits() if a["target"] == user_id and a["action"].startswith("role:")]
    assert sorted(records) == ["role:assign", "role:remove"]


async def test_what_is_given_must_be_there_and_within_reach(world: World) -> None:
    user_id, _ = await person(world, "bob@example.com")
    known = await roles_of(world)
    foreign = (await world.call("GET", "/v1/roles", token=world.pat_other)).data[0]["id"]
    for role, resource, key in (
        (foreign, world.dev, "roleId"),
        (known["User"], world.other_env, "resourceId"),
        (known["User"], world.other_account_id, "resourceId"),
        (known["User"], user_id, "resourceId"),
    ):
        reply = await give(world, user_id, role, resource, world.pat)
        assert (reply.status, reply.error["key"]) == (404, key)
    taken = await world.call("DELETE", f"/v1/users/{user_id}/roles/us_acr_none", token=world.pat)
    assert (taken.status, taken.error["key"]) == (404, "actorRoleId")
    assert (await give(world, world.other_user_id, known["User"], world.dev, world.pat)).status == 404


async def test_nobody_gives_or_takes_more_than_they_have(world: World) -> None:
    known = await roles_of(world)
    bob, _ = await person(world, "bob@example.com")
    _, admin = await person(world, "admin2@example.com", ("Admin", world.account_id))
    assert (await give(world, bob, known["Admin"], world.account_id, admin)).status == 200
    refused = await give(world, bob, known["Administrator"], world.dev, admin)
    assert (refused.status, refused.error["key"]) == (403, "permission")
    (given,) = (await world.call("GET", f"/v1/users/{world.user_id}/roles", token=admin)).data
    path = f"/v1/users/{world.user_id}/roles/{given['id']}"
    assert (await world.call("DELETE", path, token=admin)).status == 403
    for action in ("disable", "enable"):
        assert (await world.call("POST", f"/v1/users/{world.user_id}/{action}", token=admin)).status == 403
    assert (await world.call("DELETE", f"/v1/users/{world.user_id}", token=admin)).status == 403


async def test_a_role_of_ones_own_making_holds_no_more_than_oneself(world: World) -> None:
    await new_role(world, "Keepers", "role:write", "role:read", "record:read")
    _, keeper = await person(world, "bob@example.com", ("Keepers", world.account_id))
    for permission, status in (("record:read", 200), ("secret:read", 403)):
        reply = await world.call("POST", "/v1/roles", {"name": permission, "permissions": [permission]}, token=keeper)
        assert reply.status == status, reply.body


# ---- the last Administrator ----------------------------------------------------------------------------


async def test_the_last_administrator_stays(world: World) -> None:
    (given,) = (await world.call("GET", f"/v1/users/{world.user_id}/roles", token=world.pat)).data
    user = f"/v1/users/{world.user_id}"
    attempts = [("DELETE", f"{user}/roles/{given['id']}"), ("POST", f"{user}/disable"), ("DELETE", user)]
    for method, path in attempts:
        reply = await world.call(method, path, token=world.pat)
        assert (reply.status, "last Administrator" in reply.error["message"]) == (409, True)
    # One who is disabled, was only invited, or is an Administrator of less than the account does not count.
    bob, _ = await person(world, "bob@example.com", ("Administrator", world.account_id))
    await person(world, "eve@example.com", ("Administrator", world.dev))
    await world.call("POST", f"/v1/users/{bob}/disable", token=world.pat)
    role = (await roles_of(world))["Administrator"]
    invitation = {"email": "new@example.com", "name": "New"}
    invited = {"actorRoles": [{"roleId": role, "resourceId": world.account_id}], **invitation}
    assert (await world.call("POST", "/v1/users/invite", invited, token=world.pat)).status == 200
    assert (await world.call("POST", f"{user}/disable", token=world.pat)).status == 409
    await world.call("POST", f"/v1/users/{bob}/enable", token=world.pat)
    assert (await world.call("DELETE", f"{user}/roles/{given['id']}", token=world.pat)).status == 200


# ---- agents -------------------------------------------------------------------------------------------


async def test_an_agent_has_roles_in_its_environment_only(world: World) -> None:
    known = await roles_of(world)
    administrator = Actor(ActorKind.USER, world.user_id, world.account_id, "test")
    agent = Place(world.dev, "us_ag_tested", "ag", world.account_id)
    await world.db.write(lambda uow: places.add_place(uow, agent))
    body = {"roleId": known["User"], "resourceId": world.dev}
    given = await world.call("POST", "/v1/agents/us_ag_tested/roles", body, token=world.pat)
    assert answer_faults("post", "/v1/agents/{agentId}/roles", given.body) == []
    listed = await world.db.read(lambda uow: agents.list_agent_roles(uow, administrator, agent.id))
    assert [each.id for each in listed] == [given.data["id"]]
    for resource in (world.prod, world.account_id):
        reply = await world.call("POST", "/v1/agents/us_ag_tested/roles", {**body, "resourceId": resource})
        assert reply.status in {400, 404}
    path = f"/v1/agents/us_ag_tested/roles/{given.data['id']}"
    assert (await world.call("DELETE", path, token=world.pat)).status == 200


# ---- guests -------------------------------------------------------------------------------------------


async def test_a_guests_roles_add_to_what_they_may_do_where_they_are_let_in_and_end_with_that(world: World) -> None:
    known, ids = await roles_of(world), await furnished(world)
    space, beside = {"id": ids["here"]}, ids["beside"]
    draft = {"environmentId": world.dev, "email": "ada@example.com", "name": "Ada", "spaces": [space]}
    guest = (await world.call("POST", "/v1/guests", [draft])).data[0]["id"]
    token = (await world.call("GET", f"/v1/guests/{guest}/token")).data["token"]
    route = f"/v1/guests/{guest}/roles"

    async def renames(space_id: str) -> int:
        return (await world.call("PATCH", f"/v1/spaces/{space_id}", {"name": "by Ada"}, token=token)).status

    async def gives(role: str, resource: str, **sent: str) -> Reply:
        return await world.call("POST", route, {"roleId": known[role], "resourceId": resource}, **sent)

    assert await renames(ids["here"]) == 403
    given = await gives("User", ids["here"])
    assert answer_faults("post", "/v1/guests/{guestId}/roles", given.body) == []
    listed = await world.call("GET", route)
    assert answer_faults("get", "/v1/guests/{guestId}/roles", listed.body) == []
    assert (listed.data, await renames(ids["here"])) == ([given.data], 200)
    assert (await gives("User", beside)).status == 400, "a role lets nobody in"
    assert (await gives("Administrator", ids["here"], token=token)).status == 403
    assert (await world.call("DELETE", f"{route}/{given.data['id']}")).status == 200
    assert (await world.call("GET", route)).data == []
    assert await renames(ids["here"]) == 403
    in_environment = (await gives("Administrator", world.dev)).data
    await gives("User", ids["here"])
    assert (await renames(ids["here"]), await renames(beside)) == (200, 404)
    secrets = f"/v1/secrets?environmentId={world.dev}"
    assert (await world.call("GET", secrets, token=token)).status == 403, "no role gives more than guests may have"
    assert (await world.call("DELETE", f"/v1/guests/{guest}?spaceId={ids['here']}")).status == 200
    await world.call("PATCH", f"/v1/guests/{guest}", {"spaces": [space]})
    assert (await world.call("GET", route)).data == [in_environment], "who comes again finds no role of before"
    recorded = {a["action"] for a in await world.audits() if a["target"] == guest}
    assert {"role:assign", "role:remove"} <= recorded
    await world.call("DELETE", f"/v1/guests/{guest}")
    assert (await world.call("GET", route)).status == 404


# ---- what grants show ----------------------------------------------------------------------------------


async def furnished(world: World) -> dict[str, str]:
    """A space with two workbooks of two sheets each, and one beside it."""
    ids = {}
    for name in ("here", "beside"):
        body = {"name": name, "environmentId": world.dev}
        ids[name] = (await world.call("POST", "/v1/spaces", body)).data["id"]
    for book in ("one", "two"):
        fields = [{"key": "name", "type": "string"}]
        sheets = [{"name": f"{book} {number}", "slug": number, "fields": fields} for number in ("a", "b")]
        made = (
            await world.call("POST", "/v1/workbooks", {"name": book, "spaceId": ids["here"], "sheets": sheets})
        ).data
        ids |= {book: made["id"]} | {sheet["name"]: sheet["id"] for sheet in made["sheets"]}
        job = {"type": "workbook", "operation": "submit", "source": made["id"]}
        ids[f"job {book}"] = (await world.call("POST", "/v1/jobs", job)).data["id"]
    return ids


async def listed(world: World, path: str, token: str) -> list[str]:
    reply = await world.call("GET", path, token=token)
    assert reply.status == 200, (path, reply.body)
    return [each["id"] for each in reply.data]


async def test_lists_hold_what_is_granted_and_what_holds_it(world: World) -> None:
    ids = await furnished(world)
    _, token = await person(world, "bob@example.com", ("Guest", ids["one a"]))
    assert await listed(world, "/v1/environments", token) == [world.dev]
    assert await listed(world, "/v1/spaces", token) == [ids["here"]]
    assert await listed(world, "/v1/workbooks", token) == [ids["one"]]
    assert await listed(world, f"/v1/sheets?workbookId={ids['one']}", token) == [ids["one a"]]
    assert await listed(world, "/v1/jobs", token) == []
    book = await world.call("GET", f"/v1/workbooks/{ids['one']}", token=token)
    assert [sheet["id"] for sheet in book.data["sheets"]] == [ids["one a"]]
    space = await world.call("GET", f"/v1/spaces/{ids['here']}", token=token)
    assert (space.status, "accessToken" in space.data) == (200, False)
    for path in (f"/v1/spaces/{ids['beside']}", f"/v1/workbooks/{ids['two']}", f"/v1/sheets/{ids['one b']}"):
        assert (await world.call("GET", path, token=token)).status == 404, path


async def test_a_workbooks_grant_lists_its_jobs_and_events_alone(world: World) -> None:
    ids = await furnished(world)
    _, token = await person(world, "bob@example.com", ("User", ids["two"]))
    assert await listed(world, "/v1/jobs", token) == [ids["job two"]]
    reply = await world.call("GET", f"/v1/events?environmentId={world.dev}&pageSize=100", token=token)
    assert {event["context"].get("workbookId") for event in reply.data} == {ids["two"]}
    everything = await world.call("GET", f"/v1/events?environmentId={world.dev}&pageSize=100", token=world.pat)
    assert len(everything.data) > len(reply.data) > 2


async def test_roles_on_several_things_add_up_but_do_not_mix(world: World) -> None:
    ids = await furnished(world)
    _, token = await person(world, "bob@example.com", ("Guest", ids["one"]), ("User", ids["two"]))
    assert sorted(await listed(world, "/v1/workbooks", token)) == sorted([ids["one"], ids["two"]])
    new_name = {"name": "new"}
    assert (await world.call("PATCH", f"/v1/workbooks/{ids['two']}", new_name, token=token)).status == 200
    assert (await world.call("PATCH", f"/v1/workbooks/{ids['one']}", new_name, token=token)).status == 403
    assert (await world.call("PATCH", f"/v1/sheets/{ids['one a']}", new_name, token=token)).status == 403


async def test_a_channel_holds_what_is_granted_of_it_and_is_cut_when_nothing_is(world: World) -> None:
    ids = await furnished(world)
    bob, token = await person(world, "bob@example.com", ("User", ids["two"]))
    subscribed = await world.call("GET", f"/v1/subscription?scope={world.dev}", token=token)
    path = f"/v2/subscribe/key/environment.{world.dev}/0"
    query = {"auth": subscribed.data["token"], "tt": str(FIRST_TIME)}
    polled = await world.call("GET", path, token="", params=query)
    messages = [message["d"] for message in polled.body["m"]]
    assert {message["context"]["workbookId"] for message in messages} == {ids["two"]}
    assert {"workbook:created", "sheet:created", "job:created"} <= {message["topic"] for message in messages}
    (given,) = (await world.call("GET", f"/v1/users/{bob}/roles", token=world.pat)).data
    await world.call("DELETE", f"/v1/users/{bob}/roles/{given['id']}", token=world.pat)
    assert (await world.call("GET", path, token="", params=query)).status == 403


async def test_no_change_of_roles_is_ever_stale(world: World) -> None:
    user_id, token = await person(world, "bob@example.com")
    path, role = f"/v1/environments/{world.dev}", (await roles_of(world))["User"]
    stale = 0
    for _ in range(25):
        given = (await give(world, user_id, role, world.dev, world.pat)).data
        stale += (await world.call("GET", path, token=token)).status != 200
        await world.call("DELETE", f"/v1/users/{user_id}/roles/{given['id']}", token=world.pat)
        stale += (await world.call("GET", path, token=token)).status != 403
    assert stale == 0


async def test_access_of_a_sheet_binds_those_who_may_not_change_the_sheet(world: World) -> None:
    space = (await world.call("POST", "/v1/spaces", {"name": "s", "environmentId": world.dev})).data["id"]
    sheet = {"name": "S", "slug": "s", "fields": [{"key": "name", "type": "string"}], "access": ["edit"]}
    book = (await world.call("POST", "/v1/workbooks", {"name": "b", "spaceId": space, "sheets": [sheet]})).data
    _, guest = await person(world, "guest@example.com", ("Guest", space))
    _, member = await person(world, "member@example.com", ("User", space))
    path, row = f"/v1/sheets/{book['sheets'][0]['id']}/records", [{"name": {"value": "Ada"}}]
    assert (await world.call("POST", path, row, token=guest)).error["key"] == "access"
    assert (await world.call("POST", path, row, token=member)).status == 200


async def test_a_user_without_roles_is_told_nothing_but_about_themselves(world: World) -> None:
    user_id, token = await person(world, "bob@example.com")
    assert (await world.call("GET", "/v1/spaces", token=token)).status == 403
    assert (await world.call("GET", f"/v1/users/{world.user_id}", token=token)).status == 403
    assert (await world.call("GET", f"/v1/users/{user_id}", token=token)).data["email"] == "bob@example.com"


def test_no_built_in_role_below_admin_reads_secrets_or_manages_users() -> None:
    for permission in (
        Permission.SECRET_READ,
        Permission.API_KEY_READ,
        Permission.USER_WRITE,
        Permission.VARIABLE_READ,
    ):
        assert permission in ROLES[ADMIN]
        assert permission not in ROLES[USER] | ROLES[GUEST]
    assert Permission.ROLE_WRITE in ROLES[ADMINISTRATOR] - ROLES[ADMIN]
