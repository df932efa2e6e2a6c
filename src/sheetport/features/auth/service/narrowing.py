"""What a credential is narrowed to: a space or a workbook, reading, calls, networks. It is said when the credential is
made, can be changed, and holds for what is exchanged for it too.
"""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.auth.model import Narrowing, Wanted
from sheetport.features.auth.store import narrowing_of
from sheetport.features.places import service as places
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid
from sheetport.kernel.json import loads
from sheetport.kernel.operations import parse_network, parse_operation
from sheetport.kernel.permissions import READING, Permission, narrow
from sheetport.storage.unit_of_work import Row, UnitOfWork

MAX_OPERATIONS = MAX_NETWORKS = 100
_ALL = frozenset(Permission)


def narrowed(actor: Actor, row: Row) -> Actor:
    """The actor of a credential's row as narrow as it and what it was exchanged for say."""
    return _narrowed_by(actor, row, "parent_", "")


def narrowed_once_more(actor: Actor, row: Row) -> Actor:
    """The actor of a narrowed token's row: ``actor`` is that of what it was exchanged for, as narrow as that is."""
    return _narrowed_by(actor, row, "")


def _narrowed_by(actor: Actor, row: Row, *prefixes: str) -> Actor:
    for prefix in prefixes:
        scope, operations = row[f"{prefix}scope"], row[f"{prefix}operations"]
        if scope or operations not in {None, "[]"}:
            actor = _narrowed(actor, narrowing_of(scope), loads(operations or "[]"))
    return actor


def _narrowed(actor: Actor, scope: Narrowing, operations: list[dict[str, str]]) -> Actor:
    permissions = READING if scope.read_only else _ALL
    if scope.permissions:
        permissions &= {permission for permission in _ALL if permission.value in scope.permissions}
    actor = narrow(actor, permissions, scope.environment_id, scope.space_id, scope.workbook_id, scope.sheet_id)
    return replace(
        actor,
        operations=actor.operations or tuple((each["method"], each["path"]) for each in operations),
        networks=actor.networks or scope.networks,
        bound_to=actor.bound_to or scope.bound_to,
    )


async def chosen_scope(
    uow: UnitOfWork, actor: Actor, environment_id: str | None, wanted: Wanted
) -> tuple[Narrowing, list[dict[str, str]]]:
    """What ``wanted`` narrows a credential to, and to which calls. A key is of ``environment_id``.

    Raises Invalid, and NotFound for a space or workbook that the caller does not reach.
    """
    environment, space = wanted.environment_id, None
    if environment is not None:
        await places.get_place(uow, actor, environment, "env")
    for thing, kind in ((wanted.space_id, "sp"), (wanted.workbook_id, "wb")):
        if thing is None:
            continue
        place = await places.get_place(uow, actor, thing, kind)
        if place.environment_id != (environment or environment_id or place.environment_id) or space not in {
            None,
            place.space_id,
        }:
            raise places.not_found(thing, kind)
        environment, space = place.environment_id, place.space_id
    scope = Narrowing(environment, space, wanted.workbook_id, wanted.read_only, _networks(wanted.networks))
    return scope, _operations(wanted.operations)


def _networks(texts: list[str]) -> tuple[str, ...]:
    try:
        found = tuple(dict.fromkeys(parse_network(text) for text in texts))
    except ValueError as error:
        raise Invalid(f"networks: {error}.", "networks") from None
    if len(found) > MAX_NETWORKS:
        raise Invalid(f"A token takes at most {MAX_NETWORKS} networks.", "networks")
    return found


def _operations(pairs: list[tuple[str, str]]) -> list[dict[str, str]]:
    try:
        found = dict.fromkeys(parse_operation(method, path) for method, path in pairs)
    except ValueError as error:
        raise Invalid(f"operations: {error}.", "operations") from None
    if len(found) > MAX_OPERATIONS:
        raise Invalid(f"A token takes at most {MAX_OPERATIONS} operations; /* at the end covers many.", "operations")
    return [{"method": method, "path": path} for method, path in found]
