"""Whose word counts about where a request comes from."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from sheetport.http.proxies import FORWARDING, Proxies, is_forwarded

TRUSTED = Proxies(tuple(ip_network(each) for each in ("127.0.0.1", "10.0.0.0/8", "::1")))


def scope_of(peer: str, *headers: tuple[str, str]) -> Any:
    sent = [(name.encode(), value.encode()) for name, value in (("host", "inside:4010"), *headers)]
    return {"type": "http", "client": (peer, 4000), "scheme": "http", "headers": sent}


def seen(peer: str, *headers: tuple[str, str]) -> tuple[str, str, str]:
    """Client, scheme and host as the application gets them."""
    scope = scope_of(peer, *headers)
    TRUSTED.believe(scope)
    return scope["client"][0], scope["scheme"], dict(scope["headers"])[b"host"].decode()


@pytest.mark.parametrize(
    ("chain", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9", "203.0.113.9"),
        ("6.6.6.6, 203.0.113.9, 10.1.2.3", "203.0.113.9"),
        ("10.1.2.3, 10.1.2.4", "10.1.2.3"),
        ("6.6.6.6, nonsense, 10.1.2.3", "10.1.2.3"),
        ("nonsense", "127.0.0.1"),
        ("203.0.113.9:5123", "203.0.113.9"),
        ("[2001:db8::7]:5123", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", "127.0.0.1"),
    ],
)
def test_the_client_is_the_right_most_address_that_is_not_trusted(chain: str, client: str) -> None:
    assert seen("127.0.0.1", ("x-forwarded-for", chain))[0] == client


def test_nobody_else_is_believed() -> None:
    lies = [(name.decode(), "10.0.0.1") for name in sorted(FORWARDING)]
    assert seen("203.0.113.9", *lies, ("x-forwarded-proto", "https")) == ("203.0.113.9", "http", "inside:4010")


def test_a_trusted_proxy_tells_scheme_and_host() -> None:
    told = ("x-forwarded-proto", "https"), ("x-forwarded-host", "data.example.com")
    assert seen("10.9.9.9", *told) == ("10.9.9.9", "https", "data.example.com")
    assert seen("::1", *told)[1:] == ("https", "data.example.com")


@pytest.mark.parametrize(
    "host",
    ["a b", "evil\r\nX: y", "a/b", "user@host", "", "x" * 300],
    ids=["space", "line", "path", "user", "none", "long"],
)
def test_a_host_that_is_none_is_not_taken(host: str) -> None:
    assert seen("127.0.0.1", ("x-forwarded-host", host))[2] == "inside:4010"


def test_an_unknown_scheme_is_not_taken() -> None:
    assert seen("127.0.0.1", ("x-forwarded-proto", "gopher"))[1] == "http"


def test_the_standard_header_says_all_at_once() -> None:
    told = 'for=6.6.6.6, for="[2001:db8::7]:99";proto=https;host=data.example.com'
    assert seen("127.0.0.1", ("forwarded", told)) == ("2001:db8::7", "https", "data.example.com")
    alike = ("x-forwarded-for", "2001:db8::7")
    assert seen("127.0.0.1", ("forwarded", told), alike) == ("2001:db8::7", "https", "data.example.com")


@pytest.mark.parametrize(
    "headers",
    [
        (("forwarded", "for=1.1.1.1"), ("x-forwarded-for", "203.0.113.9")),
        (("x-forwarded-for", "1.1.1.1"), ("forwarded", "for=203.0.113.9;proto=https")),
        (("forwarded", "for=10.0.0.1"), ("x-real-ip", "203.0.113.9")),
        (("forwarded", "for=_hidden"), ("x-forwarded-for", "203.0.113.9")),
    ],
)
def test_of_two_kinds_of_headers_that_differ_neither_is_believed(headers: tuple[tuple[str, str], ...]) -> None:
    """A proxy that writes one kind hands on the other kind as its caller has sent it."""
    scope = scope_of("127.0.0.1", *headers)
    TRUSTED.believe(scope)
    assert (scope["client"][0], scope["scheme"], is_forwarded(scope)) == ("127.0.0.1", "http", True)


def test_lines_of_one_header_are_one_list_in_their_order() -> None:
    """A proxy may add a line of its own behind the one that a stranger has sent."""
    lines = [("x-forwarded-for", each) for each in ("6.6.6.6", "203.0.113.9", "10.1.2.3")]
    assert seen("127.0.0.1", *lines)[0] == "203.0.113.9"


def test_what_was_believed_is_no_sign_of_a_stranger_any_more() -> None:
    believed = scope_of("127.0.0.1", ("x-forwarded-for", "203.0.113.9"))
    TRUSTED.believe(believed)
    silent = scope_of("127.0.0.1", ("x-forwarded-proto", "https"))
    TRUSTED.believe(silent)
    assert [is_forwarded(believed), is_forwarded(silent)] == [False, True]
