"""The list of targets that may be called though they are not public.

It is changed on the server's own machine only: whoever may add to it reaches the network that the server stands in,
which belongs to whoever runs the server and not to an account.
"""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.egress import store
from sheetport.features.egress.model import Allowance, Allowed, allowed_by, parse_target
from sheetport.features.places import service as places
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.errors import Forbidden, NotFound
from sheetport.storage.unit_of_work import UnitOfWork


async def allow_target(uow: UnitOfWork, actor: Actor, target: str, environment_id: str | None = None) -> str:
    """Allow calls to a host, an address or a network; the target as it is stored. Raises Invalid, NotFound."""
    await _require_operator(uow, actor, environment_id)
    target = parse_target(target)
    if await store.insert_allowance(uow, actor.account_id, environment_id, target):
        await _record(uow, actor, "egress:allow", target, environment_id)
    return target


async def remove_target(uow: UnitOfWork, actor: Actor, target: str, environment_id: str | None = None) -> str:
    """Allow it no more, from the next call on. Raises NotFound when it is not on the list."""
    await _require_operator(uow, actor, environment_id)
    target = parse_target(target)
    if not await store.delete_allowance(uow, actor.account_id, environment_id, target):
        raise NotFound(f"{target} is not on that list. See: sheetport egress list", "target")
    await _record(uow, actor, "egress:remove", target, environment_id)
    return target


async def find_allowed(uow: UnitOfWork, account_id: str, environment_id: str) -> Allowed:
    """What may be called beyond the public internet on behalf of an environment."""
    return allowed_by(await store.list_targets(uow, account_id, environment_id))


async def list_allowances(uow: UnitOfWork, actor: Actor) -> list[Allowance]:
    """Every allowance of the account, of all its environments."""
    await _require_operator(uow, actor, None)
    return await store.list_allowances(uow, actor.account_id)


async def _require_operator(uow: UnitOfWork, actor: Actor, environment_id: str | None) -> None:
    if actor.kind is not ActorKind.SYSTEM:
        raise Forbidden("Targets are allowed on the server's own machine: sheetport egress", "permission")
    if environment_id is not None:
        await places.get_place(uow, actor, environment_id, "env")


async def _record(uow: UnitOfWork, actor: Actor, action: str, target: str, environment_id: str | None) -> None:
    await audit.record(uow, actor, action, target, environment_id=environment_id)
