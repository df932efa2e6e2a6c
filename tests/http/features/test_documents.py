"""Documents over HTTP: pages of a space, their events, and what becomes of them."""

from __future__ import annotations

import json
from typing import Any

from wire_shapes import assert_shape
from worlds import World

FULL: dict[str, Any] = {
    "title": "Read me",
    "body": "# First\n<embed type='embedded-sheet' name='Contacts'>",
    "treatments": ["ephemeral"],
    "actions": [{"operation": "sign", "label": "Sign", "primary": True}],
}


async def _space(world: World, token: str | None = None) -> dict[str, Any]:
    space: dict[str, Any] = (await world.call("POST", "/v1/spaces", {"name": "Space"}, token=token)).data
    return space


async def _made(world: World, space_id: str, **more: Any) -> dict[str, Any]:
    reply = await world.call("POST", f"/v1/spaces/{space_id}/documents", {**FULL, **more})
    assert reply.status == 200, reply.body
    document: dict[str, Any] = reply.data
    return document


async def test_a_document_comes_back_equal(world: World) -> None:
    space = await _space(world)
    document = await _made(world, space["id"], unknown=1)
    assert_shape("Document", document)
    assert {name: document[name] for name in FULL} == FULL
    assert (document["spaceId"], document["environmentId"]) == (space["id"], world.dev)
    assert (await world.call("GET", f"/v1/spaces/{space['id']}/documents/{document['id']}")).data == document
    (event,) = await world.events("document:created")
    context = json.loads(event["context"])
    assert (context["documentId"], context["spaceId"]) == (document["id"], space["id"])
    assert (event["domain"], event["space_id"]) == ("document", space["id"])
    (audit,) = await world.audits("document:create")
    assert (audit["target"], audit["environment_id"]) == (document["id"], world.dev)


async def test_a_space_lists_its_documents_in_the_order_they_were_made(world: World) -> None:
    space, other = await _space(world), await _space(world)
    titles = ["b", "a", "c"]
    for title in titles:
        world.clock.advance(1)
        await _made(world, space["id"], title=title)
    await _made(world, other["id"])
    reply = await world.call("GET", f"/v1/spaces/{space['id']}/documents")
    assert [document["title"] for document in reply.data] == titles


async def test_an_update_changes_title_and_body_only(world: World) -> None:
    space = await _space(world)
    document = await _made(world, space["id"])
    path = f"/v1/spaces/{space['id']}/documents/{document['id']}"
    world.clock.advance(5)
    changed = (await world.call("PATCH", path, {"title": "New", "body": "", "treatments": [], "actions": []})).data
    assert (changed["title"], changed["body"]) == ("New", "")
    assert (changed["treatments"], changed["actions"]) == (FULL["treatments"], FULL["actions"])
    assert changed["updatedAt"] > document["updatedAt"]
    changed = (await world.call("PATCH", path, {"title": None, "body": "again"})).data
    assert (changed["title"], changed["body"]) == ("New", "again")
    assert (await world.call("GET", path)).data == changed
    events = await world.events("document:updated")
    assert [json.loads(event["context"])["documentId"] for event in events] == [document["id"]] * 2
    assert len(await world.audits("document:update")) == 2


async def test_a_deleted_document_is_gone_with_its_actions(world: World) -> None:
    space = await _space(world)
    document, other = await _made(world, space["id"]), await _made(world, space["id"])
    path = f"/v1/spaces/{space['id']}/documents/{document['id']}"
    before = (await world.call("GET", "/v1/actions", params={"spaceId": space["id"]})).body
    gone = next(action for action in before if action["targetId"] == document["id"])
    assert (await world.call("DELETE", path)).body == {"data": {"success": True}}
    for method, body in (("GET", None), ("PATCH", {"title": "x"}), ("DELETE", None)):
        reply = await world.call(method, path, body)
        assert (reply.status, reply.error["key"]) == (404, "documentId"), method
    assert (await world.call("GET", f"/v1/actions/{gone['id']}")).status == 404
    after = (await world.call("GET", "/v1/actions", params={"spaceId": space["id"]})).body
    assert [action["targetId"] for action in after] == [other["id"]]
    assert len(await world.events("document:deleted")) == len(await world.audits("document:delete")) == 1


async def test_a_document_ends_with_its_space(world: World) -> None:
    space = await _space(world)
    document = await _made(world, space["id"])
    await world.call("DELETE", f"/v1/spaces/{space['id']}")
    reply = await world.call("GET", f"/v1/spaces/{space['id']}/documents/{document['id']}")
    assert (reply.status, reply.error["key"]) == (404, "spaceId")


async def test_a_job_of_a_document_tells_the_document(world: World) -> None:
    space = await _space(world)
    document = await _made(world, space["id"])
    body = {"type": "document", "operation": "sign", "source": document["id"], "trigger": "immediate"}
    job = (await world.call("POST", "/v1/jobs", body)).data
    assert (job["spaceId"], job["source"]) == (space["id"], document["id"])
    (event,) = await world.events("job:ready")
    context = json.loads(event["context"])
    assert (context["documentId"], context["jobId"]) == (document["id"], job["id"])
    assert json.loads(event["payload"])["job"] == "document:sign"


async def test_a_document_is_reached_through_its_own_space_only(world: World) -> None:
    mine, other = await _space(world), await _space(world)
    document = await _made(world, mine["id"])
    reply = await world.call("GET", f"/v1/spaces/{other['id']}/documents/{document['id']}")
    assert (reply.status, reply.error["key"]) == (404, "documentId")
    path = f"/v1/spaces/{mine['id']}/documents"
    assert (await world.call("GET", path, token=mine["accessToken"])).data == [document]
    for token in (world.sk_prod, world.sk_other, other["accessToken"]):
        for target in (path, f"{path}/{document['id']}"):
            reply = await world.call("GET", target, token=token)
            assert (reply.status, reply.error["key"]) == (404, "spaceId"), target


async def test_bad_bodies_name_the_field_and_leave_nothing(world: World) -> None:
    space = await _space(world)
    misplaced = {"label": "Go", "constraints": [{"type": "hasSelection"}]}
    for body, key in (
        ({"body": "x"}, "title"),
        ({"title": "x"}, "body"),
        ({"title": " ", "body": "x"}, "title"),
        ({"title": "x" * 256, "body": "x"}, "title"),
        ({"title": 1, "body": "x"}, "title"),
        ({"title": "x", "body": "x", "treatments": "ephemeral"}, "treatments"),
        ({"title": "x", "body": "x", "actions": [{"operation": "go"}]}, "actions[0].label"),
        ({"title": "x", "body": "x", "actions": [misplaced]}, "actions[0].constraints[0]"),
    ):
        reply = await world.call("POST", f"/v1/spaces/{space['id']}/documents", body)
        assert (reply.status, reply.error["key"]) == (400, key), body
    assert await world.events("document:created") == []
