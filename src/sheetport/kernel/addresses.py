"""Which network addresses lie in the public internet, and which must never be reached by accident.

An address is judged by what it leads to: one that carries an IPv4 address inside (mapped, NAT64) is public only if
that one is.
"""

from __future__ import annotations

import ipaddress

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

#: Where clouds hand out credentials to whoever asks from inside. Some of these are public addresses by their number.
METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",
            "169.254.170.2",
            "169.254.170.23",
            "100.100.100.200",
            "192.0.0.192",
            "168.63.129.16",
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",
        ),
    )
)
#: IANA's special-purpose IPv4 networks. Listed here, because what the standard library calls global differs by version.
_SPECIAL_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/3",
        ),
    )
)
#: All that is given out of IPv6 lies in the first; the others are parts of it that are not.
_GIVEN_OUT = ipaddress.IPv6Network("2000::/3")
_SPECIAL_6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def parse_address(text: str) -> Address:
    """An address as resolvers write it, a zone left off. Raises ValueError."""
    found = ipaddress.ip_address(text.partition("%")[0])
    return (found.ipv4_mapped or found) if isinstance(found, ipaddress.IPv6Address) else found


def is_public(address: Address) -> bool:
    """Whether the address leads to the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(address.packed[-4:]))
        return address in _GIVEN_OUT and not any(address in network for network in _SPECIAL_6)
    return address not in METADATA and not any(address in network for network in _SPECIAL_4)


def is_metadata(address: Address) -> bool:
    """Whether the address is a cloud's metadata service, also behind NAT64."""
    if isinstance(address, ipaddress.IPv6Address) and address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:]) in METADATA
    return address in METADATA
