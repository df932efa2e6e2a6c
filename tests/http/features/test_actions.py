"""Actions over HTTP: by themselves, and as part of what they are on; both are the same actions."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from wire_shapes import assert_shape
from worlds import Reply, World

GO: dict[str, Any] = {
    "operation": "go",
    "label": "Go",
    "mode": "foreground",
    "primary": True,
    "constraints": [{"type": "hasAllValid"}],
    "inputForm": {"type": "simple", "fields": [{"key": "why", "label": "Why", "type": "string"}]},
}
STAY: dict[str, Any] = {"operation": "stay", "label": "Stay", "colour": "of a newer client"}
RING: dict[str, Any] = {"operation": "ring", "label": "Ring", "constraints": [{"type": "hasSelection"}]}
SHEET: dict[str, Any] = {"name": "People", "slug": "people", "fields": [{"key": "name", "type": "string"}]}


class Scene:
    """A space with a workbook of one sheet and a document."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.space = self.workbook = self.sheet = self.document = self.token = ""

    async def build(self, *, of_workbook: Any = None, of_sheet: Any = None, of_space: Any = None) -> Scene:
        space = await self.post("/v1/spaces", {"name": "Space", "actions": of_space})
        self.space, self.token = space["id"], space["accessToken"]
        sheet = {**SHEET, "actions": of_sheet}
        body = {"name": "Book", "spaceId": self.space, "actions": of_workbook, "sheets": [sheet]}
        book = await self.post("/v1/workbooks", body)
        self.workbook, self.sheet = book["id"], book["sheets"][0]["id"]
        page = {"title": "Read me", "body": "x"}
        self.document = (await self.post(f"/v1/spaces/{self.space}/documents", page))["id"]
        return self

    async def post(self, path: str, body: Any) -> dict[str, Any]:
        reply = await self.world.call("POST", path, body)
        assert reply.status == 200, reply.body
        made: dict[str, Any] = reply.data
        return made

    async def add(self, target: str, **action: Any) -> Reply:
        body = {**action, "targetId": target}
        return await self.world.call("POST", "/v1/actions", body, params={"spaceId": self.space})

    async def listed(self, target: str = "") -> list[dict[str, Any]]:
        reply = await self.world.call("GET", "/v1/actions", params={"spaceId": self.space})
        assert reply.status == 200, reply.body
        return [action for action in reply.body if target in {"", action["targetId"]}]

    async def shown(self, target: str) -> Any:
        """The ``actions`` of a target as its own route has them."""
        path = {
            self.space: f"/v1/spaces/{target}",
            self.workbook: f"/v1/workbooks/{target}",
            self.sheet: f"/v1/sheets/{target}",
            self.document: f"/v1/spaces/{self.space}/documents/{target}",
        }[target]
        data = (await self.world.call("GET", path)).data
        return data["config"]["actions"] if target == self.sheet else data["actions"]

    async def told(self, topic: str) -> list[str]:
        """The actions that a topic was told of."""
        return [json.loads(event["context"])["actionId"] for event in await self.world.events(topic)]


def bare(action: dict[str, Any]) -> dict[str, Any]:
    """An action as it was sent."""
    return {name: action[name] for name in action if name not in {"id", "targetId", "createdAt", "updatedAt", "data"}}


@pytest.fixture
async def scene(world: World) -> Scene:
    return await Scene(world).build()


