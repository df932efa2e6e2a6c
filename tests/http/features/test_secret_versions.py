"""Versions of secrets over HTTP: rotating, promoting, rolling back, overlaps, references, schedules and search."""

from __future__ import annotations

from typing import Any

from sheetport.features.secrets import service
from sheetport.kernel.clock import DAY, SECOND, iso
from worlds import START, Reply, World


async def put(world: World, name: str, value: str, **scope: str) -> str:
    reply = await world.call("POST", "/v1/secrets", {"name": name, "value": value, **scope})
    assert reply.status == 200, reply.body
    return next(str(secret["id"]) for secret in reply.data if secret["name"] == name)


async def change(world: World, secret_id: str, verb: str, body: Any = None, key: str | None = None) -> Reply:
    headers = {"Idempotency-Key": key} if key else {}
    return await world.call("POST", f"/v1/secrets/{secret_id}/{verb}", body or {}, headers=headers)


async def values(world: World, label: str | None = None) -> dict[str, str]:
    params = {"environmentId": world.dev} | ({"label": label} if label else {})
    reply = await world.call("GET", "/v1/secrets", params=params)
    assert reply.status == 200, reply.body
    return {secret["name"]: secret["value"] for secret in reply.data}


async def labels(world: World, secret_id: str) -> dict[int, str]:
    listed = await world.call("GET", f"/v1/secrets/{secret_id}/versions")
    assert listed.status == 200, listed.body
    assert not any("value" in version for version in listed.data)
    return {version["version"]: version["label"] for version in listed.data}


async def sound(world: World) -> bool:
    return (await world.call("GET", "/v1/secrets/verify", params={"environmentId": world.dev})).data == {
        "sound": True,
        "faults": [],
    }


async def test_each_value_is_a_version_and_one_call_goes_back(world: World) -> None:
    secret = await put(world, "A", "one")
    await put(world, "A", "two")
    await put(world, "A", "three")
    assert await labels(world, secret) == {3: "current", 2: "previous", 1: "retired"}
    back = await change(world, secret, "rollback")
    assert (back.data["version"], back.data["label"], (await values(world))["A"]) == (4, "current", "two")
    back = await change(world, secret, "rollback", {"version": 1})
    assert (back.data["version"], (await values(world))["A"]) == (5, "one")
    assert await labels(world, secret) == {5: "current", 4: "previous", 3: "retired", 2: "retired", 1: "retired"}
    none = await change(world, secret, "rollback", {"version": 9})
    assert (none.status, none.error["key"]) == (404, "version")
    rolled = await world.audits("secret:rollback")
    assert ['"restores":2' in each["detail"] for each in rolled] == [True, False]
    told = [event["payload"] for event in await world.events("secret:rotated")]
    assert ['"before":3' in payload for payload in told] == [True, False]
    assert await sound(world)


async def test_a_rotation_makes_a_value_and_the_previous_is_given_out_for_the_overlap(world: World) -> None:
    secret = await put(world, "A", "one")
    made = await change(world, secret, "rotate", {"overlapSeconds": 60})
    assert made.data["version"] == 2
    assert made.data["label"] == "current"
    assert "value" not in made.data
    new = (await values(world))["A"]
    assert len(new) == 43
    assert new.isalnum()
    assert await values(world, "previous") == {"A": "one"}
    listed = await world.call("GET", f"/v1/secrets/{secret}/versions")
    assert listed.data[1]["servedUntil"] == iso(START + 60 * SECOND)
    world.clock.advance(60 * SECOND)
    assert await values(world, "previous") == {}
    assert (await change(world, secret, "rollback")).status == 200, "the value is there to come back"
    assert (await values(world))["A"] == "one"
    await put(world, "A", "two")
    assert await values(world, "previous") == {}, "without an overlap it is never given out"


