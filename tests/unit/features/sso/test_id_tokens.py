"""Which ID tokens are believed, by each algorithm and at each edge of time."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from sheetport.features.sso.model import Expected, Refused
from sheetport.features.sso.service.id_tokens import ALGORITHMS, MAX_AGE, SKEW, find_key, has_mfa, verify
from sheetport.kernel.json import dumps

NOW = 1_800_000_000
ACCESS = "the access token"
EXPECTED = Expected("https://id.example.com", "sheetport", "the nonce", ACCESS, NOW)
CLAIMS = {"iss": EXPECTED.issuer, "aud": "sheetport", "sub": "ada", "nonce": "the nonce", "iat": NOW, "exp": NOW + 60}
KEYS: dict[str, Any] = {
    "RS256": RSAKey.generate_key(2048),
    "ES256": ECKey.generate_key("P-256"),
    "EdDSA": OKPKey.generate_key("Ed25519"),
}
KEYS["Ed25519"] = KEYS["EdDSA"]
#: As a provider publishes them.
PUBLIC = [KEYS[name].as_dict(private=False) | {"kid": name, "use": "sig"} for name in ("RS256", "ES256", "EdDSA")]


def token(algorithm: str = "ES256", key: Any = None, **claims: Any) -> str:
    told = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[algorithm])
    return jws.serialize_compact({"alg": algorithm}, dumps(told), key or KEYS[algorithm], registry=registry)


def checked(text: str) -> dict[str, Any]:
    key = find_key(PUBLIC, text)
    assert key is not None
    return verify(text, key, EXPECTED)


def reason(text: str) -> str:
    with pytest.raises(Refused) as caught:
        checked(text)
    return caught.value.reason


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")  # of the test's own signing
def test_each_algorithm_is_verified_with_its_own_hash_of_the_access_token(algorithm: str) -> None:
    digest = hashlib.new(ALGORITHMS[algorithm], ACCESS.encode()).digest()
    half = urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")
    assert checked(token(algorithm, at_hash=half))["sub"] == "ada"
    assert reason(token(algorithm, at_hash=half[:-1])) == "at-hash"


def test_times_have_a_minute_of_grace_and_no_more() -> None:
    for right in (
        {"exp": NOW - SKEW + 1},
        {"iat": NOW + SKEW},
        {"iat": NOW - MAX_AGE},
        {"nbf": NOW + SKEW},
        {"iat": 1.8e9},
    ):
        checked(token(**right))
    assert reason(token(exp=NOW - SKEW)) == "expired"
    assert reason(token(iat=NOW + SKEW + 1)) == "not-yet"
    assert reason(token(nbf=NOW + SKEW + 1)) == "not-yet"
    assert reason(token(iat=NOW - MAX_AGE - 1)) == "stale"
    for wrong in (True, "1800000000", [], 2**60, None):
        assert reason(token(exp=wrong)) == "time"


def test_several_audiences_need_the_one_it_was_given_to() -> None:
    checked(token(aud=["sheetport"]))
    checked(token(aud=["sheetport", "other"], azp="sheetport"))
    assert reason(token(aud=["sheetport", "other"])) == "authorized-party"
    assert reason(token(aud=["other"], azp="sheetport")) == "audience"


def test_only_a_key_that_may_sign_so_is_taken_and_only_one() -> None:
    text, (_, elliptic, _) = token(), PUBLIC
    assert find_key(PUBLIC, text) == elliptic
    for other in ({"use": "enc"}, {"alg": "ES384"}, {"crv": "P-384"}, {"kty": "RSA"}):
        assert find_key([elliptic | other], text) is None
    assert find_key([elliptic, dict(elliptic)], text) is None, "which of them is not said"
    assert find_key(["junk", None, 7, {}], text) is None


@pytest.mark.filterwarnings("ignore:Key size should be")  # of the test's own signing
def test_a_short_key_and_one_of_nonsense_are_not_used() -> None:
    short = RSAKey.import_key(_short_rsa())
    text = token("RS256", key=short)
    for key in (short.as_dict(private=False), {"kty": "RSA", "n": "AA", "e": "AQAB"}, {"kty": "RSA"}):
        with pytest.raises(Refused, match="signature"):
            verify(text, key, EXPECTED)


def test_a_second_factor_counts_by_what_standards_call_it() -> None:
    for yes in ({"amr": ["pwd", "mfa"]}, {"acr": "phr"}, {"acr": "https://refeds.org/profile/mfa"}):
        assert has_mfa(yes)
    for no in ({}, {"amr": ["pwd", "otp"]}, {"amr": "mfa"}, {"acr": "1"}, {"acr": ["phr"]}):
        assert not has_mfa(no)


@given(st.text(max_size=60) | st.lists(st.text("abcdefgAQ_-=", max_size=20), max_size=5).map(".".join))
@settings(max_examples=100, deadline=None)
def test_no_text_is_a_token(text: str) -> None:
    with pytest.raises(Refused):
        find_key(PUBLIC, text)


def _short_rsa() -> bytes:
    made = rsa.generate_private_key(65_537, 1_024)
    pem = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return made.private_bytes(*pem)
