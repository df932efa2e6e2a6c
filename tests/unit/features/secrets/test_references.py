"""References between secrets: what a name means, which chains are refused, and what a reader sees."""

from __future__ import annotations

from itertools import pairwise

import pytest

from sheetport.features.secrets.model import Node, Scope
from sheetport.features.secrets.service.references import (
    MAX_CHAIN,
    Resolver,
    check_deletion,
    check_references,
    find_target,
    names_in,
)
from sheetport.kernel.errors import Conflict, Invalid, Unavailable

WIDE = Scope("acc", "env")
SPACE = Scope("acc", "env", space_id="sp_1")
OTHER = Scope("acc", "env", space_id="sp_2")
ACTOR = Scope("acc", "env", actor_id="usr_1")


def node(name: str, *refs: str, scope: Scope = WIDE) -> Node:
    return Node(f"{name}@{scope.space_id}{scope.actor_id}", scope, name, refs)


def test_names_are_found_once_and_not_where_they_are_escaped() -> None:
    value = "a ${secret:ONE} b ${secret:Two words}${secret:ONE} $${secret:NONE} ${secret:} ${other:X} ${secret:A{B}"
    assert names_in(value) == ("ONE", "Two words")


def test_a_name_means_the_nearest_secret_that_is_set_here_or_wider() -> None:
    nodes = [node("A"), node("A", scope=SPACE), node("A", scope=OTHER), node("A", scope=ACTOR)]
    assert find_target(nodes, SPACE, "A") == nodes[1]
    assert find_target(nodes, WIDE, "A") == nodes[0], "a narrower secret changes nothing of a wider one"
    assert find_target(nodes, ACTOR, "A") == nodes[3]
    assert find_target(nodes, WIDE, "B") is None


def test_a_reference_to_nothing_is_refused_by_name() -> None:
    with pytest.raises(Invalid, match="'B', which is not set here or wider"):
        check_references([node("B", scope=SPACE)], node("A", "B"))
    check_references([node("B")], node("A", "B", scope=SPACE))


@pytest.mark.parametrize(
    ("others", "changed", "chain"),
    [
        ([], node("A", "A"), "A → A"),
        ([node("B", "A")], node("A", "B"), "A → B → A"),
        ([node("B", "C"), node("C", "A")], node("A", "B"), "A → B → C → A"),
        ([node("B", "A", scope=SPACE), node("A", "B", scope=SPACE)], node("B", "A", scope=SPACE), "B → A → B"),
    ],
)
def test_a_circle_is_refused_and_the_chain_named(others: list[Node], changed: Node, chain: str) -> None:
    with pytest.raises(Invalid) as refused:
        check_references(others, changed)
    assert chain in refused.value.message
    assert refused.value.key == "value"


def test_a_scope_between_two_is_no_circle() -> None:
    check_references([node("A", "B"), node("B")], node("B", "A", scope=SPACE))


def test_a_chain_may_have_its_length_and_no_more_on_either_side_of_the_change() -> None:
    names = [f"S{number}" for number in range(MAX_CHAIN + 1)]
    links = [node(name, following) for name, following in pairwise(names)] + [node(names[-1])]
    check_references(links[1:], links[1])
    for changed in (links[0], links[4], links[-2]):
        with pytest.raises(Invalid, match=f"more than {MAX_CHAIN}: S0 → S1 → "):
            check_references(links, changed)


def test_a_diamond_is_no_circle() -> None:
    check_references([node("B", "D"), node("C", "D"), node("D")], node("A", "B", "C"))


def test_what_others_refer_to_is_not_deleted_unless_a_wider_one_takes_its_place() -> None:
    with pytest.raises(Conflict, match=r"'A' .* refers to 'B'"):
        check_deletion([node("A", "B"), node("B")], node("B"))
    check_deletion([node("A", "B", scope=SPACE), node("B"), node("B", scope=SPACE)], node("B", scope=SPACE))
    check_deletion([node("A", "B"), node("B"), node("B", scope=SPACE)], node("B", scope=SPACE))


def resolved(values: dict[Node, str], wanted: Node) -> str:
    return Resolver(list(values), {each.id: value for each, value in values.items()}).resolve(wanted)


def test_values_take_the_place_of_references_whole_or_in_part() -> None:
    host, user, url = node("HOST"), node("USER"), node("URL", "USER", "HOST")
    values = {
        host: "db.example.com",
        user: "${secret:HOST}-user",
        url: "pg://${secret:USER}@${secret:HOST}/$${secret:X}",
    }
    assert resolved(values, url) == "pg://db.example.com-user@db.example.com/${secret:X}"


def test_a_value_is_not_looked_through_for_further_references() -> None:
    assert (
        resolved({node("A"): "$${secret:B}", node("B"): "b", (c := node("C", "A")): "<${secret:A}>"}, c)
        == "<${secret:B}>"
    )


def test_what_no_write_lets_through_is_refused_at_reading() -> None:
    a, b = node("A", "B"), node("B", "A")
    with pytest.raises(Unavailable, match="refers to itself"):
        resolved({a: "${secret:B}", b: "${secret:A}"}, a)
    with pytest.raises(Unavailable, match="'B', which is not set"):
        resolved({a: "${secret:B}"}, a)
    doubled = {node(f"S{number}"): f"${{secret:S{number + 1}}}" * 40 for number in range(7)} | {node("S7"): "x" * 40}
    with pytest.raises(Unavailable, match="more than 64 KiB"):
        resolved(doubled, node("S0"))
