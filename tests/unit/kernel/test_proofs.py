"""Proofs of possession: what holds, and that nothing else does, whatever is sent."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proving import Prover, base64url
from sheetport.kernel.clock import SECOND
from sheetport.kernel.proofs import ALGORITHMS, MAX_PROOF, WINDOW, BoundToken, ProofRefused, read_proof

NOW = 1_800_000_000_000
URL = "https://data.example.com/v1/spaces/us_sp_1"
TOKEN = "pat_x"
ES256, EDDSA = Prover("ES256"), Prover("EdDSA")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def refused(text: str, method: str = "GET", url: str = URL, token: str | None = TOKEN) -> str:
    with pytest.raises(ProofRefused) as caught:
        read_proof(text, method, url, NOW, token)
    return caught.value.message


@pytest.mark.parametrize("prover", [ES256, EDDSA], ids=ALGORITHMS)
def test_a_good_proof_names_its_key_and_ends(prover: Prover) -> None:
    proof = read_proof(prover.prove("GET", URL, NOW, TOKEN, jti="one"), "GET", URL, NOW, TOKEN)
    assert (proof.key, proof.id, proof.ends_at) == (prover.thumbprint, "one", NOW + WINDOW)
    without = read_proof(prover.prove("POST", URL, NOW), "POST", URL, NOW)
    assert without.key == proof.key


def test_the_address_counts_without_its_query_and_in_any_spelling() -> None:
    loud, with_port = URL.replace("https://data", "HTTPS://DATA"), URL.replace(".com", ".com:443")
    for spelled in (f"{URL}?a=1", f"{URL}#x", loud, with_port):
        assert read_proof(ES256.prove("GET", spelled, NOW, TOKEN), "GET", URL, NOW, TOKEN).key == ES256.thumbprint
    for other in ("http://data.example.com/v1/spaces/us_sp_1", "https://data.example.com:444/v1/spaces/us_sp_1", "x"):
        assert "htu" in refused(ES256.prove("GET", other, NOW, TOKEN))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"htm": "POST"}, "htm"),
        ({"htm": None}, "htm"),
        ({"htu": URL + "2"}, "htu"),
        ({"htu": 7}, "htu"),
        ({"htu": "https://[x"}, "htu"),
        ({"ath": "x"}, "ath"),
        ({"ath": None}, "ath"),
        ({"ath": "\ud800"}, "ath"),
        ({"iat": (NOW - WINDOW) // SECOND - 1}, "iat"),
        ({"iat": (NOW + WINDOW) // SECOND + 1}, "iat"),
        ({"iat": True}, "iat"),
        ({"iat": "1800000000"}, "iat"),
        ({"iat": float("nan")}, "iat"),
        ({"iat": 10**400}, "iat"),
        ({"jti": ""}, "jti"),
        ({"jti": "x" * 257}, "jti"),
        ({"jti": 5}, "jti"),
        ({"jti": "é"}, "jti"),
        ({"header": {"typ": "JWT"}}, "typ"),
        ({"header": {"typ": None}}, "typ"),
        ({"header": {"alg": "none"}}, "alg"),
        ({"header": {"alg": "HS256"}}, "alg"),
        ({"header": {"alg": "RS256"}}, "alg"),
        ({"header": {"alg": "EdDSA"}}, "jwk"),
        ({"header": {"alg": ["ES256"]}}, "alg"),
        ({"header": {"jku": "https://evil.example/keys"}}, "header"),
        ({"header": {"x5u": "https://evil.example/cert"}}, "header"),
        ({"header": {"x5c": ["x"]}}, "header"),
        ({"header": {"crit": ["b64"], "b64": False}}, "header"),
        ({"header": {"jwk": None}}, "jwk"),
        ({"header": {"jwk": EDDSA.jwk}}, "jwk"),
        ({"header": {"jwk": {**ES256.jwk, "crv": "P-384"}}}, "jwk"),
        ({"header": {"jwk": {**ES256.jwk, "d": "AQ"}}}, "private key"),
        ({"header": {"jwk": {**ES256.jwk, "x": "AQ"}}}, "JWT"),
        ({"header": {"jwk": {**ES256.jwk, "x": 5}}}, "JWT"),
        ({"header": {"jwk": {"kty": "oct", "k": "AQ"}}}, "jwk"),
        ({"header": {"jwk": Prover("ES256").jwk}}, "signature"),
    ],
)
def test_each_bent_proof_is_refused_by_name(changes: dict[str, Any], said: str) -> None:
    assert said in refused(ES256.prove("GET", URL, NOW, TOKEN, **changes))


def test_no_secret_that_everybody_knows_signs_a_proof() -> None:
    """The classic confusion: a MAC under the public key, and no signature at all."""
    header: dict[str, Any] = {"typ": "dpop+jwt", "jwk": ES256.jwk}
    claims = {"htm": "GET", "htu": URL, "iat": NOW // SECOND, "jti": "x"}
    for alg in ("HS256", "none", "ES256"):
        body = ".".join(base64url(json.dumps(each).encode()) for each in (header | {"alg": alg}, claims))
        mac = hmac.digest(json.dumps(ES256.jwk).encode(), body.encode(), hashlib.sha256)
        for signature in ("", base64url(mac), base64url(bytes(64))):
            refused(f"{body}.{signature}")


def test_what_a_caller_is_told_names_the_algorithms() -> None:
    assert 'error="invalid_dpop_proof", algs="ES256 EdDSA"' in ProofRefused("x").challenge
    assert 'error="invalid_token"' in BoundToken("x").challenge


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200) | st.from_regex(r"[\w-]{0,40}\.[\w-]{0,40}\.[\w-]{0,40}", fullmatch=True))
def test_junk_is_refused(text: str) -> None:
    refused(text)


@settings(max_examples=60, deadline=None)
@given(header=JSON, claims=JSON, prover=st.sampled_from([ES256, EDDSA]))
def test_signed_junk_is_refused(header: Any, claims: Any, prover: Prover) -> None:
    refused(prover.sign(header, claims))
    good: Any = {"typ": "dpop+jwt", "alg": prover.alg, "jwk": prover.jwk}
    refused(prover.sign(good, claims))
    if isinstance(header, dict):
        refused(prover.sign(good | header, claims))


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, 10_000), bit=st.integers(0, 7), prover=st.sampled_from([ES256, EDDSA]))
def test_no_proof_survives_a_flipped_bit(at: int, bit: int, prover: Prover) -> None:
    good = prover.prove("GET", URL, NOW, TOKEN, jti="one").encode()
    at %= len(good)
    bent = good[:at] + bytes([good[at] ^ (1 << bit)]) + good[at + 1 :]
    try:
        proof = read_proof(bent.decode("latin-1"), "GET", URL, NOW, TOKEN)
    except ProofRefused:
        return
    # The last digit of base64url has bits that mean nothing: the same proof, and used up with it.
    assert (proof.key, proof.id) == (prover.thumbprint, "one")


def test_a_long_proof_is_not_read() -> None:
    assert "too long" in refused("x" * (MAX_PROOF + 1))
