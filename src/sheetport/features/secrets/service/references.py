"""``${secret:NAME}`` in a value: another secret's value in its place.

A name is looked up where the secret that refers is set, and wider: a secret of the environment refers to secrets of
the environment, one of a space to the space's and then the environment's. So nobody changes by a narrower secret
what a wider one says. ``$${secret:NAME}`` stands for the text ``${secret:NAME}`` itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sheetport.features.secrets.model import Node, Scope
from sheetport.features.secrets.service.sealing import MAX_BYTES
from sheetport.kernel.errors import Conflict, Invalid, Unavailable

#: So many secrets may stand in a row that refer to each other, the last of which refers to none.
MAX_CHAIN = 8
_REFERENCE = re.compile(r"(\$?)\$\{secret:([^{}]{1,255})\}")


def names_in(value: str) -> tuple[str, ...]:
    """The names that a value refers to, each once."""
    found = (match[2] for match in _REFERENCE.finditer(value) if not match[1])
    return tuple(dict.fromkeys(found))


def find_target(nodes: Iterable[Node], scope: Scope, name: str) -> Node | None:
    """What ``name`` means in a secret of ``scope``."""
    reached = [node for node in nodes if node.name == name and node.scope.covers(scope)]
    return max(reached, key=lambda node: node.scope.rank, default=None)


def check_references(nodes: Iterable[Node], changed: Node) -> None:
    """Raise Invalid, naming the chain, where ``changed`` refers to nothing, in a circle, or too far."""
    graph = _Graph([*(node for node in nodes if node.id != changed.id), changed])
    for name in changed.refs:
        if graph.target(changed, name) is None:
            raise Invalid(
                f"value refers to the secret {name!r}, which is not set here or wider; set it first, or write "
                f"$${{secret:{name}}} for the text itself.",
                "value",
            )
    for start in (changed, *(node for node in graph.nodes if node.refs)):
        trail = graph.fault_from(start, (start,))
        if trail is not None and any(node.id == changed.id for node in trail):
            chain = " → ".join(node.name for node in trail)
            fault = "refer to each other in a circle" if len(trail) <= MAX_CHAIN else f"are more than {MAX_CHAIN}"
            raise Invalid(f"value would make a chain of secrets that {fault}: {chain}.", "value")


def check_deletion(nodes: Iterable[Node], gone: Node) -> None:
    """Raise Conflict where another secret refers to what is to be deleted, and would refer to nothing."""
    rest = [node for node in nodes if node.id != gone.id]
    for node in rest:
        lost = gone.name in node.refs and gone.scope.covers(node.scope)
        if lost and find_target(rest, node.scope, gone.name) is None:
            raise Conflict(
                f"The secret {node.name!r} ({node.id}) refers to {gone.name!r}; change or delete that one first.",
                "secretId",
            )


class _Graph:
    """Which node refers to which; a name's nodes are looked up once."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self._named: dict[str, list[Node]] = {}
        for node in nodes:
            self._named.setdefault(node.name, []).append(node)
        self._sound: dict[str, int] = {}

    def target(self, node: Node, name: str) -> Node | None:
        return find_target(self._named.get(name, ()), node.scope, name)

    def fault_from(self, node: Node, trail: tuple[Node, ...]) -> tuple[Node, ...] | None:
        """A trail from ``node`` on that comes back to itself or is too long; None when there is none."""
        if len(trail) > MAX_CHAIN:
            return trail
        if node.id in self._sound and len(trail) - 1 + self._sound[node.id] <= MAX_CHAIN:
            return None
        longest = 1
        for name in node.refs:
            target = self.target(node, name)
            if target is None:
                continue
            if any(target.id == seen.id for seen in trail):
                return (*trail, target)
            fault = self.fault_from(target, (*trail, target))
            if fault is not None:
                return fault
            longest = max(longest, 1 + self._sound[target.id])
        self._sound[node.id] = longest
        return None


@dataclass
class Resolver:
    """Puts values in the place of references. ``values`` are the raw ones, by id, of the nodes that a reader has."""

    nodes: list[Node]
    values: Mapping[str, str] = field(repr=False)
    _done: dict[str, str] = field(default_factory=dict, repr=False)

    def resolve(self, node: Node, trail: tuple[str, ...] = ()) -> str:
        """The value as a reader sees it. Raises Unavailable for what no write lets through."""
        if node.id in self._done:
            return self._done[node.id]
        if node.id in trail or len(trail) > MAX_CHAIN:
            raise Unavailable(f"The secret {node.name!r} ({node.id}) refers to itself; set it anew.", "secret")

        def put(match: re.Match[str]) -> str:
            if match[1]:
                return match[0][1:]
            target = find_target(self.nodes, node.scope, match[2])
            if target is None:
                message = f"The secret {node.name!r} ({node.id}) refers to {match[2]!r}, which is not set; set it."
                raise Unavailable(message, "secret")
            return self.resolve(target, (*trail, node.id))

        made = _REFERENCE.sub(put, self.values[node.id])
        if len(made.encode()) > MAX_BYTES:
            message = (
                f"The secret {node.name!r} ({node.id}) has more than {MAX_BYTES // 1024} KiB with what it refers to; "
                "shorten it."
            )
            raise Unavailable(message, "secret")
        self._done[node.id] = made
        return made