@pytest.mark.parametrize("on", ["space", "workbook", "sheet", "document"])
async def test_an_action_is_made_read_changed_and_deleted(scene: Scene, on: str) -> None:
    world, target = scene.world, getattr(scene, on)
    reply = await scene.add(target, **STAY)
    made = reply.data
    assert_shape("ApiAction", made)
    assert bare(made) == STAY
    assert {name: value for name, value in reply.body.items() if name != "data"} == made, "Python reads it bare"
    path = f"/v1/actions/{made['id']}"
    assert (await world.call("GET", path)).body == reply.body
    assert await scene.listed(target) == [made]
    assert await scene.shown(target) == [STAY]
    world.clock.advance(5)
    changed = (await world.call("PATCH", path, {"label": "Wait", "primary": True, "operation": None})).body
    assert bare(changed) == bare(changed["data"]) == {**STAY, "label": "Wait", "primary": True}
    assert changed["updatedAt"] > made["updatedAt"]
    assert await scene.shown(target) == [bare(changed)]
    assert (await world.call("DELETE", path)).body == {"data": {"success": True}}
    assert (await world.call("GET", path)).error["key"] == "actionId"
    assert (await scene.listed(), await scene.shown(target)) == ([], [])
    for verb in ("create", "update", "delete"):
        (event,) = await world.events(f"action:{verb}d")
        context = json.loads(event["context"])
        assert (context["actionId"], context["spaceId"]) == (made["id"], scene.space)
        assert context[f"{on}Id"] == target
        (audit,) = await world.audits(f"action:{verb}")
        assert (audit["target"], audit["environment_id"]) == (made["id"], world.dev)


async def test_actions_declared_with_what_they_are_on_have_ids_too(world: World) -> None:
    scene = await Scene(world).build(of_space=[STAY], of_workbook=[GO, STAY], of_sheet=[RING])
    everything = await scene.listed()
    for action in everything:
        assert_shape("ApiAction", action)
    for target, actions in ((scene.space, [STAY]), (scene.workbook, [GO, STAY]), (scene.sheet, [RING])):
        assert await scene.shown(target) == actions
        assert [bare(action) for action in await scene.listed(target)] == actions
    assert sorted(await scene.told("action:created")) == sorted(action["id"] for action in everything)
    ring = (await scene.listed(scene.sheet))[0]
    await world.call("PATCH", f"/v1/actions/{ring['id']}", {"label": "Knock"})
    assert await scene.shown(scene.sheet) == [{**RING, "label": "Knock"}]
    workbook = (await world.call("GET", f"/v1/workbooks/{scene.workbook}")).data
    assert workbook["sheets"][0]["config"]["actions"] == [{**RING, "label": "Knock"}]


async def test_a_list_that_replaces_keeps_the_ids_of_what_stays(world: World) -> None:
    scene = await Scene(world).build(of_workbook=[GO, STAY])
    go, stay = await scene.listed(scene.workbook)
    world.clock.advance(5)
    new = {"operation": "new", "label": "New"}
    changed = {**STAY, "label": "Stay here"}
    reply = await world.call("PATCH", f"/v1/workbooks/{scene.workbook}", {"actions": [changed, new]})
    assert reply.data["actions"] == [changed, new]
    first, second = await scene.listed(scene.workbook)
    if first["id"] != stay["id"]:
        first, second = second, first
    assert (first["id"], first["createdAt"], bare(first)) == (stay["id"], stay["createdAt"], changed)
    assert bare(second) == new
    assert await scene.shown(scene.workbook) == [changed, new]
    assert await scene.told("action:updated") == [stay["id"]]
    assert await scene.told("action:deleted") == [go["id"]]
    assert (await scene.told("action:created"))[-1] == second["id"]


async def test_the_same_list_again_or_none_changes_nothing(world: World) -> None:
    scene = await Scene(world).build(of_workbook=[GO, STAY], of_sheet=[RING], of_space=[GO | {"constraints": []}])
    before = await scene.listed()
    for body in ({"name": "Other"}, {"actions": [GO, STAY]}, {"sheets": [{"slug": "people", "name": "Persons"}]}):
        assert (await world.call("PATCH", f"/v1/workbooks/{scene.workbook}", body)).status == 200
    assert (await world.call("PATCH", f"/v1/spaces/{scene.space}", {"name": "Other"})).status == 200
    assert await scene.listed() == before
    assert await scene.shown(scene.sheet) == [RING]
    reply = await world.call("PATCH", f"/v1/workbooks/{scene.workbook}", {"actions": [STAY, GO]})
    assert reply.data["actions"] == await scene.shown(scene.workbook) == [STAY, GO]
    assert [await scene.told(f"action:{word}") for word in ("updated", "deleted")] == [[], []]


