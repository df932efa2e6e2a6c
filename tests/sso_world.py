"""A world whose account has single sign-on, and a browser's way there and back."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import httpx

from servers.openid import CLIENT, SECRET
from sheetport.features.egress import service as egress
from sheetport.features.users import service as users
from sheetport.features.users.model import User
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import SECOND
from worlds import World

EMAIL = "admin@example.com"


async def set_up(world: World, issuer: str, client: tuple[str, str] = (CLIENT, SECRET), **more: Any) -> str:
    """Single sign-on for the first account, on real time as providers have it; the path of its start."""
    world.clock.advance(int(time.time() * SECOND) - world.clock.now())
    await world.db.write(lambda uow: egress.allow_target(uow, system_actor(world.account_id), "127.0.0.1"))
    body = {"name": "Example", "issuer": issuer, "clientId": client[0], "clientSecret": client[1]}
    reply = await change(world, **{**body, "domains": ["example.com"], **more})
    return f"/sso/{reply['id']}/start"


async def change(world: World, **fields: Any) -> Any:
    """What the account's administrator changes of it."""
    reply = await world.call("PATCH", "/v1/auth/sso", fields, token=world.pat)
    assert reply.status == 200, reply.body
    return reply.data


async def depart(world: World, start: str) -> str:
    """Where the browser is sent."""
    reply = await world.client.get(start)
    assert reply.status_code == 303, reply.text
    return reply.headers["location"]


async def come_back(world: World, url: str) -> httpx.Response:
    """What the browser is shown at the address that the provider has sent it to."""
    found = urlsplit(url)
    world.clock.advance(1)  # a millisecond, so that the records of two have an order
    return await world.client.get(f"{found.path}?{found.query}")


async def own_sessions(world: World) -> list[str]:
    """The ways of the administrator's sessions."""
    listed = (await world.call("GET", "/v1/auth/sessions", token=world.pat)).data
    return [each["method"] for each in listed]


async def refusals(world: World) -> list[str]:
    """Why sign-ins by a provider were refused, as the audit log has it."""
    found = [each["detail"] or "" for each in await world.audits("auth:refused")]
    return [each.split('"reason":"')[1].split('"')[0] for each in found if '"reason":"' in each]


async def user_of(world: World, email: str) -> User | None:
    return await world.db.read(lambda uow: users.find_user_by_email(uow, email))
