"""Credentials over HTTP: what they may do and from where, which there are and were, which are due, imported ones."""

from __future__ import annotations

import json
from typing import Any

from servers.data_places import DataPlace
from sheetport.config import HttpSettings, StorageSettings, read_settings
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind, Minted
from sheetport.features.users import service as users
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import DAY, HOUR, MINUTE, iso
from sheetport.kernel.errors import Forbidden
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import START, Reply, World, opened_world

ALL = "/v1/auth/credentials"
PATS = "/v1/auth/personal-access-tokens"
OLD = "sk_23ghsyuyshs7dcrty"


async def new_key(world: World, **scope: Any) -> dict[str, Any]:
    """A secret key of the development environment; its ``rawKey`` is in it."""
    path = f"/v1/auth/api-key?environmentId={world.dev}&type=SECRET"
    reply = await world.call("POST", path, scope, token=world.pat)
    assert reply.status == 200, reply.body
    return next(key for key in reply.data if key["type"] == "SECRET" and key.get("rawKey"))


async def new_pat(world: World, **scope: Any) -> dict[str, Any]:
    reply = await world.call("POST", PATS, {"name": "program", **scope}, token=world.pat)
    assert reply.status == 200, reply.body
    return reply.data["personalAccessToken"] | {"token": reply.data["token"]}


async def change(world: World, credential_id: str, **members: Any) -> Reply:
    return await world.call("PATCH", f"{ALL}/{credential_id}", members, token=world.pat)


async def statuses(world: World, token: str, *calls: str) -> list[int]:
    """What each call, "METHOD path", is answered."""
    return [(await world.call(*call.split(" "), token=token)).status for call in calls]


async def two_spaces(world: World) -> list[str]:
    made = [await world.call("POST", "/v1/spaces", {"name": n, "environmentId": world.dev}) for n in ("one", "two")]
    return [reply.data["id"] for reply in made]


# What they may do, and from where


async def test_a_key_of_one_space_and_a_reading_one(world: World) -> None:
    one, two = await two_spaces(world)
    key = (await new_key(world, name="one", spaceId=one))["rawKey"]
    own, other = f"/v1/spaces/{one}", f"/v1/spaces/{two}"
    assert await statuses(world, key, f"GET {own}", f"GET {own}", f"GET {other}") == [200, 200, 404]
    assert [space["id"] for space in (await world.call("GET", "/v1/spaces", token=key)).data] == [one]
    reading = await new_key(world, name="reader", readOnly=True)
    calls = (f"GET {own}", f"GET {own}", f"DELETE {own}", f"POST {own}/archive", "GET /v1/environments")
    assert await statuses(world, reading["rawKey"], *calls) == [200, 200, 403, 403, 200]
    secrets = await world.call("GET", f"/v1/secrets?environmentId={world.dev}", token=reading["rawKey"])
    assert secrets.status == 403, "it reads no values"
    absent = await world.call("POST", PATS, {"name": "x", "spaceId": "us_sp_absent"}, token=world.pat)
    assert (absent.status, absent.error["key"]) == (404, "spaceId")


async def test_a_key_of_some_calls_on_the_router_and_before_it(world: World) -> None:
    one, two = await two_spaces(world)
    operations = [{"method": "GET", "path": f"/v1/spaces/{one}"}, {"method": "*", "path": "/v1/jobs/*"}]
    key = (await new_key(world, name="router", operations=operations))["rawKey"]
    calls = (
        f"GET /v1/spaces/{one}",
        f"GET /v1/spaces/{one}",
        f"GET /v1/spaces/{two}",
        "GET /v1/jobs",
        "GET /v1/spaces",
    )
    assert await statuses(world, key, *calls) == [200, 200, 403, 200, 403]
    refused = await world.call("GET", "/v1/environments", token=key)
    assert "GET /v1/environments" in refused.error["message"]
    listed = (await world.call("GET", f"/v1/auth/api-keys?environmentId={world.dev}", token=world.pat)).data
    assert operations in [one["operations"] for one in listed]


async def test_a_narrowed_user_can_make_nothing_wider(world: World) -> None:
    for scope in (
        {"readOnly": True},
        {"networks": ["127.0.0.0/8"]},
        {"operations": [{"method": "*", "path": "/v1/*"}]},
    ):
        token = (await new_pat(world, **scope))["token"]
        made = [
            await world.call("POST", PATS, {"name": "wide"}, token=token),
            await world.call("POST", f"/v1/auth/api-key?environmentId={world.dev}&type=SECRET", token=token),
            await world.call("POST", f"/v1/users/{world.user_id}/api-token?tenantId={world.account_id}", token=token),
        ]
        assert {reply.status for reply in made} == {403}, scope


