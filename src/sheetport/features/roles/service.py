"""Roles of an account, and giving them to users, guests and agents. Every change holds from its reply on.

Nobody gives or takes what they do not hold themselves on that very thing, and an account keeps an Administrator.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sheetport.features.accounts import service as accounts
from sheetport.features.audit import service as audit
from sheetport.features.places import service as places
from sheetport.features.roles import store
from sheetport.features.roles.model import ActorRole, Holder, Role
from sheetport.kernel.actor import Actor, Grant, Path
from sheetport.kernel.errors import Conflict, Forbidden, Invalid, NotFound
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import GRANTED, ROLES, BuiltInRole, Permission, holds, require
from sheetport.storage.unit_of_work import Row, UnitOfWork

MAX_NAME = 255
#: What a role can be given on, by the type word of its id; the account is named by its own id.
RESOURCES = ("env", "sp", "wb", "sh")


async def open_roles(uow: UnitOfWork, account_id: str) -> None:
    """Give a new account its built-in roles."""
    for name in BuiltInRole:
        await store.insert_role(uow, Role(new_id("rol", account_id), account_id, name, uow.now, uow.now, name))


# ---- roles of an account ------------------------------------------------------------------------------


async def list_roles(uow: UnitOfWork, actor: Actor) -> list[Role]:
    """The roles of the caller's account, the built-in ones first."""
    actor = require(actor, Permission.ROLE_READ)
    return _in_order(await store.list_roles(uow, actor.account_id))


async def create_role(uow: UnitOfWork, actor: Actor, name: str, permissions: Iterable[str]) -> Role:
    """A new custom role. Raises Invalid, Conflict (the name is taken) and Forbidden for more than the caller holds."""
    actor = require(actor, Permission.ROLE_WRITE)
    given = _permissions(actor, permissions)
    role = Role(new_id("rol", actor.account_id), actor.account_id, _name(name), uow.now, uow.now, custom=given)
    await _require_free_name(uow, role)
    await store.insert_role(uow, role)
    await audit.record(uow, actor, "role:create", role.id, name=role.name, permissions=sorted(role.custom))
    return role


async def update_role(
    uow: UnitOfWork, actor: Actor, role_id: str, name: str | None = None, permissions: Iterable[str] | None = None
) -> Role:
    """Change a custom role's name or permissions, for all who have it; what is None stays.

    Raises NotFound, Forbidden for a built-in role, and what :func:`create_role` raises.
    """
    actor = require(actor, Permission.ROLE_WRITE)
    before = await _get_custom(uow, actor, role_id)
    after = replace(
        before,
        name=before.name if name is None else _name(name),
        custom=before.custom if permissions is None else _permissions(actor, permissions),
        updated_at=uow.now,
    )
    await _require_free_name(uow, after)
    await store.update_role(uow, after)
    await accounts.bump_generation(uow, actor.account_id)
    await audit.record(uow, actor, "role:update", role_id, name=after.name, permissions=sorted(after.custom))
    return after


async def delete_role(uow: UnitOfWork, actor: Actor, role_id: str) -> None:
    """Delete a custom role that nobody has. Raises NotFound, Forbidden for a built-in role, and Conflict."""
    actor = require(actor, Permission.ROLE_WRITE)
    role = await _get_custom(uow, actor, role_id)
    await accounts.bump_generation(uow, actor.account_id)  # its lock has whoever gives it at this moment wait
    held = await store.count_holders(uow, role_id)
    if held:
        raise Conflict(f"The role {role.name!r} is still given ({held}): take it from all who have it.", "roleId")
    await store.delete_role(uow, role_id)
    await audit.record(uow, actor, "role:delete", role_id, name=role.name)


# ---- who has which; for the slices of the holders, which have checked that the caller may change them ----------


async def list_actor_roles(uow: UnitOfWork, holder: Holder) -> list[ActorRole]:
    """The roles that a holder has, oldest first."""
    return await store.list_given(uow, holder.id)