async def test_a_pending_version_waits_until_it_is_promoted(world: World) -> None:
    secret = await put(world, "A", "one")
    pending = await change(world, secret, "rotate", {"value": "two", "pending": True})
    assert (pending.data["version"], pending.data["label"]) == (2, "pending")
    assert (await values(world), await values(world, "pending")) == ({"A": "one"}, {"A": "two"})
    again = await change(world, secret, "rotate", {"value": "three", "pending": True})
    assert again.data["version"] == 3
    assert await labels(world, secret) == {3: "pending", 2: "discarded", 1: "current"}
    wrong = await change(world, secret, "promote", {"version": 2})
    assert (wrong.status, "version 3 is pending" in wrong.error["message"]) == (409, True)
    promoted = await change(world, secret, "promote", {"version": 3, "overlapSeconds": 5})
    assert (promoted.data["label"], await values(world)) == ("current", {"A": "three"})
    assert await values(world, "previous") == {"A": "one"}
    assert (await change(world, secret, "promote", {"version": 3})).data == promoted.data, "once more changes nothing"
    assert (await change(world, secret, "promote")).status == 409
    assert (await change(world, secret, "rollback", {"version": 2})).status == 404, "its value is gone"
    await change(world, secret, "rotate", {"value": "four", "pending": True})
    await put(world, "A", "five")
    assert await labels(world, secret) == {5: "current", 4: "discarded", 3: "previous", 2: "discarded", 1: "retired"}
    assert len(await world.events("secret:rotated")) == 1
    assert len(await world.audits("secret:rotate-pending")) == 3
    assert await sound(world)


async def test_a_repeated_rotation_does_not_rotate_twice(world: World) -> None:
    secret = await put(world, "A", "one")
    first = await change(world, secret, "rotate", key="k-1")
    value = await values(world)
    assert (await change(world, secret, "rotate", key="k-1")).data == first.data
    assert await values(world) == value
    other = await change(world, secret, "rotate", {"value": "mine"}, key="k-1")
    assert (other.status, await values(world)) == (409, value)
    assert (await change(world, secret, "rotate", key="k-2")).data["version"] == 3
    back = await change(world, secret, "rollback", key="k-3")
    assert (await change(world, secret, "rollback", key="k-3")).data["version"] == back.data["version"] == 4
    assert len(await world.audits("secret:rotate")) == 2


#: (verb, body, the field at fault)
REFUSED: list[tuple[str, Any, str]] = [
    ("rotate", {"value": ""}, "value"),
    ("rotate", {"value": "x", "length": 30}, "length"),
    ("rotate", {"length": 21}, "length"),
    ("rotate", {"overlapSeconds": -1}, "overlapSeconds"),
    ("rotate", {"overlapSeconds": 31 * 86_400}, "overlapSeconds"),
    ("promote", {"overlapSeconds": -1}, "overlapSeconds"),
    ("rollback", {"overlapSeconds": -1}, "overlapSeconds"),
]


async def test_what_cannot_be_is_refused_with_its_field(world: World) -> None:
    secret = await put(world, "A", "one")
    for verb, body, key in REFUSED:
        reply = await change(world, secret, verb, body)
        assert (reply.status, reply.error["key"]) == (400, key), (verb, body)
    assert await labels(world, secret) == {1: "current"}


async def test_what_was_in_force_at_a_time_is_listed_deleted_or_not(world: World) -> None:
    secret = await put(world, "A", "one")
    world.clock.advance(DAY)
    await put(world, "A", "two")
    await put(world, "B", "b")
    world.clock.advance(DAY)
    assert (await world.call("DELETE", f"/v1/secrets/{secret}")).status == 200

    async def at(moment: int) -> list[tuple[str, int]]:
        reply = await world.call("GET", "/v1/secrets/versions", params={"environmentId": world.dev, "at": iso(moment)})
        assert not any("value" in version for version in reply.data)
        return [(version["name"], version["version"]) for version in reply.data]

    assert [await at(START + days * DAY) for days in (-1, 0, 1, 2)] == [
        [],
        [("A", 1)],
        [("A", 2), ("B", 1)],
        [("B", 1)],
    ]
    wrong = await world.call("GET", "/v1/secrets/versions", params={"environmentId": world.dev, "at": "yesterday"})
    assert (wrong.status, wrong.error["key"]) == (400, "at")
    assert await sound(world)


