"""Every route, called by every kind of caller, answers as permission_table.py says and tells nobody of others'."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from permission_table import ACTORS, PUBLIC, ROWS, Row
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import EnvironmentChange
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.storage.unit_of_work import UnitOfWork
from sheetport.web import pages, setup_pages
from worlds import Reply, World

FIELDS = [{"key": "name", "type": "string"}]
#: What is the account's, so that callers from beside the environment may see it.
OF_ACCOUNT = ("app_id", "user_id", "account_id", "access_token_id")
#: The pages in a browser, which have sessions and links of their own: tests/http/test_web.py and its like.
PAGES = (pages.__name__, setup_pages.__name__)
#: Where the framework puts its description of the routes, in several forms: the same for every caller with a token.
DESCRIPTION = "/internal-schema"
_numbers = itertools.count(1)


@dataclass
class Scene:
    """A world, one of each thing in an environment made for this, and a token of every kind of caller."""

    world: World
    things: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    async def build(self) -> None:
        """Fresh things, and the tokens to reach them."""
        world = self.world
        await world.db.write(self._environment)
        self.tokens |= {"user": world.pat, "other_environment": world.sk_prod, "other_account": world.sk_other}
        self.things |= {"account_id": world.account_id, "user_id": world.user_id, "fresh": f"fresh {next(_numbers)}"}
        environment = self.things["environment_id"]
        for name, token in (("space", "space"), ("other_space", "other_space")):
            space = await self._make("/v1/spaces", {"name": name, "environmentId": environment})
            self.things[f"{name}_id"], self.tokens[token] = space["id"], space["accessToken"]
        sheet = {"name": "People", "slug": "people", "fields": FIELDS}
        body = {"name": "Book", "spaceId": self.things["space_id"], "sheets": [sheet]}
        book = await self._make("/v1/workbooks", body | {"settings": {"trackChanges": True}})
        self.things |= {"workbook_id": book["id"], "sheet_id": book["sheets"][0]["id"]}
        await self._fill()

    async def _environment(self, uow: UnitOfWork) -> None:
        """An environment with its keys, a key to spare, a token to spare, and credentials that have ended."""
        world, number = self.world, next(_numbers)
        actor = Actor(ActorKind.USER, world.user_id, world.account_id, "test")
        made = await environments.create_environment_with_keys(uow, actor, EnvironmentChange(f"made {number}", False))
        environment = made.environment.id
        spare, _ = await auth.create_key(uow, actor, environment, CredentialKind.SECRET_KEY)
        ended, _ = await auth.create_key(uow, actor, environment, CredentialKind.SECRET_KEY)
        await auth.delete_key(uow, actor, environment, ended.credential.id)
        token = await auth.create_token(uow, actor, f"spare {number}")
        old = {"user_id": world.user_id, "expires_at": uow.now - 1}
        expired = await auth.mint(uow, actor, CredentialKind.ACCESS, "old", **old)
        self.things = {"environment_id": environment, "key_id": spare.credential.id}
        self.things["access_token_id"] = token.credential.id
        self.tokens = {"secret": made.secret_key.token, "publishable": made.publishable_key.token}
        self.tokens |= {"revoked": ended.token, "expired": expired.token}

    async def _fill(self) -> None:
        """What lies in the space: records with their commit, jobs, an event, a secret; and a variable and an app."""
        things = self.things
        path = f"/v1/sheets/{things['sheet_id']}/records"
        inserted = await self._make(path, [{"name": {"value": "Ada"}}])
        things |= {"record_id": inserted["records"][0]["id"], "commit_id": inserted["commitId"]}
        job = {"type": "workbook", "operation": "submit", "source": things["workbook_id"]}
        for name, more in (("job_id", {"trigger": "immediate"}), ("idle_job_id", {}), ("failed_job_id", {})):
            things[name] = (await self._make("/v1/jobs", job | more))["id"]
        await self._make(f"/v1/jobs/{things['failed_job_id']}/execute", None)
        await self._make(f"/v1/jobs/{things['failed_job_id']}/fail", None)
        context = {"environmentId": things["environment_id"], "spaceId": things["space_id"]}
        event = {"topic": "space:updated", "domain": "space", "context": context, "payload": {}}
        things["event_id"] = (await self._make("/v1/events", event))["id"]
        secret = {"name": "GREETING", "value": "hello", **context}
        things |= {"secret_id": (await self._make("/v1/secrets", secret))[0]["id"], "name": "GREETING"}
        variables = f"/v1/environments/{things['environment_id']}/variables"
        reply = await self.world.call("PUT", f"{variables}/GREETING", {"value": "hi"}, token=self.tokens["secret"])
        assert reply.status == 200, reply.body
        app = {"name": "App", "namespace": f"app-{next(_numbers)}", "type": "CUSTOM"}
        things["app_id"] = (await self._make("/v1/apps", app, self.tokens["user"]))["id"]

    async def _make(self, path: str, body: Any, token: str = "") -> Any:
        reply = await self.world.call("POST", path, body, token=token or self.tokens["secret"])
        assert reply.status == 200, (path, reply.body)
        return reply.body.get("data")

    async def call(self, row: Row, token: str) -> Reply:
        method, path = (row.route + row.query).split(" ", 1)
        body = json.loads(self._filled(json.dumps(row.body))) if row.body is not None else None
        return await self.world.call(method, self._filled(path), body, token=token)

    def _filled(self, text: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: self.things[found[1]], text)

    def betrayed(self, actor: str, reply: Reply, row: Row) -> list[str]:
        """Things in the answer that the caller may not know of, and did not name."""
        hidden = {
            "other_environment": [name for name in self.things if name not in OF_ACCOUNT],
            "other_account": list(self.things),
            "other_space": [n for n in self.things if n not in (*OF_ACCOUNT, "environment_id", "other_space_id")],
        }
        asked, said = self._filled(row.route + row.query + json.dumps(row.body)), json.dumps(reply.body)
        ids = {self.things[name]: name for name in hidden.get(actor, ()) if name.endswith("_id")}
        return [name for value, name in ids.items() if value in said and value not in asked]


async def faults_of(scene: Scene, row: Row) -> list[str]:
    """Calls of the row that answer otherwise; what a call has used up is built anew."""
    faults = []
    for actor, expected in row.expected().items():
        reply = await scene.call(row, scene.tokens[actor])
        if reply.status != expected:
            faults.append(f"{row.route} by {actor}: {reply.status} instead of {expected}: {str(reply.body)[:150]}")
        faults += [f"{row.route} tells {actor} of {name}" for name in scene.betrayed(actor, reply, row)]
        if reply.status == 200 and row.spends:
            await scene.build()
    return faults


def handlers(router: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    """("METHOD path", handler) of every route, with its parameters' types left out."""
    for route in router.routes:
        if isinstance(route, HTTPRoute) and not route.path.startswith(DESCRIPTION):
            for handler in route.route_handlers:
                for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                    yield f"{method} {re.sub(r':[a-z]+}', '}', route.path)}", handler


