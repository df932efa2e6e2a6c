"""Which calls a token is for, and from where."""

from __future__ import annotations

import pytest

from sheetport.kernel.operations import is_within, parse_network, parse_operation, permits


@pytest.mark.parametrize(
    ("pattern", "path", "is_permitted"),
    [
        ("/v1/spaces", "/v1/spaces", True),
        ("/v1/spaces", "/v1/spaces/", True),
        ("/v1/spaces", "/v1/spaces/us_sp_1", False),
        ("/v1/spaces/{spaceId}", "/v1/spaces/us_sp_1", True),
        ("/v1/spaces/{spaceId}", "/v1/spaces/us_sp_1/documents", False),
        ("/v1/sheets/{sheetId}/records", "/v1/sheets/us_sh_1/records", True),
        ("/v1/sheets/{sheetId}/records", "/v1/sheets/a/b/records", False),
        ("/v1/spaces/*", "/v1/spaces", True),
        ("/v1/spaces/*", "/v1/spaces/us_sp_1/documents/us_dc_1", True),
        ("/v1/spaces/*", "/v1/spacesuits", False),
        ("/v1/a.b", "/v1/aXb", False),
        ("/v1/*", "/v1/jobs", True),
        ("/v1/*", "/v2-alpha/records", False),
    ],
)
def test_a_pattern_permits_its_paths_and_no_other(pattern: str, path: str, is_permitted: bool) -> None:
    operations = (parse_operation("get", pattern),)
    assert permits(operations, "GET", path) is is_permitted
    assert not permits(operations, "POST", path)
    assert permits((parse_operation("*", pattern),), "DELETE", path) is is_permitted


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("FETCH", "/v1/spaces"),
        ("GET", "/spaces"),
        ("GET", "/v1/sp*"),
        ("GET", "/v1/*/documents"),
        ("GET", "/v1/{}"),
        ("GET", "/v1//spaces"),
        ("GET", "/v1/" + "a" * 200),
        ("GET", "/v1/spaces\n"),
    ],
)
def test_what_is_no_operation_is_refused(method: str, path: str) -> None:
    with pytest.raises(ValueError, match=r"method|path"):
        parse_operation(method, path)


def test_networks_hold_addresses_of_their_own_kind_and_mapped_ones() -> None:
    networks = tuple(parse_network(text) for text in (" 203.0.113.7", "10.0.0.0/8", "2001:db8::/32"))
    assert networks == ("203.0.113.7/32", "10.0.0.0/8", "2001:db8::/32")
    for address in ("203.0.113.7", "10.255.0.1", "::ffff:10.1.2.3", "2001:db8::1"):
        assert is_within(networks, address), address
    for outside in ("203.0.113.8", "11.0.0.1", "2001:db9::1", "nonsense", None):
        assert not is_within(networks, outside), outside
    for wrong in ("", "10.0.0.1/8", "example.com", "300.1.1.1"):
        with pytest.raises(ValueError, match="no address or network"):
            parse_network(wrong)
