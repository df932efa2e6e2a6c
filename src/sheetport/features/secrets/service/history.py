"""What secrets were: the versions of one, what was in force at a time, and where a name is used."""

from __future__ import annotations

from sheetport.features.places import service as places
from sheetport.features.secrets import store
from sheetport.features.secrets.model import SECRET, EntryName, Scope, Version
from sheetport.features.secrets.service import rules
from sheetport.features.secrets.service.scopes import secret_scope
from sheetport.kernel.actor import Actor
from sheetport.kernel.clock import parse_iso
from sheetport.kernel.errors import Invalid
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_versions(uow: UnitOfWork, actor: Actor, secret_id: str) -> list[Version]:
    """The versions of a secret, newest first, without their values. Raises NotFound."""
    actor = require(actor, Permission.SECRET_READ)
    rules.check_text(secret_id, "secretId")
    place = await places.get_place(uow, actor, secret_id, "sec")
    return await store.list_versions(uow, Scope(place.account_id, place.environment_id), secret_id)


async def list_versions_at(
    uow: UnitOfWork,
    actor: Actor,
    at: str | None = None,
    environment_id: str | None = None,
    space_id: str | None = None,
    actor_id: str | None = None,
) -> list[Version]:
    """Which version of each secret was in force at a time (ISO 8601; by default now), without values.

    Secrets that have been deleted since are among them. Raises Invalid and NotFound.
    """
    actor = require(actor, Permission.SECRET_READ)
    scope = await secret_scope(uow, actor, environment_id, space_id, actor_id)
    return await store.list_versions_at(uow, scope, uow.now if at is None else _moment(at))


async def search_names(uow: UnitOfWork, actor: Actor, name: str) -> list[EntryName]:
    """Where secrets of this name are set, over all environments that the caller reaches; never values.

    ``*`` stands for any text, and case does not count.
    """
    actor = require(actor, Permission.SECRET_READ)
    rules.check_text(name, "name")
    if not name.strip("* "):
        raise Invalid("name must hold something to search for, such as *TOKEN*.", "name")
    like = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    found = await store.search_names(uow, actor.account_id, like, SECRET)
    return [one for one in found if actor.reaches(actor.account_id, one.environment_id, one.space_id)]


def _moment(text: str) -> int:
    try:
        return parse_iso(text)
    except ValueError:
        raise Invalid("at must be a time such as 2027-01-31T12:00:00Z.", "at") from None
