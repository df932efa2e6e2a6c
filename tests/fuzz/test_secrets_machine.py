"""Whatever secrets are written and deleted in whatever order, each reader gets those of its scope, nearest last."""

from __future__ import annotations

import itertools
from typing import Any
from urllib.parse import urlencode

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from fuzz.play import Play, play
from servers.data_places import DataPlace
from worlds import World

EXAMPLES = {"sqlite": 12, "postgresql": 4}
STEPS = 20
_runs = itertools.count(1)
NAMES = st.sampled_from(["A", "B", "ä b"])
VALUES = st.sampled_from(["one", "two", " line\nline\t", "日本" * 50])
#: None is everywhere, or everyone.
SPACES = st.sampled_from([None, 0, 1])
ACTORS = st.sampled_from([None, "us_usr_a", "b's"])
Scope = tuple[int | None, str | None]


class SecretsMachine(RuleBasedStateMachine):
    """``model``: the value of each (name, space, actor); ``ids``: of those there ever were."""

    def __init__(self, playing: Play) -> None:
        super().__init__()
        self.play = playing
        self.token = playing.world.pat
        self.model: dict[tuple[str, Scope], str] = {}
        self.ids: dict[tuple[str, Scope], str] = {}
        self.actions: list[str] = []

    @initialize()
    def begin(self) -> None:
        """Each run has an environment of its own, of two spaces."""
        made = self._ok("POST", "/v1/environments", {"name": f"run {next(_runs)}", "isProd": False})
        self.environment = made["id"]
        space = {"environmentId": self.environment}
        self.spaces = [self._ok("POST", "/v1/spaces", space)["id"] for _ in range(2)]

    @rule(name=NAMES, value=VALUES, space=SPACES, actor=ACTORS)
    def upsert(self, name: str, value: str, space: int | None, actor: str | None) -> None:
        scope = (space, actor)
        told = self._ok("POST", "/v1/secrets", {"name": name, "value": value, **self._where(scope)})
        known = (name, scope) in self.model
        self.model[name, scope] = value
        self._is_scope(told, scope)
        (found,) = (secret["id"] for secret in told if secret["name"] == name)
        assert not known or found == self.ids[name, scope], "a secret keeps its id"
        self.ids[name, scope] = found
        self.actions.append("secret:update" if known else "secret:create")

    @rule(name=NAMES, space=SPACES, actor=ACTORS)
    def delete(self, name: str, space: int | None, actor: str | None) -> None:
        key = (name, (space, actor))
        reply = self.play.call("DELETE", f"/v1/secrets/{self.ids.get(key, 'us_sec_none')}", token=self.token)
        assert reply.status == (200 if key in self.model else 404), reply.body
        if key in self.model:
            del self.model[key]
            self._is_scope(reply.data, key[1])
            self.actions.append("secret:delete")

    @rule(space=SPACES, actor=ACTORS)
    def read(self, space: int | None, actor: str | None) -> None:
        """The environment's, then the space's, then the actor's, then the actor's in the space."""
        query = urlencode(self._where((space, actor)))
        told = self._ok("GET", f"/v1/secrets?{query}")
        ranks = list(dict.fromkeys([(None, None), (space, None), (None, actor), (space, actor)]))
        expected = [(name, scope, value) for (name, scope), value in self.model.items() if scope in ranks]
        assert sorted(map(self._seen, told), key=repr) == sorted(expected, key=repr)
        order = [ranks.index(self._seen(secret)[1]) for secret in told]
        assert order == sorted(order)
        merged: dict[str, str] = {}
        for scope in ranks:
            merged |= {name: value for (name, held), value in self.model.items() if held == scope}
        assert {secret["name"]: secret["value"] for secret in told} == merged

    @invariant()
    def the_other_environment_has_none(self) -> None:
        assert self._ok("GET", f"/v1/secrets?environmentId={self.play.world.prod}") == []

    def teardown(self) -> None:
        """One record of each write, in order."""
        audits = self.play.do(self.play.world.audits())
        writes = [each["action"] for each in audits if each["environment_id"] == self.environment]
        written = [action for action in writes if action.startswith("secret:") and action != "secret:read"]
        assert sorted(written) == sorted(self.actions)

    def _is_scope(self, told: list[Any], scope: Scope) -> None:
        expected = [(name, held, value) for (name, held), value in self.model.items() if held == scope]
        assert sorted(map(self._seen, told), key=repr) == sorted(expected, key=repr)

    def _seen(self, secret: Any) -> tuple[str, Scope, str]:
        space = secret.get("spaceId")
        where = (None if space is None else self.spaces.index(space), secret.get("actorId"))
        return secret["name"], where, secret["value"]

    def _where(self, scope: Scope) -> dict[str, str]:
        space, actor = scope
        where = {"environmentId": self.environment}
        return (
            where | ({} if space is None else {"spaceId": self.spaces[space]}) | ({"actorId": actor} if actor else {})
        )

    def _ok(self, method: str, path: str, body: Any = None) -> Any:
        return self.play.ok(method, path, body, token=self.token)


async def test_secrets(world: World, data_place: DataPlace, more: int) -> None:
    await play(SecretsMachine, world, EXAMPLES[data_place.kind] * more, STEPS)
