"""Whatever is done to spaces in whatever order, every list holds exactly those the model holds."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule

from fuzz.play import Play, play
from servers.data_places import DataPlace
from worlds import World

EXAMPLES = {"sqlite": 12, "postgresql": 4}
STEPS = 20
_runs = itertools.count(1)
NAMES = st.sampled_from(["Ada", "ada lovelace", "100%", "under_score", "Ärger", "日本", "a\\b"])
NAMESPACES = st.sampled_from([None, "", "red", "blue"])


@dataclass
class ModelSpace:
    """``told``: topics, oldest first."""

    id: str
    name: str
    namespace: str | None
    told: list[str]
    archived: bool = False
    gone: bool = False


class SpacesMachine(RuleBasedStateMachine):
    spaces = Bundle("spaces")

    def __init__(self, playing: Play) -> None:
        super().__init__()
        self.play = playing
        self.token = playing.world.pat
        self.model: list[ModelSpace] = []

    @initialize()
    def begin(self) -> None:
        """Each run has an environment of its own."""
        made = self._ok("POST", "/v1/environments", {"name": f"run {next(_runs)}", "isProd": False})
        self.environment = made["id"]

    @rule(target=spaces, name=NAMES, namespace=NAMESPACES)
    def create(self, name: str, namespace: str | None) -> ModelSpace:
        body = {"name": name, "namespace": namespace, "environmentId": self.environment}
        made = self._ok("POST", "/v1/spaces", body)
        space = ModelSpace(made["id"], name, namespace or None, ["space:created"])
        self.model.append(space)
        return space

    @rule(space=spaces)
    def archive(self, space: ModelSpace) -> None:
        self._set_archived(space, "archive", "space:archived", archived=True)

    @rule(space=spaces)
    def unarchive(self, space: ModelSpace) -> None:
        self._set_archived(space, "unarchive", "space:unarchived", archived=False)

    def _set_archived(self, space: ModelSpace, verb: str, topic: str, *, archived: bool) -> None:
        reply = self.play.call("POST", f"/v1/spaces/{space.id}/{verb}", token=self.token)
        assert reply.status == (404 if space.gone else 200), reply.body
        if not space.gone and space.archived is not archived:
            space.archived = archived
            space.told.append(topic)

    @rule(space=spaces, name=NAMES, namespace=NAMESPACES)
    def rename(self, space: ModelSpace, name: str, namespace: str | None) -> None:
        body = {"name": name, "namespace": namespace}
        reply = self.play.call("PATCH", f"/v1/spaces/{space.id}", body, token=self.token)
        assert reply.status == (404 if space.gone else 200), reply.body
        if not space.gone:
            space.name = name
            space.namespace = space.namespace if namespace is None else namespace or None
            space.told.append("space:updated")

    @rule(chosen=st.lists(spaces, min_size=1, max_size=3))
    def delete(self, chosen: list[ModelSpace]) -> None:
        """All of them or, where one is gone, none."""
        query = urlencode([("spaceIds", space.id) for space in chosen])
        reply = self.play.call("DELETE", f"/v1/spaces?{query}", token=self.token)
        if any(space.gone for space in chosen):
            assert reply.status == 404, reply.body
            return
        assert reply.status == 200, reply.body
        for space in {space.id: space for space in chosen}.values():
            space.gone = True
            space.told.append("space:deleted")

    @rule(search=st.sampled_from(["ada", "%", "_", "\\", "nothing"]), archived=st.booleans())
    def search(self, search: str, archived: bool) -> None:
        expected = {s.id for s in self._listed(archived=archived) if search in s.name.lower()}
        assert set(self._list(search=search, archived=str(archived).lower())) == expected

    @rule(namespace=st.sampled_from(["", "red", "green"]))
    def within_a_namespace(self, namespace: str) -> None:
        expected = {s.id for s in self._listed(archived=False) if (s.namespace or "") == namespace}
        assert set(self._list(namespace=namespace)) == expected

    @invariant()
    def lists_are_the_model_s(self) -> None:
        assert set(self._list()) == {space.id for space in self._listed(archived=False)}
        found = self._list(archived="true")
        assert set(found) == {space.id for space in self._listed(archived=True)}
        for space in self._listed(archived=True):
            seen = found[space.id]
            state = (seen["name"], seen.get("namespace"), seen.get("archivedAt") is not None)
            assert state == (space.name, space.namespace, space.archived)

    def teardown(self) -> None:
        told: dict[str, list[str]] = {}
        for event in self.play.do(self.play.world.events()):
            told.setdefault(json.loads(event["context"]).get("spaceId", ""), []).append(event["topic"])
        for space in self.model:
            assert told[space.id] == space.told, space

    def _listed(self, *, archived: bool) -> list[ModelSpace]:
        return [space for space in self.model if not space.gone and (archived or not space.archived)]

    def _list(self, **query: str) -> dict[str, Any]:
        asked = urlencode({"environmentId": self.environment, "pageSize": "100", **query})
        return {space["id"]: space for space in self._ok("GET", f"/v1/spaces?{asked}")}

    def _ok(self, method: str, path: str, body: Any = None) -> Any:
        return self.play.ok(method, path, body, token=self.token)


async def test_spaces(world: World, data_place: DataPlace, more: int) -> None:
    await play(SpacesMachine, world, EXAMPLES[data_place.kind] * more, STEPS)