async def test_a_client_hands_its_narrowing_on(world: World) -> None:
    path = f"/v1/users/{world.user_id}/api-token?tenantId={world.account_id}"
    client = (await world.call("POST", path, {"name": "etl", "environmentId": world.prod}, token=world.pat)).data
    assert client["description"] == "etl"
    body = {"clientId": client["clientId"], "secret": client["secret"]}
    token = (await world.call("POST", "/v1/auth", body, token="")).body["accessToken"]
    calls = [f"GET /v1/environments/{world.prod}", f"GET /v1/environments/{world.dev}"]
    assert await statuses(world, token, *calls) == [200, 404]
    assert (await change(world, client["clientId"], environmentId=world.dev)).status == 200
    assert await statuses(world, token, *calls) == [404, 200], "what was exchanged before, too"


async def test_a_change_holds_at_once_and_can_be_taken_back(world: World) -> None:
    one, _ = await two_spaces(world)
    key = await new_key(world, name="changing")
    path = f"GET /v1/spaces/{one}"
    steps = [
        ({"networks": ["203.0.113.0/24"]}, 403),
        ({"networks": []}, 200),
        ({"operations": [{"method": "GET", "path": "/v1/jobs"}]}, 403),
        ({"operations": []}, 200),
        ({"expiresAt": iso(START + HOUR)}, 200),
    ]
    for members, status in steps:
        assert (await change(world, key["id"], **members)).status == 200
        assert await statuses(world, key["rawKey"], path, path) == [status, status], members
    world.clock.advance(HOUR)
    assert await statuses(world, key["rawKey"], path) == [401]
    assert (await change(world, key["id"], name="late")).status == 404
    changes = [json.loads(each["detail"])["changed"] for each in await world.audits("secret_key:update")]
    assert changes[0] == ["networks"]
    assert changes[-1] == ["expires_at"]


async def test_what_a_key_opened_ends_when_it_is_for_other_networks_or_calls(world: World) -> None:
    key = await new_key(world, name="listener")
    channel = f"environment.{world.dev}"

    async def opened() -> str:
        reply = await world.call("GET", f"/v1/subscription?scope={world.dev}", token=key["rawKey"])
        return str(reply.data["token"])

    async def follows(token: str) -> bool:
        try:
            await world.app.hub.subscribe(token, channel, "0", "test")
        except Forbidden:
            return False
        return True

    for members in (
        {"networks": ["127.0.0.1"]},
        {"operations": [{"method": "GET", "path": "/v1/*"}]},
        {"networks": []},
    ):
        token = await opened()
        assert await follows(token)
        assert (await change(world, key["id"], **members)).status == 200
        assert not await follows(token), members
        assert await follows(await opened())


async def test_networks_are_those_of_the_client_behind_a_trusted_proxy(sqlite_place: DataPlace) -> None:
    http = HttpSettings(trusted_proxies=read_settings(trusted_proxies="127.0.0.1").http.trusted_proxies)
    storage = StorageSettings(sqlite_place.data, sqlite_place.data.with_suffix(".key"))
    async with opened_world(storage, http) as world:
        key = (await new_key(world, name="office", networks=["203.0.113.0/24", "2001:db8::/32"]))["rawKey"]
        for address, status in (("203.0.113.9", 200), ("198.51.100.1", 403), ("2001:db8::7", 200)):
            headers = {"X-Forwarded-For": address}
            for path in ("/v1/environments", f"/v1/environments/{world.dev}", f"/v1/environments/{world.dev}"):
                reply = await world.call("GET", path, token=key, headers=headers)
                assert reply.status == status, (address, path)
        assert (
            "198.51.100.1"
            in (await world.call("GET", "/v1/jobs", token=key, headers={"X-Forwarded-For": "198.51.100.1"})).error[
                "message"
            ]
        )


BAD_NARROWINGS: list[tuple[dict[str, Any], str]] = [
    ({"networks": ["10.0.0.1/8"]}, "networks"),
    ({"networks": [f"10.0.0.{n}" for n in range(101)]}, "networks"),
    ({"operations": [{"method": "GET", "path": "spaces"}]}, "operations"),
    ({"operations": [{"method": "GET", "path": f"/v1/a{n}"} for n in range(101)]}, "operations"),
    ({"expiresAt": "tomorrow"}, "expiresAt"),
    ({"expiresAt": iso(START)}, "expiresAt"),
    ({"environmentId": "us_env_absent"}, "environmentId"),
    ({"name": " "}, "name"),
]