def plain(route: str) -> str:
    """A route without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", route)


async def test_every_route_has_one_row_and_every_row_a_route(world: World) -> None:
    known = dict(handlers(world.app.router))
    kept = {plain(name) for name, handler in known.items() if not handler.opt.get("public")}
    rows = [plain(row.route) for row in ROWS]
    assert sorted(kept - set(rows)) == [], "routes without a row in permission_table.py"
    assert sorted(set(rows) - kept) == [], "rows in permission_table.py without a route"
    assert len(rows) == len(set(rows))


async def test_no_route_is_public_but_those_listed_and_the_pages(world: World) -> None:
    known = dict(handlers(world.app.router))
    public = {name for name, handler in known.items() if handler.opt.get("public")}
    assert {name for name in public if known[name].fn.__module__ not in PAGES} == set(PUBLIC)
    assert (await world.call("GET", f"{DESCRIPTION}/openapi.json", token="")).status == 401
    for name, expected in PUBLIC.items():
        method, path = plain(name).replace("{}", "x").split(" ", 1)
        body = {} if method == "POST" else None
        for token in ("", world.pat, world.sk, world.sk_other):  # a bearer token changes nothing
            reply = await world.call(method, path, body, token=token)
            assert reply.status == expected, (name, reply.body)


async def test_every_caller_gets_what_the_table_says(world: World) -> None:
    scene = Scene(world)
    await scene.build()
    assert set(scene.tokens) == {*ACTORS, "revoked", "expired"}
    faults = [fault for row in ROWS for fault in await faults_of(scene, row)]
    assert faults == [], "\n".join(faults)


async def test_nobody_is_let_in_without_a_living_token(world: World) -> None:
    scene = Scene(world)
    await scene.build()
    tokens = {"none": "", "revoked": scene.tokens["revoked"], "expired": scene.tokens["expired"]}
    answers = [
        (row.route, name, (await scene.call(row, token)).status) for row in ROWS for name, token in tokens.items()
    ]
    assert [answer for answer in answers if answer[2] != 401] == []
