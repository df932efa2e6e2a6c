"""What outbound calls may reach beyond the public internet, what they answer, and how they fail."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from sheetport.config import Network
from sheetport.kernel.addresses import Address, is_metadata, is_public
from sheetport.kernel.errors import Forbidden, Invalid, Unavailable

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
#: A network this large is half the internet: nobody means that.
_WIDEST = {4: 8, 6: 16}
MAX_NAME = 253


class EgressRefused(Forbidden):
    """The target is not one that this server may call; nothing was sent."""


class EgressFailed(Unavailable):
    """The target did not answer in time, or not within the limits."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """One target that may be called though it is not public: a host's name, an address or a network.

    ``environment_id`` None is every environment of the account.
    """

    target: str
    environment_id: str | None
    created_at: int


@dataclass(frozen=True, slots=True)
class Allowed:
    """All that one caller may call beyond the public internet."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()

    def permits(self, host: str, address: Address) -> bool:
        """Whether ``host``, which has resolved to ``address``, may be called.

        A metadata service is reached by its exact name or address only, never because a network holds it.
        """
        if host in self.hosts:
            return True
        return not is_metadata(address) and (is_public(address) or any(address in each for each in self.networks))


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered; header names are lower case. A redirect is an answer: none is followed."""

    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def host_key(host: str) -> str:
    """A host's name as allowances hold it."""
    return host.lower().removesuffix(".")


def parse_target(text: str) -> str:
    """A target as it is stored: a lower-case name, an address, or a network such as 10.1.0.0/16. Raises Invalid."""
    text = host_key(text.strip().strip("[]"))
    try:
        network = ipaddress.ip_network(text)
    except ValueError:
        last = text.rpartition(".")[2]
        if len(text) <= MAX_NAME and _NAME.fullmatch(text) and not re.fullmatch(r"\d+|0x[0-9a-f]*", last):
            return text
        raise Invalid(
            f"{text[:60]!r} is no target: write a host's name (hooks.example.internal), an address (10.1.2.3) or a"
            " network by its first address (10.1.0.0/16); no scheme, port, path or *.",
            "target",
        ) from None
    if network.prefixlen < _WIDEST[network.version]:
        raise Invalid(f"{text[:60]} is too wide: at most a /{_WIDEST[network.version]} may be allowed.", "target")
    return str(network.network_address) if network.num_addresses == 1 else str(network)


def allowed_by(targets: Iterable[str]) -> Allowed:
    """What stored targets allow together. An address stands for itself and for names that lead to it."""
    hosts, networks = set(), []
    for target in targets:
        try:
            network = ipaddress.ip_network(target)
        except ValueError:
            hosts.add(target)
            continue
        networks.append(network)
        if network.num_addresses == 1:
            hosts.add(target)
    return Allowed(frozenset(hosts), tuple(networks))