async def assign_role(uow: UnitOfWork, actor: Actor, holder: Holder, role_id: str, resource_id: str) -> ActorRole:
    """Give a role on a resource; one that the holder has there already is answered as it is.

    Raises NotFound for a role or a resource that is not the caller's to know of, Invalid for a resource that the
    holder cannot reach, and Forbidden when the role gives more there than the caller has.
    """
    role = await store.find_role(uow, actor.account_id, role_id)
    if role is None:
        raise NotFound(f"There is no role {role_id[:60]!r} in this account.", "roleId")
    path = await _path_of(uow, actor, holder, resource_id)
    _require_held(actor, role.permissions & GRANTED[holder.kind], path)
    await accounts.bump_generation(uow, holder.account_id)  # its lock has two who give or take wait for each other
    for known in await store.list_given(uow, holder.id):
        if (known.role_id, known.resource_id) == (role_id, resource_id):
            return known
    given = _given(uow, holder, role.id, resource_id, path)
    await store.insert_given(uow, given)
    await _record(uow, actor, "role:assign", given)
    return given


async def give_built_in(uow: UnitOfWork, actor: Actor, holder: Holder, name: BuiltInRole) -> None:
    """Give a built-in role on the whole account, by the server itself: set-up does so, which checks who may."""
    role = next(each for each in await store.list_roles(uow, holder.account_id) if each.built_in is name)
    given = _given(uow, holder, role.id, holder.account_id, ())
    await store.insert_given(uow, given)
    await accounts.bump_generation(uow, holder.account_id)
    await _record(uow, actor, "role:assign", given)


async def assign_built_in(
    uow: UnitOfWork, actor: Actor, holder: Holder, name: BuiltInRole, resource_id: str
) -> ActorRole:
    """:func:`assign_role` of a built-in role."""
    role = next(each for each in await store.list_roles(uow, holder.account_id) if each.built_in is name)
    return await assign_role(uow, actor, holder, role.id, resource_id)


async def remove_role(uow: UnitOfWork, actor: Actor, holder: Holder, actor_role_id: str) -> None:
    """Take a role away. Raises NotFound, Forbidden when it gives more than the caller has, and Conflict when the
    account would be without an Administrator."""
    await accounts.bump_generation(uow, holder.account_id)
    given = next((each for each in await store.list_given(uow, holder.id) if each.id == actor_role_id), None)
    if given is None:
        raise NotFound(f"There is no role {actor_role_id[:60]!r} given here.", "actorRoleId")
    role = await store.find_role(uow, holder.account_id, given.role_id)
    if role is not None:
        _require_held(actor, role.permissions & GRANTED[holder.kind], given.path)
        if role.built_in is BuiltInRole.ADMINISTRATOR and given.environment_id is None:
            await require_other_administrator(uow, holder)
    await store.delete_given(uow, given.id)
    await _record(uow, actor, "role:remove", given)


async def remove_all_roles(uow: UnitOfWork, holder: Holder) -> None:
    """Take every role from a holder who is being deleted."""
    await accounts.bump_generation(uow, holder.account_id)
    await store.delete_all_given(uow, holder.id)


async def remove_roles_in(uow: UnitOfWork, holder: Holder, space_id: str) -> None:
    """Take the roles on a space, and on what lies in it, from a holder who is being put out of it."""
    for given in await store.list_given(uow, holder.id):
        if given.space_id == space_id:
            await store.delete_given(uow, given.id)


async def require_other_administrator(uow: UnitOfWork, holder: Holder) -> None:
    """Raise Conflict if nobody but this user is an Administrator of the account who may sign in.

    Call it after ``accounts.bump_generation``, whose lock has two such changes wait for each other.
    """
    administrators = await store.list_administrators(uow, holder.account_id)
    if administrators == [holder.id]:
        raise Conflict(
            "This is the account's last Administrator: make another user an Administrator first.", "permission"
        )


async def require_no_more(uow: UnitOfWork, actor: Actor, holder: Holder) -> None:
    """Raise Forbidden if a holder has anything that the caller has not: only equals may end or invite anew."""
    found = await grants_of(uow, holder.id)
    for grant in (Grant(GRANTED[holder.kind]),) if found is None else found:
        _require_held(actor, GRANTED[holder.kind].intersection(map(Permission, grant.permissions)), grant.path)


async def list_administrators(uow: UnitOfWork, account_id: str) -> list[str]:
    """Ids of the users who are Administrators of the whole account and may sign in, oldest first."""
    return await store.list_administrators(uow, account_id)


