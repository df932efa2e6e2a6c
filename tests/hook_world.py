"""Webhooks of a world, and what their receivers make of the messages."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Callable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook

from servers.hooks import Heard
from sheetport.features.egress import service as egress
from sheetport.kernel.actor import system_actor
from worlds import World

#: An address that may be called, and is not.
PUBLIC = "https://93.184.216.34/hook"


def set_clock(world: World) -> None:
    """To the machine's time: the official libraries refuse what is older or newer."""
    world.clock.advance(int(time.time() * 1_000) - world.clock.now())


async def allow(world: World, target: str) -> None:
    await world.db.write(lambda uow: egress.allow_target(uow, system_actor(world.account_id), target, world.dev))


async def make(world: World, url: str = PUBLIC, **more: Any) -> dict[str, Any]:
    """A webhook, by default for what :func:`tell` tells."""
    reply = await world.call("POST", "/v1/webhooks", {"url": url, "topics": ["space:updated"], **more})
    assert reply.status == 200, reply.body
    return dict(reply.data)


async def tell(world: World, topic: str = "space:updated", **more: Any) -> str:
    """Write an event; its id."""
    body = {"topic": topic, "domain": "space", "context": {"environmentId": world.dev}, "payload": {}, **more}
    reply = await world.call("POST", "/v1/events", body)
    assert reply.status == 200, reply.body
    return str(reply.data["id"])


async def until(world: World, is_so: Callable[[], Any]) -> None:
    """Wait for what the sender does, having it look again and again."""
    async with asyncio.timeout(10):
        while not is_so():
            world.app.webhook_sender.wake()
            await asyncio.sleep(0.02)


async def delivery(world: World, webhook: dict[str, Any], event: str, **wanted: Any) -> dict[str, Any]:
    """A delivery, once it is as wanted."""
    async with asyncio.timeout(10):
        while True:
            world.app.webhook_sender.wake()
            reply = await world.call("GET", f"/v1/webhooks/{webhook['id']}/deliveries/{event}")
            if reply.status == 200 and all(reply.data.get(name) == value for name, value in wanted.items()):
                return dict(reply.data)
            await asyncio.sleep(0.02)


def verified(secret: str, heard: Heard) -> Any:
    """What the official library makes of a message. Raises WebhookVerificationError."""
    return Webhook(secret).verify(heard.body, heard.headers)


def verify_public(public_key: str, heard: Heard) -> bool:
    """Whether one of the message's v1a signatures is the key's."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key.removeprefix("whpk_")))
    signed = f"{heard.id}.{heard.headers['webhook-timestamp']}.".encode() + heard.body
    for each in heard.headers["webhook-signature"].split(" "):
        version, _, signature = each.partition(",")
        if version == "v1a":
            try:
                key.verify(base64.b64decode(signature), signed)
            except InvalidSignature:  # the next one may be the key's
                continue
            return True
    return False
