"""Origins of pages: how they are written down, and which page is one of them."""

from __future__ import annotations

import pytest

from sheetport.kernel.errors import Invalid
from sheetport.kernel.origins import allows, parse_origin


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://app.example.com", "https://app.example.com"),
        (" HTTPS://App.Example.com/ ", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://*.example.com", "https://*.example.com"),
        ("https://*.example.com:8443", "https://*.example.com:8443"),
    ],
)
def test_an_origin_is_kept_as_browsers_spell_it(written: str, kept: str) -> None:
    assert parse_origin(written) == kept


@pytest.mark.parametrize(
    "written",
    [
        *("", "*", "null", "app.example.com", "https://", "ftp://example.com", "https://example.com/path"),
        *("https://example.com?x", "https://a b.com", "https://*", "https://a*.example.com", "https://a.*.com"),
        *("https://user@example.com", "https://example.com:0", "https://example.com:65536", "https://example..com"),
    ],
)
def test_what_is_no_origin_is_refused_with_what_to_write(written: str) -> None:
    with pytest.raises(Invalid, match="write https://app") as refused:
        parse_origin(written)
    assert refused.value.key == "origins"


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example.com", True),
        ("HTTPS://APP.example.com", True),
        ("https://a.parts.example.org", True),
        ("https://deep.a.parts.example.org", True),
        ("https://parts.example.org", False),
        ("https://notparts.example.org", False),
        ("http://a.parts.example.org", False),
        ("https://a.parts.example.org:8443", False),
        ("http://app.example.com", False),
        ("https://app.example.com:8443", False),
        ("https://app.example.com.evil.org", False),
        ("https://evil.org/.parts.example.org", False),
        ("https://.parts.example.org", False),
        ("null", False),
        ("", False),
    ],
)
def test_scheme_and_port_are_the_same_and_a_star_stands_for_subdomains(origin: str, allowed: bool) -> None:
    assert allows(("https://app.example.com", "https://*.parts.example.org"), origin) is allowed