async def test_an_empty_list_removes_all(world: World) -> None:
    scene = await Scene(world).build(of_workbook=[GO], of_sheet=[RING], of_space=[STAY])
    body = {"actions": [], "sheets": [{"slug": "people", "config": SHEET}]}
    assert (await world.call("PATCH", f"/v1/workbooks/{scene.workbook}", body)).status == 200
    assert (await world.call("PATCH", f"/v1/spaces/{scene.space}", {"actions": []})).data["actions"] == []
    assert await scene.listed() == []
    assert len(await scene.told("action:deleted")) == 3


async def test_many_are_made_at_once_or_none(scene: Scene) -> None:
    world = scene.world
    both = [{**GO, "targetId": scene.workbook}, {**STAY, "targetId": scene.document}]
    made = (await world.call("POST", "/v1/actions/bulk", both, params={"spaceId": scene.space})).body
    assert [bare(action) for action in made] == [GO, STAY]
    assert sorted(action["id"] for action in await scene.listed()) == sorted(action["id"] for action in made)
    for second, status, key in (
        ({"operation": "x", "targetId": scene.sheet}, 400, "[1].label"),
        ({**STAY, "targetId": "us_wb_absent"}, 404, "[1].targetId"),
        ({**RING, "targetId": scene.workbook}, 400, "[1].constraints[0]"),
        ({**STAY}, 400, "[1].targetId"),
    ):
        body = [{**GO, "operation": "other", "targetId": scene.workbook}, second]
        reply = await world.call("POST", "/v1/actions/bulk", body, params={"spaceId": scene.space})
        assert (reply.status, reply.error["key"]) == (status, key)
    assert len(await scene.listed()) == 2


async def test_one_that_is_added_comes_last(world: World) -> None:
    scene = await Scene(world).build(of_workbook=[GO])
    added = (await scene.add(scene.workbook, **STAY)).data
    assert await scene.shown(scene.workbook) == [GO, STAY]
    (first, _) = await scene.listed(scene.workbook)
    await world.call("DELETE", f"/v1/actions/{first['id']}")
    again = (await scene.add(scene.workbook, **GO)).data
    assert await scene.shown(scene.workbook) == [STAY, GO]
    assert again["id"] not in {added["id"], first["id"]}


async def test_those_who_add_at_once_lose_nothing(scene: Scene) -> None:
    names = [f"go {number}" for number in range(6)]
    replies = await asyncio.gather(*(scene.add(scene.workbook, label=name) for name in names))
    assert [reply.status for reply in replies] == [200] * len(names)
    shown = [action["label"] for action in await scene.shown(scene.workbook)]
    assert sorted(shown) == names
    assert sorted(action["label"] for action in await scene.listed()) == names


async def test_actions_end_with_what_they_are_on(world: World) -> None:
    scene = await Scene(world).build(of_workbook=[GO], of_sheet=[RING], of_space=[STAY])
    ids = {action["targetId"]: action["id"] for action in await scene.listed()}
    await world.call("DELETE", f"/v1/sheets/{scene.sheet}")
    assert sorted(action["targetId"] for action in await scene.listed()) == sorted([scene.space, scene.workbook])
    await world.call("DELETE", f"/v1/workbooks/{scene.workbook}")
    assert [action["targetId"] for action in await scene.listed()] == [scene.space]
    await world.call("DELETE", f"/v1/spaces/{scene.space}")
    for action_id in ids.values():
        assert (await world.call("GET", f"/v1/actions/{action_id}")).status == 404
    reply = await world.call("GET", "/v1/actions", params={"spaceId": scene.space})
    assert (reply.status, reply.error["key"]) == (404, "spaceId")


#: (what has the action, its constraint, where it is shown instead, status)
PLACEMENTS = (
    ("workbook", "hasAllValid", None, 200),
    ("workbook", "hasData", None, 200),
    ("workbook", "hasSelection", None, 400),
    ("workbook", "hasSelection", "sheet", 200),
    ("workbook", "hasColumnEnabled", "field", 200),
    ("sheet", "hasSelection", None, 200),
    ("sheet", "hasSelection", "workbook", 200),
    ("space", "hasData", None, 400),
    ("space", "hasData", "workbook", 200),
    ("document", "hasAllValid", None, 400),
    ("space", "hasData", "file", 400),
)


