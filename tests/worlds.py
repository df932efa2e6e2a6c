"""A running application in this process with something in it, for tests over HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import Any
from unittest.mock import patch

import httpx
from litestar import Litestar
from sqlalchemy import select

from sheetport.bootstrap import Application, make_router
from sheetport.config import DEFAULT_RATES, HttpSettings, LogSettings, MailSettings, Settings, StorageSettings
from sheetport.features.accounts import service as accounts
from sheetport.features.audit.service import recording
from sheetport.features.auth.model import CredentialKind
from sheetport.features.auth.service import hash_new_password, mint
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import EnvironmentChange
from sheetport.features.roles import service as roles
from sheetport.features.users import service as users
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import FakeClock
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.ids import RANDOM_LENGTH, base62, routing_tag
from sheetport.kernel.rates import Bucket, Rate
from sheetport.storage.engine import open_database
from sheetport.storage.migrations import schema_version
from sheetport.storage.migrations.runner import upgrade
from sheetport.storage.tables.audit import audit_records
from sheetport.storage.tables.events import events
from sheetport.storage.unit_of_work import Database, Row, UnitOfWork

START = 1_800_000_000_000
#: The password of every user of a world; their addresses are admin@example.com and other_admin@example.com.
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True)
class Reply:
    """An answer: its status and decoded body."""

    status: int
    body: Any
    headers: httpx.Headers = field(repr=False, default_factory=httpx.Headers)

    @property
    def data(self) -> Any:
        return self.body["data"]

    @property
    def error(self) -> dict[str, str]:
        """The first error's key and message."""
        found: dict[str, str] = self.body["errors"][0]
        return found


class FirstPart:
    """The application for a client that wants answers whole: a stream, which has no end, ends behind its first part."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        streams = over = False

        async def first(message: Any) -> None:
            nonlocal streams, over
            if message["type"] == "http.response.start":
                streams = dict(message["headers"]).get(b"content-type", b"").startswith(b"text/event-stream")
            if not over:
                over = streams and message["type"] == "http.response.body"
                await send({**message, "more_body": False} if over else message)

        await self._app(scope, receive, first)


@dataclass
class World:
    """A running application with one account of two environments, and a second account beside it."""

    app: Application
    db: Database
    clock: FakeClock
    client: httpx.AsyncClient
    account_id: str = ""
    other_account_id: str = ""
    dev: str = ""
    prod: str = ""
    other_env: str = ""
    sk: str = ""
    pk: str = ""
    sk_prod: str = ""
    sk_other: str = ""
    #: The administrator of each account, with a personal access token.
    user_id: str = ""
    pat: str = ""
    other_user_id: str = ""
    pat_other: str = ""

    async def call(self, method: str, path: str, body: Any = None, *, token: str | None = None, **kwargs: Any) -> Reply:
        """One request; ``token`` defaults to the development environment's secret key, "" sends none."""
        headers = dict(kwargs.pop("headers", {}))
        chosen = self.sk if token is None else token
        if chosen:
            headers["Authorization"] = f"Bearer {chosen}"
        if body is not None:
            kwargs["json"] = body
        response = await self.client.request(method, path, headers=headers, **kwargs)
        kind = response.headers.get("content-type", "")
        is_json = kind.startswith("application/json")
        return Reply(response.status_code, response.json() if is_json else response.text, response.headers)

    async def form_token(self, page: str = "/") -> str:
        """The token of the forms on a page, for the session that the client has."""
        found = re.search(r'name="form_token" value="([^"]+)"', (await self.client.get(page)).text)
        return found[1] if found else ""

    async def post_form(self, path: str, data: Mapping[str, str], *, page: str = "/", **more: Any) -> httpx.Response:
        """Send a form as the page that holds it does."""
        return await self.client.post(path, data={**data, "form_token": await self.form_token(page)}, **more)

    async def post_script(self, path: str, body: Any, **more: Any) -> httpx.Response:
        """Send JSON as a script of the first page does."""
        headers = {"X-Form-Token": await self.form_token(), **more.pop("headers", {})}
        return await self.client.post(path, json=body, headers=headers, **more)

    async def events(self, topic: str | None = None) -> list[dict[str, Any]]:
        """The events written so far, oldest first."""

        async def fetch(uow: UnitOfWork) -> list[dict[str, Any]]:
            return [_mapping(row) for row in await uow.fetch_all(select(events).order_by(events.c.seq))]

        return [event for event in await self.db.read(fetch) if topic in {None, event["topic"]}]

    async def audits(self, action: str | None = None) -> list[dict[str, Any]]:
        """The audit records written so far, oldest first: of writes and of reads."""

        async def fetch(uow: UnitOfWork) -> list[dict[str, Any]]:
            return [_mapping(row) for row in await uow.fetch_all(select(audit_records))]

        found = [row for place in {self.db, self.db.log} for row in await place.read(fetch)]
        found.sort(key=lambda row: (row["created_at"], row["id"][-RANDOM_LENGTH:]))
        return [audit for audit in found if action in {None, audit["action"]}]


