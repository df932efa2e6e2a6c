"""Who may do what, and who may know of what."""

from __future__ import annotations

import pytest

from sheetport.kernel.actor import Actor, ActorKind, system_actor
from sheetport.kernel.errors import Forbidden
from sheetport.kernel.permissions import GRANTED, Permission, may, require


def actor(kind: ActorKind, environment: str | None = "e1", space: str | None = None) -> Actor:
    return Actor(kind, "id", "a1", "token", environment, space)


def test_every_kind_of_caller_has_a_row() -> None:
    assert set(GRANTED) == set(ActorKind)


def test_permissions_are_resource_and_action_in_order() -> None:
    values = [permission.value for permission in Permission]
    assert values == sorted(values)
    assert all(value.count(":") == 1 for value in values)


def test_a_publishable_key_only_initialises_spaces() -> None:
    assert {p for p in Permission if may(actor(ActorKind.PUBLISHABLE_KEY), p)} == {Permission.SPACE_INIT}


@pytest.mark.parametrize("kind", [ActorKind.SPACE, ActorKind.PUBLISHABLE_KEY])
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