async def list_roles_of_many(uow: UnitOfWork, holders: list[str]) -> dict[str, list[ActorRole]]:
    """The roles that each of many holders has, by their ids."""
    found: dict[str, list[ActorRole]] = {each: [] for each in holders}
    for given in await store.list_given_of_many(uow, holders):
        found[given.actor_id].append(given)
    return found


async def grants_of(uow: UnitOfWork, actor_id: str) -> tuple[Grant, ...] | None:
    """What the roles of an actor give; None for an Administrator of the whole account, who has everything."""
    grants = []
    for built_in, custom, row in await store.list_grants(uow, actor_id):
        if built_in is BuiltInRole.ADMINISTRATOR and row["environment_id"] is None:
            return None
        grants.append(_grant(custom if built_in is None else ROLES[built_in], row))
    return tuple(grants)


# ---- checks -------------------------------------------------------------------------------------------


def _grant(permissions: frozenset[Permission], row: Row) -> Grant:
    return Grant(permissions, row["environment_id"], row["space_id"], row["workbook_id"], row["sheet_id"])


def _require_held(actor: Actor, permissions: frozenset[Permission], path: Path) -> None:
    """Nobody hands on, or takes away, what they do not have themselves."""
    missing = sorted(each for each in permissions if not holds(actor, each, *path))
    if missing:
        raise Forbidden(
            f"This takes permissions that you do not have there yourself, such as '{missing[0]}'.", "permission"
        )


async def _path_of(uow: UnitOfWork, actor: Actor, holder: Holder, resource_id: str) -> Path:
    if resource_id == actor.account_id:
        if holder.environment_id is not None:
            raise Invalid("resourceId: guests and agents have roles in their environment only.", "resourceId")
        return ()
    place = await places.find_place(uow, actor.at_large(), resource_id)
    if place is None or place.kind not in RESOURCES:
        raise NotFound(
            f"resourceId: {resource_id[:60]!r} is no account, environment, space, workbook or sheet of yours.",
            "resourceId",
        )
    if holder.environment_id not in {None, place.environment_id}:
        raise Invalid("resourceId: name something in the environment of the guest or agent.", "resourceId")
    return place.path


def _given(uow: UnitOfWork, holder: Holder, role_id: str, resource_id: str, path: Path) -> ActorRole:
    ids = (new_id("acr", holder.account_id), holder.account_id, holder.id, role_id, resource_id)
    return ActorRole(*ids, uow.now, uow.now, *path)


async def _get_custom(uow: UnitOfWork, actor: Actor, role_id: str) -> Role:
    role = await store.find_role(uow, actor.account_id, role_id)
    if role is None:
        raise NotFound(f"There is no role {role_id[:60]!r} in this account.", "roleId")
    if role.built_in is not None:
        raise Forbidden(f"{role.name} is a built-in role, the same everywhere: make one of your own.", "roleId")
    return role


async def _require_free_name(uow: UnitOfWork, role: Role) -> None:
    for other in await store.list_roles(uow, role.account_id):
        if other.id != role.id and other.name.casefold() == role.name.casefold():
            raise Conflict(f"There is a role named {other.name!r} already; choose another name.", "name")


def _permissions(actor: Actor, wanted: Iterable[str]) -> frozenset[Permission]:
    wanted = list(wanted)
    unknown = [each for each in wanted if each not in set(Permission)]
    if unknown:
        known = ", ".join(sorted(Permission))
        raise Invalid(f"permissions: there is no {unknown[0][:60]!r}; there are {known}.", "permissions")
    if not wanted:
        raise Invalid("permissions: name at least one, such as 'record:read'.", "permissions")
    chosen = frozenset(map(Permission, wanted))
    _require_held(actor, chosen, ())
    return chosen


def _name(name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME:
        raise Invalid(f"name must have 1 to {MAX_NAME} characters.", "name")
    return name


def _in_order(found: list[Role]) -> list[Role]:
    order = list(BuiltInRole)
    return sorted(found, key=lambda role: len(order) if role.built_in is None else order.index(role.built_in))


async def _record(uow: UnitOfWork, actor: Actor, action: str, given: ActorRole) -> None:
    detail = {"role_id": given.role_id, "resource_id": given.resource_id}
    await audit.record(uow, actor, action, given.actor_id, environment_id=given.environment_id, **detail)