async def test_a_constraint_is_only_where_it_can_hold(scene: Scene) -> None:
    for on, kind, mount, status in PLACEMENTS:
        action = {"label": "Go", "constraints": [{"type": kind}], "mount": {"type": mount} if mount else None}
        reply = await scene.add(getattr(scene, on), **action)
        assert reply.status == status, (on, kind, mount, reply.body)
        if status == 400:
            assert reply.error["key"] == "constraints[0]"
            assert kind in reply.error["message"]


async def test_a_change_may_not_misplace_a_constraint(world: World) -> None:
    scene = await Scene(world).build(of_workbook=[GO])
    (go,) = await scene.listed()
    reply = await world.call("PATCH", f"/v1/actions/{go['id']}", {"constraints": [{"type": "hasSelection"}]})
    assert (reply.status, reply.error["key"]) == (400, "constraints[0]")
    bad = {"label": "Go", "constraints": [{"type": "hasSelection"}]}
    for body, key in (
        ({"actions": [GO, bad]}, "actions[1].constraints[0]"),
        ({"actions": [{**bad, "mount": {"type": "file"}}]}, "actions[0].constraints[0]"),
    ):
        reply = await world.call("PATCH", f"/v1/workbooks/{scene.workbook}", body)
        assert reply.status == 400
        assert reply.error["key"].startswith(key)
    for path, body in (
        ("/v1/spaces", {"actions": [bad]}),
        ("/v1/workbooks", {"name": "W", "spaceId": scene.space, "actions": [bad]}),
    ):
        reply = await world.call("POST", path, body)
        assert (reply.status, reply.error["key"]) == (400, "actions[0].constraints[0]")
    assert await scene.listed() == [go]


async def test_nobody_reaches_the_actions_of_others(scene: Scene) -> None:
    world = scene.world
    action = (await scene.add(scene.workbook, **STAY)).data
    other = (await world.call("POST", "/v1/spaces", {"name": "other"})).data
    path, query = f"/v1/actions/{action['id']}", {"spaceId": scene.space}
    for token in (world.sk_prod, world.sk_other, other["accessToken"]):
        for method, body in (("GET", None), ("PATCH", {"label": "x"}), ("DELETE", None)):
            reply = await world.call(method, path, body, token=token)
            assert (reply.status, reply.error["key"]) == (404, "actionId"), method
        assert (await world.call("GET", "/v1/actions", params=query, token=token)).error["key"] == "spaceId"
    reply = await world.call("POST", "/v1/actions", {**STAY, "targetId": scene.sheet}, params={"spaceId": other["id"]})
    assert (reply.status, reply.error["key"]) == (404, "targetId"), "a target of another space"
    assert (await world.call("GET", "/v1/actions", token=scene.token)).body == [action], "a space token's own space"
    reply = await world.call("GET", "/v1/actions")
    assert (reply.status, reply.error["key"]) == (400, "spaceId")


async def test_bad_bodies_name_the_field(scene: Scene) -> None:
    for body, key in (
        ({"operation": "go", "targetId": scene.workbook}, "label"),
        ({**STAY}, "targetId"),
        ({**STAY, "targetId": 5}, "targetId"),
        ({**STAY, "mode": "sideways", "targetId": scene.workbook}, "mode"),
        ({**STAY, "schedule": "yearly", "targetId": scene.workbook}, "schedule"),
    ):
        reply = await scene.world.call("POST", "/v1/actions", body, params={"spaceId": scene.space})
        assert (reply.status, reply.error["key"]) == (400, key), body
    for thing in (scene.world.dev, "us_act_absent"):
        reply = await scene.add(thing, **STAY)
        assert (reply.status, reply.error["key"]) == (404, "targetId")
    assert await scene.listed() == []