_records = count()


def numbered_id(kind: str, owner_id: str) -> str:
    """An audit record's id that sorts as records are made: many are of one instant of a clock that stands still."""
    return f"us_{kind}_{routing_tag(owner_id)}{base62(next(_records), RANDOM_LENGTH)}"


@asynccontextmanager
async def opened_world(
    storage: StorageSettings,
    http: HttpSettings | None = None,
    logs: LogSettings | None = None,
    rates: Mapping[Bucket, Rate] | None = None,
    mail: MailSettings | None = None,
) -> AsyncGenerator[World, None]:
    """A furnished world over a database that was made for it; with ``rates`` calls are limited by those."""
    storage.data.mkdir(parents=True, exist_ok=True)
    if await asyncio.to_thread(schema_version, storage) is None:
        await asyncio.to_thread(upgrade, storage)
    clock = FakeClock(START)
    db = await open_database(storage, KeyRing.generate(), clock)
    router = _routers.pop() if _routers else make_router()
    try:
        limited = {"rate_limits": rates is not None, "rates": {**DEFAULT_RATES, **(rates or {})}}
        settings = Settings(storage, http or HttpSettings(), logs=logs or LogSettings(), mail=mail, **limited)
        app = Application(settings, db, router)
        transport = httpx.ASGITransport(app=FirstPart(app), raise_app_exceptions=False)
        client = httpx.AsyncClient(transport=transport, base_url="http://sheetport.test")
        with patch.object(recording, "new_id", numbered_id):
            async with app.running(), client:
                made = World(app, db, clock, client)
                await furnish_world(made)
                yield made
    finally:
        await db.close()
        _routers.append(router)


#: Those of worlds that are no more: making one takes longer than all else of a world.
_routers: list[Litestar] = []


async def furnish_world(world: World) -> None:
    password_hash = _hash_once()

    async def furnish(uow: UnitOfWork) -> None:
        for prefix in ("", "other_"):
            account = await accounts.create_account(uow, f"{prefix}account")
            actor = system_actor(account.id)
            setattr(world, f"{prefix}account_id", account.id)
            await roles.open_roles(uow, account.id)
            user = await users.create_user(uow, account.id, f"{prefix}admin@example.com", "Ada", password_hash)
            pat = await mint(uow, actor, CredentialKind.PERSONAL, "test", user_id=user.id)
            setattr(world, f"{prefix}user_id", user.id)
            setattr(world, "pat_other" if prefix else "pat", pat.token)
            for name, is_prod in (("development", False), ("production", True)):
                environment = await environments.create_environment(uow, actor, EnvironmentChange(name, is_prod))
                made = [
                    await mint(uow, actor, kind, "test", environment_id=environment.id, is_prod=is_prod)
                    for kind in (CredentialKind.SECRET_KEY, CredentialKind.PUBLISHABLE_KEY)
                ]
                _remember(world, prefix, is_prod, environment.id, [m.token for m in made])

    await world.db.write(furnish)


@cache
def _hash_once() -> str:
    """One hash for all worlds of this process: it takes longer than the rest of a world."""
    return hash_new_password(PASSWORD)


def _remember(world: World, prefix: str, is_prod: bool, environment_id: str, tokens: list[str]) -> None:
    if prefix and not is_prod:
        world.other_env, world.sk_other = environment_id, tokens[0]
    elif not prefix and is_prod:
        world.prod, world.sk_prod = environment_id, tokens[0]
    elif not prefix:
        world.dev, world.sk, world.pk = environment_id, tokens[0], tokens[1]


def _mapping(row: Row) -> dict[str, Any]:
    return {name: row[name] for name in row.keys()}  # noqa: SIM118 - rows are not dicts
