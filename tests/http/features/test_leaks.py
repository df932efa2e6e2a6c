"""Found tokens are handed in by anybody, and are revoked with all that came of them."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind
from sheetport.features.auth.service.recognise import recognise
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.crypto import mint_token
from worlds import PASSWORD, Reply, World

KEY = ec.generate_private_key(ec.SECP256R1())
PUBLISHED = json.dumps(
    {
        "public_keys": [
            {
                "key_identifier": "key-1",
                "key": KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
                "is_current": True,
            }
        ]
    }
)


async def hand_in(world: World, *tokens: str) -> Reply:
    return await world.call("POST", "/v1/credentials/revoke", {"credentials": list(tokens)}, token="")


async def status(world: World, token: str, path: str = "/v1/environments") -> int:
    return (await world.call("GET", path, token=token)).status


async def new_access_token(world: World) -> str:
    body = {"email": "admin@example.com", "password": PASSWORD}
    return str((await world.call("POST", "/v1/auth", body, token="")).body["accessToken"])


async def test_every_secret_that_is_handed_in_is_refused_from_then_on(world: World) -> None:
    access = await new_access_token(world)
    for token in (world.sk, world.pat, access):
        assert await status(world, token) == 200
    reply = await hand_in(world, world.sk, world.pat, access, f" {world.sk}\n", "nonsense", mint_token("pat"))
    assert (reply.status, reply.body) == (202, {"data": {"success": True}})
    for token in (world.sk, world.pat, access):
        assert await status(world, token) == 401
    assert await status(world, world.sk_prod) == 200
    exposed = await world.audits("api-key:exposed")
    assert sorted(json.loads(each["detail"])["kind"] for each in exposed) == ["access", "personal", "secret_key"]
    assert {json.loads(each["detail"])["reporter"] for each in exposed} == {"anyone"}
    assert len(await world.audits("secret_key:delete")) == 1
    told = {
        (each["environment_id"], json.loads(each["payload"])["kind"]) for each in await world.events("api-key:exposed")
    }
    assert told == {(world.dev, "secret_key"), (world.prod, "personal"), (world.prod, "access")}


async def test_the_answer_does_not_say_what_was_known(world: World) -> None:
    known, unknown = await hand_in(world, world.sk), await hand_in(world, mint_token("sk_dev"))
    assert (known.status, known.body) == (unknown.status, unknown.body)
    again = await hand_in(world, world.sk)
    assert (again.status, again.body) == (known.status, known.body)
    assert len(await world.audits("api-key:exposed")) == 1, "once is enough"


async def test_all_that_was_exchanged_for_a_token_goes_with_it(world: World) -> None:
    path = f"/v1/users/{world.user_id}/api-token?tenantId={world.account_id}"
    client = (await world.call("POST", path, token=world.pat)).data
    pair = {"clientId": client["clientId"], "secret": client["secret"]}
    first = str((await world.call("POST", "/v1/auth", pair, token="")).body["accessToken"])
    found = await world.db.read(lambda uow: recognise(uow, first))
    assert found is not None
    parent = found.id
    actor = Actor(ActorKind.USER, world.user_id, world.account_id, parent)
    grandchild = await world.db.write(
        lambda uow: auth.mint(uow, actor, CredentialKind.ACCESS, "x", user_id=world.user_id, parent_id=parent)
    )
    assert await status(world, grandchild.token) == 200
    await hand_in(world, client["secret"])
    assert (await status(world, first), await status(world, grandchild.token)) == (401, 401)
    assert (await world.call("POST", "/v1/auth", pair, token="")).status == 401


async def test_a_space_token_ends_with_all_of_its_space_and_the_space_gives_a_fresh_one(world: World) -> None:
    space = (await world.call("POST", "/v1/spaces", {"name": "s", "environmentId": world.dev})).data
    path = f"/v1/spaces/{space['id']}"
    assert await status(world, space["accessToken"], path) == 200
    await hand_in(world, space["accessToken"])
    assert await status(world, space["accessToken"], path) == 401
    fresh = (await world.call("GET", path)).data["accessToken"]
    assert await status(world, fresh, path) == 200
    await hand_in(world, space["accessToken"])
    assert await status(world, fresh, path) == 200, "a token that ended before ends nothing"
    assert len(await world.audits("space:end-tokens")) == 1


async def test_a_publishable_key_is_public_and_stays(world: World) -> None:
    assert (await hand_in(world, world.pk)).status == 202
    start = f"/v1/internal/spaces/init?publishableKey={world.pk}"
    assert (await world.call("POST", start, {"space": {"name": "s"}}, token="")).status == 200


@pytest.mark.parametrize(
    "body", [{}, {"credentials": "x"}, {"credentials": [1]}, {"credentials": ["x"] * 1_001}, [], {"credentials": None}]
)
async def test_other_bodies_are_refused_and_repeat_no_token(world: World, body: Any) -> None:
    reply = await world.call("POST", "/v1/credentials/revoke", body, token="")
    assert reply.status == 400
    assert "credentials" in reply.error["key"] or reply.error["key"] == "body"


async def test_a_thousand_are_taken_and_the_long_ones_ignored(world: World) -> None:
    assert (await hand_in(world, *["x" * 5_000] * 999, world.sk)).status == 202
    assert await status(world, world.sk) == 401


# Secret scanning


def match(token: str, url: str | None = "https://git.example/a/b.txt") -> dict[str, Any]:
    return {"token": token, "type": "sheetport_key", "url": url, "source": "content", "more": 1}


async def scanned(world: World, body: bytes, key: str = "key-1", signature: bytes | None = None) -> Reply:
    """A delivery as the scanning service makes it."""
    signature = KEY.sign(body, ec.ECDSA(SHA256())) if signature is None else signature
    headers = {
        "Github-Public-Key-Identifier": key,
        "Github-Public-Key-Signature": base64.b64encode(signature).decode(),
        "Content-Type": "application/json",
    }
    path = "/v1/credentials/secret-scanning"
    return await world.call("POST", path, token="", headers=headers, content=body)


@pytest.fixture
def scanning(world: World) -> World:
    """A world that knows the service's key."""
    world.app.router.state.settings = replace(world.app.settings, secret_scanning_keys=PUBLISHED)
    return world


