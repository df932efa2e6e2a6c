"""Nobody reaches across: every route, every kind of token, from another environment and from another account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from architecture.envelopes import operations
from crossing import DEAD, USERS, Crossing, Side, calls_of, expected, leaks, rows_of, told
from permission_table import ROWS
from scene import OF_ACCOUNT, Scene
from sheetport.bootstrap import ROUTERS
from sheetport.http.openapi import openapi_document
from sheetport.http.operations import plain
from worlds import PASSWORD, Reply, World

DOCUMENT = openapi_document(ROUTERS)
#: Routes that take no bearer token and name nothing of anyone's.
NOTHING_TO_CROSS = {
    "POST /v1/auth",
    "GET /healthz",
    "GET /readyz",
    "GET /metrics",
    "GET /openapi.json",
    "GET /preload.cjs",
    "GET /time/0",
    "GET /.well-known/oauth-authorization-server",
    # Whoever holds a token may have it narrowed or revoked, and a scanning service's signature opens its own route.
    "POST /v1/oauth/token",
    "POST /v1/oauth/device_authorization",
    "POST /v1/oauth/revoke",
    "POST /v1/credentials/revoke",
    "POST /v1/credentials/secret-scanning",
}
#: Routes that a token in the address opens; test_tokens_in_the_address_open_nothing_of_the_other_side calls them.
IN_THE_ADDRESS = {
    "POST /v1/internal/spaces/init",
    "GET /v2/subscribe/{}/{}/0",
    "GET /v2/presence/sub-key/{}/channel/{}/leave",
    "GET /v2/presence/sub-key/{}/channel/{}/heartbeat",
}
#: Ends the very sign-ins that the other calls are made with, and names nothing of anyone's.
ENDS_SIGN_INS = "DELETE /v1/auth/sessions"
#: A route that a token or an address in the body opens; tests/http/features/test_guests.py calls it.
IN_THE_BODY = {"POST /v1/invitations/exchange"}
REFUSED = {400, 401, 403, 404, 409}


def queries_of() -> dict[str, list[str]]:
    """The query parameters of each route, by "METHOD path"."""
    return {
        f"{method.upper()} {plain(path)}": [
            each["name"] for each in told_.get("parameters", ()) if each["in"] == "query"
        ]
        for method, path, told_ in operations(DOCUMENT)
    }


async def sides_of(world: World) -> tuple[Side, Side, Side]:
    """An environment, another of its account, and one of another account."""
    swapped = replace(
        world,
        account_id=world.other_account_id,
        user_id=world.other_user_id,
        pat=world.pat_other,
        sk=world.sk_other,
    )
    scenes = Scene(world, "one-hidden-"), Scene(world, "two-hidden-"), Scene(swapped, "far-hidden-")
    return tuple([await side_of(scene) for scene in scenes])  # type: ignore[return-value]


async def side_of(scene: Scene) -> Side:
    """A built scene with a token of every kind that its account can have."""
    await scene.build()
    world, things = scene.world, scene.things
    email = "admin@example.com" if world.pat != world.pat_other else "other_admin@example.com"
    signed_in = await world.call("POST", "/v1/auth", {"email": email, "password": PASSWORD}, token="")
    path = f"/v1/users/{world.user_id}/api-token?tenantId={world.account_id}"
    client = (await world.call("POST", path, token=world.pat)).data
    by_client = await world.call("POST", "/v1/auth", {k: client[k] for k in ("clientId", "secret")}, token="")
    scope = f"/v1/subscription?scope={things['environment_id']}"
    subscription = await world.call("GET", scope, token=scene.tokens["secret"])
    tokens = {
        **{kind: scene.tokens[kind] for kind in ("secret", "publishable", "space", "user", "revoked", "expired")},
        "password": signed_in.body["accessToken"],
        "client": by_client.body["accessToken"],
        "subscription": subscription.data["token"],
        "none": "",
    }
    return Side(scene, tokens)


def kinds_of(same_account: bool) -> list[str]:
    """The kinds of token that belong to one side only: a user is on both sides of one account."""
    return ["secret", "publishable", "space", *DEAD, *(() if same_account else USERS)]


def answered(
    crossing: Crossing, kind: str, reply: Reply, caller: Side, other: Side, same_account: bool
) -> Iterator[str]:
    """What is wrong with an answer."""
    where = f"{crossing.row.route} naming {crossing.names} by {kind}: {reply.status} {str(reply.body)[:200]}"
    if crossing.names == "all" and reply.status not in (wanted := expected(kind, crossing, same_account=same_account)):
        yield f"{where}, not {wanted}"
    elif crossing.names != "all" and reply.status not in REFUSED and not crossing.names.startswith("?"):
        yield f"{where}, no refusal"
    for thing in leaks(crossing, reply, caller.scene, other.scene):
        yield f"CROSSED {where} tells of {thing}"


async def cross(caller: Side, other: Side, same_account: bool) -> tuple[int, list[str]]:
    """Every call from one side about the other: how many, and what is wrong."""
    faults, count, queries = [], 0, queries_of()
    for route, row in rows_of(DOCUMENT).items():
        for crossing in calls_of(row, queries[route], caller.scene, other.scene):
            for kind in kinds_of(same_account):
                if (kind in DEAD and crossing.names != "all") or (kind in USERS and route == ENDS_SIGN_INS):
                    continue
                token = (other if kind in {"revoked", "expired"} else caller).tokens[kind]
                method = route.partition(" ")[0]
                reply = await caller.scene.world.call(method, crossing.path, crossing.body, token=token)
                count += 1
                faults += answered(crossing, kind, reply, caller, other, same_account)
    return count, faults


async def written(world: World) -> list[dict[str, Any]]:
    return [*await world.events(), *await world.audits()]


def test_every_route_of_the_document_is_crossed() -> None:
    routes = {f"{method.upper()} {plain(path)}" for method, path, _ in operations(DOCUMENT)}
    assert routes - set(rows_of(DOCUMENT)) - NOTHING_TO_CROSS - IN_THE_ADDRESS - IN_THE_BODY == set(), (
        "add rows to permission_table.py"
    )


async def test_nobody_reaches_across(world: World) -> None:
    one, two, far = await sides_of(world)
    count, faults = 0, []
    for caller, other, same_account in ((two, one, True), (far, one, False), (one, far, False)):
        before = {each["id"] for each in await written(world)}
        made, found = await cross(caller, other, same_account)
        count, faults = count + made, faults + found
        shared = OF_ACCOUNT if same_account else ()
        for record in await written(world):
            if record["id"] not in before:
                text = json.dumps({name: str(value) for name, value in record.items()})
                faults += [f"CROSSED {text} is of {thing}" for thing in told(other.scene, text, "", shared)]
    assert faults == [], f"{len(faults)} of {count}\n" + "\n".join(sorted(set(faults))[:60])
    assert count > 3_000


async def test_tokens_in_the_address_open_nothing_of_the_other_side(world: World) -> None:
    one, _, far = await sides_of(world)
    channels = [f"environment.{one.scene.things['environment_id']}", f"space.{one.scene.things['space_id']}"]
    own = f"environment.{far.scene.things['environment_id']}"
    assert (await follow(world, "heartbeat", own, far.tokens["subscription"])).status == 200
    for kind, token in far.tokens.items():
        for channel in channels:
            for action in ("subscribe", "leave", "heartbeat"):
                reply = await follow(world, action, channel, token)
                assert (reply.status, told(one.scene, str(reply.body), channel)) == (403, []), (kind, action)
        body = {"space": {"name": "new", "environmentId": one.scene.things["environment_id"]}}
        reply = await world.call("POST", f"/v1/internal/spaces/init?publishableKey={token}", body, token="")
        assert reply.status == (404 if kind == "publishable" else 401), (kind, reply.body)


async def follow(world: World, action: str, channel: str, token: str) -> Reply:
    """One of the three calls by which PubNub's clients follow a channel."""
    path = f"/v2/presence/sub-key/key/channel/{channel}/{action}"
    return await world.call(
        "GET", f"/v2/subscribe/key/{channel}/0" if action == "subscribe" else path, token="", params={"auth": token}
    )


async def test_a_crossing_is_found(world: World) -> None:
    one, _, far = await sides_of(world)
    row = next(row for row in ROWS if row.route == "GET /v1/spaces/{space_id}")
    (crossing,) = calls_of(row, [], far.scene, one.scene)
    assert one.scene.things["space_id"] in crossing.path
    seen = await world.call("GET", crossing.path, token=one.tokens["secret"])
    assert seen.status == 200
    faults = list(answered(crossing, "secret", seen, far, one, same_account=False))
    assert any("not {404}" in fault for fault in faults)
    assert {"its mark", "environment_id"} <= {
        fault.rpartition(" tells of ")[2] for fault in faults if "CROSSED" in fault
    }
