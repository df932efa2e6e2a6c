"""Entitlements: the features of a plan that clients ask for by name and switch on when they are listed.

Nothing here is sold, and a name (``headerSelection``, ``sourceEditor``, ``customRecordsPageSize``) is listed only once
the server really does it.
"""

from __future__ import annotations

from sheetport.features.places import service as places
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_entitlements(uow: UnitOfWork, actor: Actor, resource_id: str | None) -> list[str]:
    """The entitlements' keys of an account, an environment or anything in it: none. Raises NotFound."""
    actor = require(actor, Permission.ENTITLEMENT_READ)
    if not resource_id:
        raise Invalid("resourceId: say whose entitlements, as ?resourceId=us_sp_….", "resourceId")
    own = resource_id in {actor.account_id, actor.environment_id}
    if not own and await places.find_place(uow, actor, resource_id, around=True) is None:
        raise NotFound(f"There is nothing {resource_id[:60]!r} that this token can reach.", "resourceId")
    return []
