"""Tokens that are bound to a key (RFC 9449): how they come to be, and that they open nothing without a fresh proof."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from proving import Prover
from sheetport.features.oauth import jobs
from sheetport.kernel.clock import HOUR, SECOND
from sheetport.kernel.proofs import WINDOW
from worlds import PASSWORD, Reply, World

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
PLACES = "/v1/environments"


async def asked(world: World, subject: str, proof: str | None = None, **fields: str) -> Reply:
    """An exchange with this proof."""
    fields = {"grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": ACCESS, **fields}
    headers = {"Content-Type": "application/x-www-form-urlencoded"} | ({"DPoP": proof} if proof else {})
    return await world.call("POST", "/v1/oauth/token", token="", headers=headers, content=urlencode(fields))


def proof(world: World, prover: Prover, method: str, path: str, token: str | None = None, **changes: Any) -> str:
    url = f"{world.app.settings.http.base_url}{path.partition('?')[0]}"
    return prover.prove(method, url, world.clock.now(), token, **changes)


async def bound(world: World, prover: Prover, subject: str | None = None, **fields: str) -> str:
    made = await asked(world, subject or world.sk, proof(world, prover, "POST", "/v1/oauth/token"), **fields)
    assert (made.status, made.body["token_type"]) == (200, "DPoP"), made.body
    return str(made.body["access_token"])


async def sent(
    world: World, token: str, sent_proof: str | None, path: str = PLACES, method: str = "GET", body: Any = None
) -> Reply:
    headers = {"Authorization": f"DPoP {token}"} | ({"DPoP": sent_proof} if sent_proof else {})
    return await world.call(method, path, body, token="", headers=headers)


@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
async def test_a_bound_token_opens_by_a_fresh_proof_of_its_key_alone(world: World, alg: str) -> None:
    prover, thief = Prover(alg), Prover(alg)
    token = await bound(world, prover)
    good = proof(world, prover, "GET", PLACES, token)
    assert (await sent(world, token, good)).status == 200
    again = await sent(world, token, good)
    assert (again.status, again.error["key"]) == (401, "DPoP")
    assert 'error="invalid_dpop_proof"' in again.headers["www-authenticate"]
    for bad in (
        None,
        "junk",
        proof(world, thief, "GET", PLACES, token),
        proof(world, prover, "GET", PLACES),
        proof(world, prover, "GET", PLACES, world.sk),
        proof(world, prover, "POST", PLACES, token),
        proof(world, prover, "GET", "/v1/spaces", token),
        proof(world, prover, "GET", PLACES, token, htu=f"http://sheetport.test{PLACES}"),
        proof(world, prover, "GET", PLACES, token, header={"alg": "none"}),
    ):
        reply = await sent(world, token, bad)
        assert (reply.status, reply.error["key"]) == (401, "DPoP"), bad
    old = proof(world, prover, "GET", PLACES, token)
    world.clock.advance(WINDOW + SECOND)
    assert (await sent(world, token, old)).status == 401
    assert (await sent(world, token, proof(world, prover, "GET", PLACES, token))).status == 200


async def test_two_proofs_at_once_are_two_tokens_to_the_thief(world: World) -> None:
    headers = [(b"authorization", b"DPoP x"), (b"dpop", b"a"), (b"dpop", b"b")]
    reply = await world.client.get(PLACES, headers=[(name.decode(), value.decode()) for name, value in headers])
    assert (reply.status_code, "more than one" in reply.text) == (401, True)


async def test_it_is_no_bearer_anywhere(world: World) -> None:
    """Also in front of the router, in streams, on pages, and where it is known already."""
    prover = Prover()
    token = await bound(world, prover)
    assert (await sent(world, token, proof(world, prover, "GET", PLACES, token))).status == 200
    for path in (
        PLACES,
        f"{PLACES}/{world.dev}",  # a quick read
        f"/v1/events/stream?environmentId={world.dev}",
        f"/v1/subscription?scope={world.dev}",
        "/v1/auth/credentials",
    ):
        for _ in range(2):
            reply = await world.call("GET", path, token=token)
            assert (reply.status, reply.error["key"]) == (401, "DPoP"), path
            assert 'error="invalid_token"' in reply.headers["www-authenticate"]
    assert (await world.call("POST", "/v1/spaces", {"name": "x"}, token=token)).status == 401
    assert (await world.call("POST", "/v1/oauth/introspect", {"token": token}, token=token)).status == 401
    init = await world.call("POST", f"/v1/internal/spaces/init?publishableKey={token}", {}, token="")
    assert init.status == 401
    personal = await bound(world, prover, world.pat)
    world.client.cookies.set("sheetport_session", personal)
    assert (await world.client.get("/security")).status_code == 303


async def test_quick_reads_and_streams_take_a_proof(world: World) -> None:
    prover = Prover()
    token = await bound(world, prover)
    path = f"{PLACES}/{world.dev}"
    for _ in range(2):
        reply = await sent(world, token, proof(world, prover, "GET", path, token), path)
        assert (reply.status, reply.data["id"]) == (200, world.dev)
    stream = f"/v1/events/stream?environmentId={world.dev}"
    opened = await sent(world, token, proof(world, prover, "GET", stream, token), stream)
    assert (opened.status, opened.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    used = proof(world, prover, "GET", stream, token)
    assert [(await sent(world, token, used, stream)).status for _ in range(2)] == [200, 401]


async def test_a_token_that_is_not_bound_is_not_sent_so(world: World) -> None:
    reply = await sent(world, world.sk, proof(world, Prover(), "GET", PLACES, world.sk))
    assert (reply.status, reply.error["key"]) == (401, "DPoP")


async def test_what_is_bound_stays_bound_to_the_same_key(world: World) -> None:
    prover, other = Prover(), Prover()
    token = await bound(world, prover)
    for bad in (None, proof(world, other, "POST", "/v1/oauth/token")):
        reply = await asked(world, token, bad)
        assert (reply.status, reply.body["error"]) == (400, "invalid_dpop_proof")
    child = await bound(world, prover, token, scope="environment:read")
    assert (await sent(world, child, proof(world, prover, "GET", PLACES, child))).status == 200
    assert (await sent(world, child, proof(world, other, "GET", PLACES, child))).status == 401
    assert (await world.call("GET", PLACES, token=child)).status == 401
    await asked(world, world.sk)  # and without a proof it is as it always was
    # A token made bound makes none that is not.
    personal = await bound(world, prover, world.pat)
    path = "/v1/auth/personal-access-tokens"
    made = await sent(world, personal, proof(world, prover, "POST", path, personal), path, "POST", {"name": "x"})
    assert made.status == 403


async def test_a_change_of_a_token_leaves_its_binding(world: World) -> None:
    """What can be changed of a credential never frees it of its key or its permissions."""
    prover = Prover()
    token = await bound(world, prover, world.pat, scope="environment:read")
    found = await introspected(world, token)
    changed = await world.call(
        "PATCH", f"/v1/auth/credentials/{found['jti']}", {"networks": ["127.0.0.0/8"]}, token=world.pat
    )
    assert changed.status == 200, changed.body
    assert (await world.call("GET", PLACES, token=token)).status == 401
    after = await introspected(world, token)
    assert (after["cnf"], after["scope"]) == (found["cnf"], "environment:read")


async def test_introspection_and_metadata_tell_of_it(world: World) -> None:
    prover = Prover("EdDSA")
    token = await bound(world, prover)
    told = await introspected(world, token, world.sk)
    assert (told["active"], told["token_type"], told["cnf"]) == (True, "DPoP", {"jkt": prover.thumbprint})
    assert "cnf" not in await introspected(world, world.sk, world.sk)
    metadata = (await world.call("GET", "/.well-known/oauth-authorization-server", token="")).body
    assert metadata["dpop_signing_alg_values_supported"] == ["ES256", "EdDSA"]


async def test_the_token_endpoint_refuses_bad_and_used_proofs_in_the_words_of_the_standard(world: World) -> None:
    prover = Prover()
    used = proof(world, prover, "POST", "/v1/oauth/token")
    assert (await asked(world, world.sk, used)).status == 200
    wrong = [proof(world, prover, *of) for of in (("GET", "/v1/oauth/token"), ("POST", "/v1/oauth"))]
    for bad in (used, "junk", *wrong):
        reply = await asked(world, world.sk, bad)
        assert (reply.status, reply.body["error"], reply.error["key"]) == (400, "invalid_dpop_proof", "DPoP")
    assert len(await world.audits("narrowed:create")) == 1


async def test_used_proofs_are_forgotten_once_they_are_too_old(world: World) -> None:
    prover = Prover()
    token = await bound(world, prover)
    good = proof(world, prover, "GET", PLACES, token)
    assert (await sent(world, token, good)).status == 200
    assert await world.db.write(jobs.sweep) == 0
    world.clock.advance(HOUR)
    assert await world.db.write(jobs.sweep) == 2
    assert (await sent(world, token, good)).status == 401


async def test_another_process_refuses_what_one_has_seen(world: World) -> None:
    """What was used is in the database, and in no memory."""
    prover = Prover()
    token = await bound(world, prover)
    good = proof(world, prover, "GET", PLACES, token)
    assert (await sent(world, token, good)).status == 200
    fresh = type(world.app.verifier)(world.db)
    world.app.router.state["verifier"] = fresh
    assert (await sent(world, token, good)).status == 401
    assert (await sent(world, token, proof(world, prover, "GET", PLACES, token))).status == 200


async def introspected(world: World, token: str, caller: str | None = None) -> dict[str, Any]:
    told: dict[str, Any] = (
        await world.call("POST", "/v1/oauth/introspect", {"token": token}, token=caller or world.pat)
    ).body
    assert PASSWORD not in str(told)
    return told