async def test_a_bad_narrowing_names_its_fault(world: World) -> None:
    pat = await new_pat(world)
    for members, key in BAD_NARROWINGS:
        made = await world.call("POST", PATS, {"name": "bad"} | members, token=world.pat)
        changed = await change(world, pat["id"], **members)
        for reply in (made, changed):
            assert (reply.status in {400, 404}, reply.error["key"]) == (True, key), members


# Which there are and were


async def test_the_list_says_what_each_may_do_by_whom_and_when_and_how_it_ended(world: World) -> None:
    pat = await new_pat(world, networks=["10.0.0.0/8"], readOnly=True, expiresAt=iso(START + DAY))
    listed = {each["id"]: each for each in (await world.call("GET", ALL, token=world.pat)).data}
    shown = listed[pat["id"]]
    assert (shown["name"], shown["state"], shown["createdBy"]) == ("program", "live", world.user_id)
    assert (shown["networks"], shown["readOnly"], shown["expiresAt"]) == (["10.0.0.0/8"], True, iso(START + DAY))
    assert pat["token"] not in json.dumps(shown)
    assert shown["masked"].endswith(pat["token"][-4:])
    assert {each["kind"] for each in listed.values()} == {"secret_key", "publishable_key", "personal"}
    doomed = await new_key(world, name="doomed")
    assert (await world.call("DELETE", f"{ALL}/{doomed['id']}", token=world.pat)).status == 200
    rotated = (await world.call("POST", f"{PATS}/{(await new_pat(world))['id']}/rotate", token=world.pat)).data
    world.clock.advance(DAY)
    ended = {each["id"]: each for each in (await world.call("GET", f"{ALL}?state=ended", token=world.pat)).data}
    assert {each["state"] for each in ended.values()} == {"expired", "revoked", "rotated"}
    assert (ended[doomed["id"]]["endedAt"], ended[doomed["id"]]["endedBy"]) == (iso(START), world.user_id)
    (old,) = [each for each in ended.values() if each["state"] == "rotated"]
    assert old["replacedBy"] == rotated["personalAccessToken"]["id"]
    of_key = (await world.call("GET", f"{ALL}?state=all", token=world.sk)).data
    assert {each.get("environmentId") for each in of_key} == {world.dev}, "a key lists its environment's"
    others = (await world.call("GET", f"{ALL}?state=all", token=world.pat_other)).data
    assert {each["id"] for each in others}.isdisjoint([*listed, *ended])
    for wrong in ("state=dead", "kind=access", "idleDays=-1"):
        assert (await world.call("GET", f"{ALL}?{wrong}", token=world.pat)).status == 400


async def test_an_administrator_ends_anothers_token_and_changes_none(world: World) -> None:
    async def hire(uow: UnitOfWork) -> Minted:
        user = await users.create_user(uow, world.account_id, "new@example.com", "New")
        actor = system_actor(world.account_id)
        return await auth.mint(uow, actor, CredentialKind.PERSONAL, "theirs", user_id=user.id)

    theirs = await world.db.write(hire)
    token_id = theirs.credential.id
    assert token_id in {each["id"] for each in (await world.call("GET", ALL, token=world.pat)).data}
    assert (await change(world, token_id, name="mine")).status == 404
    for token, status in ((world.pat_other, 404), (world.sk, 403), (world.pat, 200), (world.pat, 404)):
        assert (await world.call("DELETE", f"{ALL}/{token_id}", token=token)).status == status
    assert await statuses(world, theirs.token, "GET /v1/environments") == [401]


async def test_what_is_idle_ends_soon_or_is_due(world: World) -> None:
    soon = await new_pat(world, expiresAt=iso(START + 120 * DAY))
    world.clock.advance(91 * DAY)
    fresh = await new_pat(world)
    await world.call("GET", "/v1/environments", token=world.sk)
    used = world.app.verifier.take_used()
    await world.db.write(lambda uow: auth.flush_last_used(uow, used))

    async def ids(query: str) -> set[str]:
        return {each["id"] for each in (await world.call("GET", f"{ALL}{query}", token=world.pat)).data}

    assert soon["id"] in await ids("?idleDays=90")
    assert fresh["id"] not in await ids("?idleDays=90")
    assert await ids("?expiringDays=30") == {soon["id"]}
    assert soon["id"] in await ids("/due")
    assert fresh["id"] not in await ids("/due?olderThanDays=90")
    assert soon["id"] not in await ids("/due?olderThanDays=92")
    await world.call("POST", f"{PATS}/{soon['id']}/rotate", token=world.pat)
    assert soon["id"] not in await ids("/due"), "it is being rotated"


