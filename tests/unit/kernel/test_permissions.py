"""Who may do what, and who may know of what."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from sheetport.kernel.actor import Actor, ActorKind, Grant, Path, system_actor
from sheetport.kernel.errors import Forbidden
from sheetport.kernel.permissions import (
    ACCOUNT_WIDE,
    GRANTED,
    READING,
    ROLES,
    BuiltInRole,
    Permission,
    holds,
    may,
    narrow,
    require,
)

P = Permission


def actor(kind: ActorKind, environment: str | None = "e1", space: str | None = None) -> Actor:
    return Actor(kind, "id", "a1", "token", environment, space)


def test_every_kind_of_caller_has_a_row() -> None:
    assert set(GRANTED) == set(ActorKind)


def test_every_built_in_role_has_a_row_and_each_gives_less_than_the_one_before() -> None:
    rows = [ROLES[role] for role in BuiltInRole]
    assert rows[0] == frozenset(Permission)
    assert all(less < more for more, less in pairwise(rows))


def test_permissions_are_resource_and_action_in_order() -> None:
    values = [permission.value for permission in Permission]
    assert values == sorted(values)
    assert all(value.count(":") == 1 for value in values)


def test_a_publishable_key_only_initialises_spaces() -> None:
    assert {p for p in Permission if may(actor(ActorKind.PUBLISHABLE_KEY), p)} == {Permission.SPACE_INIT}


@pytest.mark.parametrize("kind", [ActorKind.SPACE, ActorKind.PUBLISHABLE_KEY, ActorKind.GUEST])
@pytest.mark.parametrize("permission", [Permission.SECRET_READ, Permission.API_KEY_READ, Permission.VARIABLE_READ])
def test_tokens_in_browsers_never_read_secrets(kind: ActorKind, permission: Permission) -> None:
    with pytest.raises(Forbidden) as caught:
        require(actor(kind), permission)
    assert permission.value in caught.value.message


@pytest.mark.parametrize(
    "permission",
    [Permission.ENVIRONMENT_CREATE, Permission.API_KEY_WRITE, Permission.USER_WRITE, Permission.TOKEN_WRITE],
)
def test_a_secret_key_does_nothing_above_its_environment(permission: Permission) -> None:
    assert not may(actor(ActorKind.SECRET_KEY), permission)
    assert may(actor(ActorKind.USER, None), permission)


@pytest.mark.parametrize(
    ("caller", "thing", "known"),
    [
        (actor(ActorKind.SECRET_KEY), ("a1", "e1", None), True),
        (actor(ActorKind.SECRET_KEY), ("a1", "e2", None), False),
        (actor(ActorKind.SECRET_KEY), ("a2", "e1", None), False),
        (actor(ActorKind.USER, None), ("a1", "e2", "s9"), True),
        (actor(ActorKind.USER, None), ("a2", "e2", "s9"), False),
        (actor(ActorKind.SPACE, "e1", "s1"), ("a1", "e1", "s1"), True),
        (actor(ActorKind.SPACE, "e1", "s1"), ("a1", "e1", "s2"), False),
        (actor(ActorKind.SPACE, "e1", "s1"), ("a1", "e1", None), False),
        (system_actor("a9"), ("a1", "e1", "s1"), True),
    ],
)
def test_reach_is_account_then_environment_then_space(
    caller: Actor, thing: tuple[str, str, str | None], known: bool
) -> None:
    assert caller.reaches(*thing) is known


# ---- grants ----------------------------------------------------------------------------------------

ACCOUNT: Path = ()
ENVIRONMENT: Path = ("e1",)
SPACE: Path = ("e1", "s1")
WORKBOOK: Path = ("e1", "s1", "w1")
SHEET: Path = ("e1", "s1", "w1", "h1")
OTHERS: list[Path] = [("e2",), ("e1", "s2"), ("e1", "s1", "w2"), ("e1", "s1", "w1", "h2")]
LEVELS: list[Path] = [ACCOUNT, ENVIRONMENT, SPACE, WORKBOOK, SHEET]


def user(*grants: tuple[set[Permission], Path]) -> Actor:
    made = tuple(Grant(frozenset(permissions), *path) for permissions, path in grants)
    return Actor(ActorKind.USER, "u1", "a1", "token", grants=made)


@pytest.mark.parametrize("granted", LEVELS)
def test_a_grant_reaches_its_thing_and_all_in_it_and_sees_what_holds_it(granted: Path) -> None:
    caller = require(user(({P.SHEET_READ}, granted)), P.SHEET_READ)
    for thing in LEVELS[1:]:
        assert caller.reaches("a1", *thing) is (len(thing) >= len(granted))
        assert caller.sees("a1", *thing)
        assert not caller.reaches("a2", *thing)
        assert not caller.sees("a2", *thing)


@pytest.mark.parametrize("other", OTHERS)
def test_a_grant_reaches_and_sees_nothing_beside_its_thing(other: Path) -> None:
    caller = require(user(({P.SHEET_READ}, SHEET)), P.SHEET_READ)
    assert not caller.reaches("a1", *other)
    assert not caller.sees("a1", *other)


def test_what_a_call_needs_must_be_granted_on_the_thing_itself() -> None:
    caller = user(({P.SHEET_READ}, ACCOUNT), ({P.SHEET_READ, P.SHEET_WRITE}, SHEET))
    writing = require(caller, P.SHEET_WRITE)
    assert require(caller, P.SHEET_READ).reaches("a1", "e1", "s1", "w1", "h2")
    assert writing.reaches("a1", *SHEET)
    assert not writing.reaches("a1", "e1", "s1", "w1", "h2")
    assert writing.at_large().reaches("a1", "e1", "s1", "w1", "h2")


def test_needs_of_calls_within_calls_add_up_and_may_be_given_by_different_grants() -> None:
    caller = user(({P.SHEET_READ}, ACCOUNT), ({P.SHEET_WRITE}, WORKBOOK))
    both = require(require(caller, P.SHEET_WRITE), P.SHEET_READ)
    assert both.reaches("a1", *SHEET)
    assert not both.reaches("a1", "e1", "s1", "w2")


def test_a_permission_in_no_grant_is_refused() -> None:
    with pytest.raises(Forbidden, match="sheet:write"):
        require(user(({P.SHEET_READ}, ACCOUNT)), P.SHEET_WRITE)
    with pytest.raises(Forbidden):
        require(user(), P.SHEET_READ)


def test_a_grant_never_gives_more_than_the_kind_of_caller_may_have() -> None:
    guest = Actor(ActorKind.GUEST, "g1", "a1", "token", "e1", grants=(Grant(frozenset(P), "e1"),))
    assert not may(guest, P.SECRET_READ)
    assert not holds(guest, P.SECRET_READ, "e1")
    assert may(guest, P.RECORD_READ)


@pytest.mark.parametrize("permission", sorted(ACCOUNT_WIDE))
def test_what_lies_above_environments_takes_a_grant_on_the_account(permission: Permission) -> None:
    assert may(user(({permission}, ACCOUNT)), permission)
    assert not may(user(({permission}, ENVIRONMENT)), permission)


def test_a_caller_without_grants_holds_what_its_kind_may() -> None:
    assert holds(actor(ActorKind.SECRET_KEY), P.SHEET_WRITE, *SHEET)
    assert not holds(actor(ActorKind.SPACE, "e1", "s1"), P.SHEET_WRITE, *SHEET)
    assert require(actor(ActorKind.SECRET_KEY), P.SHEET_WRITE).required == frozenset()


def test_a_narrowed_caller_reaches_the_narrower_of_two_places() -> None:
    key = narrow(actor(ActorKind.SECRET_KEY), frozenset(P), "e1", "s1")
    assert key.reaches("a1", "e1", "s1", "w1")
    assert not key.reaches("a1", "e1", "s2")
    assert not key.reaches("a2", "e1", "s1")
    guest = replace(actor(ActorKind.GUEST), grants=(Grant(frozenset({P.RECORD_READ}), "e1", "s1", "w1"),))
    assert narrow(guest, frozenset(P), "e1", "s1").grants == guest.grants, "no wider than what it was given"
    assert narrow(guest, frozenset(P), "e1", "s2").grants == ()
    assert not may(narrow(guest, frozenset({P.RECORD_WRITE})), P.RECORD_READ)


def test_a_reading_caller_reads_no_values_of_secrets_and_changes_nothing() -> None:
    reading = narrow(actor(ActorKind.SECRET_KEY), READING)
    able = {p for p in P if may(reading, p)}
    assert {P.RECORD_READ, P.EVENT_SUBSCRIBE} < able
    assert P.SECRET_READ not in able
    assert all(p.endswith((":read", ":subscribe")) for p in able)


def test_whoever_is_narrowed_can_make_nobody_wider() -> None:
    user = narrow(actor(ActorKind.USER, None), frozenset(P))
    for permission in (P.TOKEN_WRITE, P.API_KEY_WRITE, P.ROLE_WRITE, P.USER_WRITE):
        assert may(actor(ActorKind.USER, None), permission)
        assert not may(user, permission)
