"""What strangers may send before anybody knows them: tokens, headers, cookies, forms.

Nothing of it breaks a parser, and nothing that was made up or changed is taken for real.
"""

from __future__ import annotations

import ipaddress
import os
import string
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote_from_bytes

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fuzz.shots import examples
from servers.data_places import DataPlace
from sheetport.config import StorageSettings
from sheetport.features.auth.service.derived import mint_space_token, read_space_token
from sheetport.features.egress.model import parse_target
from sheetport.features.events.api.polls import _query
from sheetport.features.events.service.subscriptions import read_subscription_token
from sheetport.features.logins.service.tickets import Purpose, make_ticket, read_ticket
from sheetport.http.auth import bearer_token
from sheetport.http.front import one_spelling
from sheetport.http.proxies import FORWARDING, Proxies
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.errors import Invalid, Unauthenticated
from sheetport.kernel.origins import allows, parse_origin
from worlds import PASSWORD, World, opened_world

fuzzed = settings(
    max_examples=150 * int(os.environ.get("SHEETPORT_FUZZ_EXAMPLES", "1")),
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
KEYS = KeyRing.generate()
SPACE_TOKEN = mint_space_token(KEYS, "us_sp_abcd1234", 3, 1_800_000_000_000)
TICKET = make_ticket(KEYS, Purpose.RESET, 1_900_000_000_000, "us_usr_1", "é")
TRUSTED = Proxies((ipaddress.ip_network("10.0.0.0/8"),))
#: Header values as a server hands them on: any byte but those that end a line.
VALUES = st.binary(max_size=60).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b""))
#: Parts that addresses and forwarding headers are made of, in any order.
WORDS = st.sampled_from(
    [
        *(b"for=", b'"', b",", b";", b"=", b" ", b"[", b"]", b":", b"%", b"proto=https", b"host=evil.example"),
        *(b"10.0.0.1", b"127.0.0.1", b"1.2.3.4", b"[::1]", b"2001:db8::7", b"unknown", b"_hidden", b"4711", b"\xff"),
    ]
)
ELEMENTS = st.sampled_from(
    [b"for=1.2.3.4", b'for="[2001:db8::7]:99"', b"for=10.0.0.1;proto=https", b"1.2.3.4", b"host=x"]
)
FORWARDED = st.lists(WORDS, max_size=12).map(b"".join) | st.lists(ELEMENTS, max_size=4).map(b", ".join)
STRANGE_HEADERS = st.lists(st.tuples(st.sampled_from(sorted(FORWARDING)), FORWARDED | VALUES), max_size=5)
TEXTS = st.text(max_size=80) | st.text("spt_.~us0123456789abcdef\u00e9\u0661", max_size=80)


def scope_of(headers: list[tuple[bytes, bytes]], peer: str = "10.0.0.9") -> Any:
    sent = [(b"host", b"inside:4010"), *headers]
    return {"type": "http", "client": (peer, 1), "scheme": "http", "headers": sent, "state": {}, "path": "/"}


@fuzzed
@given(TEXTS)
def test_no_made_up_token_is_a_derived_one(text: str) -> None:
    for token in (text, "spt_" + text, "sst_" + text):
        assert read_space_token(KEYS, token) is None
        assert read_subscription_token(KEYS, token) is None
    for purpose in Purpose:
        assert read_ticket(KEYS, purpose, text, 0) is None


@fuzzed
@given(st.integers(0, len(SPACE_TOKEN) - 1), st.characters(codec="utf-8"), st.sampled_from(["put", "set", "cut"]))
def test_no_changed_token_is_the_one_it_was(at: int, letter: str, how: str) -> None:
    changed = SPACE_TOKEN[:at] + ("" if how == "cut" else letter) + SPACE_TOKEN[at + (how != "put") :]
    claim = read_space_token(KEYS, changed)
    assert (claim is not None) == (changed == SPACE_TOKEN)
    assert read_space_token(KeyRing.generate(), SPACE_TOKEN) is None


@fuzzed
@given(st.integers(0, len(TICKET) - 1), st.characters(codec="utf-8"), st.sampled_from(["put", "set", "cut"]))
def test_no_changed_ticket_is_the_one_it_was(at: int, letter: str, how: str) -> None:
    changed = TICKET[:at] + ("" if how == "cut" else letter) + TICKET[at + (how != "put") :]
    assert (read_ticket(KEYS, Purpose.RESET, changed, 0) is not None) == (changed == TICKET)
    assert read_ticket(KEYS, Purpose.DEVICE, TICKET, 0) is None
    assert read_ticket(KEYS, Purpose.RESET, TICKET, 2_000_000_000_000) is None


@fuzzed
@given(st.lists(st.tuples(st.sampled_from([b"authorization", b"x-other"]), VALUES | VALUES.map(b"Bearer ".__add__))))
def test_a_bearer_is_text_or_refused(headers: list[tuple[bytes, bytes]]) -> None:
    try:
        token = bearer_token(scope_of(headers))
    except Unauthenticated:
        return
    assert token.strip(string.whitespace) != ""