async def test_a_signed_delivery_is_labelled_and_what_is_ours_revoked(scanning: World) -> None:
    tokens = [scanning.sk, mint_token("sk_dev"), scanning.pk]
    reply = await scanned(scanning, json.dumps([match(token) for token in tokens], indent=1).encode())
    assert reply.status == 200
    assert [each["label"] for each in reply.body] == ["true_positive", "false_positive", "false_positive"]
    assert [each["token_hash"] for each in reply.body] == [hashlib.sha256(t.encode()).hexdigest() for t in tokens]
    assert {each["token_type"] for each in reply.body} == {"sheetport_key"}
    assert await status(scanning, scanning.sk) == 401
    (exposed,) = await scanning.audits("api-key:exposed")
    said = json.loads(exposed["detail"])
    assert (said["reporter"], said["url"]) == ("secret scanning", "https://git.example/a/b.txt")
    again = await scanned(scanning, json.dumps([match(scanning.sk, None)]).encode())
    assert again.body[0]["label"] == "true_positive"


async def test_a_delivery_that_is_not_signed_by_a_known_key_changes_nothing(scanning: World) -> None:
    body = json.dumps([match(scanning.sk)]).encode()
    good = KEY.sign(body, ec.ECDSA(SHA256()))
    other = ec.generate_private_key(ec.SECP256R1()).sign(body, ec.ECDSA(SHA256()))
    for reply in (
        await scanned(scanning, body, key="key-2"),
        await scanned(scanning, body + b" ", signature=good),
        await scanned(scanning, body, signature=other),
        await scanned(scanning, body, signature=b"nonsense"),
        await scanned(scanning, body, signature=b""),
    ):
        assert reply.status == 403
        assert reply.error["key"] == "Github-Public-Key-Signature"
    assert await status(scanning, scanning.sk) == 200


async def test_a_signed_delivery_of_another_shape_is_refused(scanning: World) -> None:
    for body in (b"", b"{}", b"[1]", b'[{"token": 1, "type": "x"}]', b"[", b'[{"token": "x"}]'):
        assert (await scanned(scanning, body)).status == 400
    assert (await scanned(scanning, b"[]")).body == []


async def test_without_keys_no_delivery_is_taken(world: World) -> None:
    reply = await scanned(world, json.dumps([match(world.sk)]).encode())
    assert (reply.status, reply.error["key"]) == (403, "configuration")
    assert await status(world, world.sk) == 200