async def test_how_old_keys_may_become(world: World) -> None:
    policy = "/v1/auth/key-policy"
    assert (await world.call("GET", policy, token=world.sk)).data == {"maxAgeDays": None}
    for days, status in ((30, 200), (-1, 400), (3_651, 400)):
        assert (await world.call("PUT", policy, {"maxAgeDays": days}, token=world.pat)).status == status
    pat = await new_pat(world)
    assert pat["expiresAt"] == iso(START + 30 * DAY)
    late = await world.call("POST", PATS, {"name": "x", "expiresAt": iso(START + 31 * DAY)}, token=world.pat)
    assert (late.status, late.error["key"]) == (400, "expiresAt")
    world.clock.advance(10 * DAY)
    new = (await world.call("POST", f"{PATS}/{pat['id']}/rotate", token=world.pat)).data["personalAccessToken"]
    assert new["expiresAt"] == iso(START + 40 * DAY)
    assert len(await world.audits("account:key-max-age")) == 1


async def test_each_end_and_idleness_is_told_once(world: World) -> None:
    pat = await new_pat(world, expiresAt=iso(START + 40 * DAY))
    brief = await new_pat(world, expiresAt=iso(START + 20 * DAY))
    told: list[tuple[str, str]] = []
    for days in (0, 11, 0, 4, 20, 4, 1, 60):
        world.clock.advance(days * DAY)
        while await world.db.write(auth.watch_credentials):
            continue
    for event in await world.events():
        target = json.loads(event["payload"]).get("target") if event["domain"] == "alert" else None
        if target in {pat["id"], brief["id"]}:
            told.append((target, event["topic"]))
    expiring, expired = "api-key:expiring", "api-key:expired"
    assert [topic for target, topic in told if target == pat["id"]] == [expiring] * 3 + [expired]
    assert [topic for target, topic in told if target == brief["id"]] == [expiring, expired]
    idle = [json.loads(each["payload"]) for each in await world.events("api-key:idle")]
    assert len(idle) == len({each["target"] for each in idle}) > 4
    assert len(await world.audits("api-key:idle")) == len(idle)


# Imported ones


async def test_a_key_of_another_server_is_taken_as_it_stands(world: World) -> None:
    body = {"token": OLD, "environmentId": world.dev, "rotateBy": iso(START + DAY)}
    reply = await world.call("POST", f"{ALL}/import", body, token=world.pat)
    assert reply.status == 200, reply.body
    shown = reply.data
    assert (shown["origin"], shown["rotateBy"], shown["masked"]) == ("imported", iso(START + DAY), "sk_…crty")
    assert await statuses(world, OLD, "GET /v1/environments") == [200]
    assert (await world.call("POST", f"{ALL}/import", body, token=world.pat)).status == 409
    (audit,) = await world.audits("secret_key:import")
    assert OLD not in json.dumps({name: str(value) for name, value in audit.items()})
    due = f"{ALL}/due?olderThanDays=90"
    assert (await world.call("GET", due, token=world.pat)).data == []
    world.clock.advance(DAY + MINUTE)
    assert [each["id"] for each in (await world.call("GET", due, token=world.pat)).data] == [shown["id"]]
    path = f"/v1/auth/api-key/rotate?environmentId={world.dev}&key={shown['id']}&overlapSeconds=60"
    new = (await world.call("POST", path, token=world.pat)).data["rawKey"]
    assert new.startswith("sk_dev_")
    assert (await world.call("GET", due, token=world.pat)).data == []


BAD_IMPORTS = [
    ({"token": "short"}, "token"),
    ({"token": "sk_ two words of it"}, "token"),
    ({"token": "spt_" + "a" * 20, "type": "PERSONAL"}, "token"),
    ({"token": "sk_" + "a" * 500}, "token"),
    ({"token": OLD}, "environmentId"),
    ({"token": "pat_" + "a" * 20, "environmentId": "{dev}"}, "environmentId"),
    ({"token": "no-kind-is-told-by-it"}, "type"),
    ({"token": OLD, "type": "MASTER", "environmentId": "{dev}"}, "type"),
    ({"token": OLD, "environmentId": "us_env_absent"}, "environmentId"),
    ({"token": OLD, "environmentId": "{dev}", "rotateBy": iso(START)}, "rotateBy"),
]


async def test_a_bad_import_names_its_fault(world: World) -> None:
    for body, key in BAD_IMPORTS:
        sent = json.loads(json.dumps(body).replace("{dev}", world.dev))
        reply = await world.call("POST", f"{ALL}/import", sent, token=world.pat)
        assert (reply.status in {400, 404}, reply.error["key"]) == (True, key), body
        assert body["token"] not in json.dumps(reply.body)