@fuzzed
@given(STRANGE_HEADERS, st.booleans())
def test_headers_of_a_stranger_change_nothing(headers: list[tuple[bytes, bytes]], split: bool) -> None:
    scope = scope_of(headers, "203.0.113.9")
    before = {**scope, "headers": list(scope["headers"])}
    assert not TRUSTED.believe(scope)
    assert scope == before


@fuzzed
@given(STRANGE_HEADERS, st.booleans())
def test_nothing_smuggled_through_a_proxy_names_another_client(headers: list[tuple[bytes, bytes]], line: bool) -> None:
    """The proxy adds whom it has seen to the end of X-Forwarded-For, in the same line or in one of its own."""
    seen = b"203.0.113.77"
    chain = [value for name, value in headers if name == b"x-forwarded-for"]
    others = [pair for pair in headers if pair[0] != b"x-forwarded-for"]
    if line:
        told = [*((b"x-forwarded-for", value) for value in chain), (b"x-forwarded-for", seen)]
    else:
        told = [(b"x-forwarded-for", b", ".join([*chain, seen]))]
    for sent in ([*others, *told], [*told, *others]):
        scope = scope_of(sent)
        assert TRUSTED.believe(scope)
        assert scope["client"][0] in {seen.decode(), "10.0.0.9"}
        assert scope["scheme"] in {"http", "https"}


@fuzzed
@given(
    st.binary(max_size=80).map(quote_from_bytes) | st.text("&=%+aé", max_size=40), st.text("/v1api2-ph", max_size=40)
)
def test_queries_and_paths_of_polls(query: str, path: str) -> None:
    assert all(isinstance(value, str) for value in _query(query.encode()).values())
    once = one_spelling("/" + path)
    assert "//" not in once
    assert one_spelling(once).startswith("/")


@fuzzed
@given(st.text(max_size=60) | st.text("https://*.example:0123456789[]@", max_size=40))
def test_origins_and_targets_are_taken_as_they_are_kept_or_refused(text: str) -> None:
    for parse in (parse_origin, parse_target):
        try:
            kept = parse(text)
        except Invalid:
            continue
        assert parse(kept) == kept
    assert not allows(["https://app.example.com", "https://*.example.net"], text + "\n")


# ---- against the application ---------------------------------------------------------------------


@pytest.fixture
async def web(sqlite_place: DataPlace) -> AsyncIterator[World]:
    """A world on SQLite: what is refused here never reaches a database."""
    storage = StorageSettings(sqlite_place.data, sqlite_place.data.with_suffix(".key"))
    async with opened_world(storage) as world:
        yield world


async def test_no_made_up_credential_is_let_in(web: World, more: int) -> None:
    shape = await web.call("GET", "/v1/environments", token="")
    assert shape.status == 401
    real = [web.sk.encode(), web.pk.encode(), web.pat.encode(), SPACE_TOKEN.encode()]
    bent = st.tuples(st.sampled_from(real), st.integers(0, 60), VALUES).map(
        lambda t: t[0][: t[1]] + t[2] + t[0][t[1] :]
    )
    kinds = st.sampled_from([b"Bearer ", b"bearer  ", b"BEARER ", b"Basic ", b"DPoP ", b"Bearer", b""])
    for kind, value in examples(st.tuples(kinds, VALUES | bent), 150 * more):
        if value.strip() in real:
            continue
        reply = await web.client.get("/v1/environments", headers=[(b"Authorization", kind + value)])
        assert reply.status_code == 401, value
        # Whoever says to prove possession may be asked for the proof, whatever the token is.
        asked_for_proof = kind.startswith(b"DPoP") and reply.json()["errors"][0]["key"] == "DPoP"
        assert asked_for_proof or reply.json() == shape.body, value


async def test_no_cookie_and_no_form_breaks_a_page(web: World, more: int) -> None:
    token = await web.form_token()
    nonce = web.client.cookies["sheetport_form"]
    fields = st.dictionaries(
        st.sampled_from(["email", "password", "form_token", "other", ""]), st.binary(max_size=40), max_size=6
    ).map(
        lambda form: b"&".join(name.encode() + b"=" + quote_from_bytes(value).encode() for name, value in form.items())
    )
    bodies = st.binary(max_size=80) | fields | fields.map(lambda form: form + b"&form_token=" + token.encode())
    cookies = VALUES | VALUES.map(lambda value: b"sheetport_session=" + value + b"; sheetport_form=" + nonce.encode())
    kinds = st.sampled_from(
        ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain", "application/json"]
    )
    web.client.cookies.clear()
    for body, cookie, kind, path in examples(
        st.tuples(bodies, cookies, kinds, st.sampled_from(["/sign-in", "/setup", "/sign-out", "/first-page/keys"])),
        40 * more,
    ):
        headers = [(b"Cookie", cookie), (b"Content-Type", kind.encode())]
        reply = await web.client.post(path, content=body, headers=headers)
        assert 400 <= reply.status_code < 500, (path, body, cookie)
        assert "sheetport_session=at_" not in str(reply.headers)
        shown = await web.client.get("/", headers=headers[:1])
        assert (shown.status_code, web.dev in shown.text) == (200, False)
    await web.post_form("/sign-in", {"email": "admin@example.com", "password": PASSWORD})
    assert web.dev in (await web.client.get("/")).text