async def test_a_secret_may_hold_others_and_no_circle_is_written(world: World) -> None:
    host = await put(world, "HOST", "db.example.com")
    url = await put(world, "URL", "pg://${secret:HOST}/x")
    assert (await values(world))["URL"] == "pg://db.example.com/x"
    await put(world, "HOST", "db2.example.com")
    assert (await values(world))["URL"] == "pg://db2.example.com/x"
    body = {"name": "HOST", "value": "${secret:URL}", "environmentId": world.dev}
    circle = await world.call("POST", "/v1/secrets", body)
    assert (circle.status, circle.error["key"]) == (400, "value")
    assert "HOST → URL → HOST" in circle.error["message"]
    refused = await world.call("DELETE", f"/v1/secrets/{host}")
    assert (refused.status, "'URL'" in refused.error["message"]) == (409, True)
    rotated = await change(world, host, "rotate", {"value": "${secret:NONE}"})
    assert (rotated.status, "'NONE'" in rotated.error["message"]) == (400, True)
    assert (await world.call("DELETE", f"/v1/secrets/{url}")).status == 200
    assert (await world.call("DELETE", f"/v1/secrets/{host}")).status == 200


async def test_names_are_found_over_the_environments_that_a_token_reaches(world: World) -> None:
    await put(world, "STRIPE_TOKEN", "canary-1")
    await put(world, "stripe%", "canary-2")
    in_prod = {"name": "Stripe Token", "value": "canary-3", "environmentId": world.prod}
    assert (await world.call("POST", "/v1/secrets", in_prod, token=world.sk_prod)).status == 200

    async def found(name: str, token: str) -> list[str]:
        reply = await world.call("GET", "/v1/secrets/search", params={"name": name}, token=token)
        assert "canary" not in str(reply.body)
        return sorted(each["name"] for each in reply.data)

    assert await found("*stripe*", world.pat) == ["STRIPE_TOKEN", "Stripe Token", "stripe%"]
    assert await found("stripe_token", world.pat) == ["STRIPE_TOKEN"]
    assert await found("*%", world.pat) == ["stripe%"]
    assert await found("*stripe*", world.sk_prod) == ["Stripe Token"]
    assert await found("*stripe*", world.pat_other) == []
    assert (await world.call("GET", "/v1/secrets/search", params={"name": "**"})).status == 400


async def test_a_schedule_reminds_a_week_ahead_and_on_the_day_each_once(world: World) -> None:
    secret = await put(world, "A", "one")
    path = f"/v1/secrets/{secret}/schedule"
    assert (await world.call("PUT", path, {"days": 30})).data["dueAt"] == iso(START + 30 * DAY)

    async def told() -> int:
        await world.db.write(service.remind)
        return len(await world.events("secret:rotation-due"))

    counts = []
    for days in (22, 1, 1, 6, 1):
        world.clock.advance(days * DAY)
        counts.append(await told())
    assert counts == [0, 1, 1, 2, 2]
    await change(world, secret, "rotate")
    world.clock.advance(22 * DAY)
    assert await told() == 2, "the new value begins the days anew"
    world.clock.advance(DAY)
    assert await told() == 3
    assert (await world.call("PUT", path, {"days": None})).data == {"secretId": secret, "name": "A"}
    assert (await world.call("PUT", path, {"days": 0})).error["key"] == "days"
    assert len(await world.audits("secret:schedule")) == 2


async def test_a_reading_says_which_listener_it_was(world: World) -> None:
    await put(world, "A", "one")
    headers, params = {"X-Listener": "stripe-sync"}, {"environmentId": world.dev}
    assert (await world.call("GET", "/v1/secrets", params=params, headers=headers)).status == 200
    assert any('"listener":"stripe-sync"' in each["detail"] for each in await world.audits("secret:read"))
    wrong = await world.call("GET", "/v1/secrets", params={**params, "label": "old"})
    assert (wrong.status, wrong.error["key"]) == (400, "label")
