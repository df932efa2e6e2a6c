"""What the local socket offers for egress: to see and change which targets may be called."""

from __future__ import annotations

from typing import Any

from sheetport.features.egress import service as egress
from sheetport.kernel.errors import Invalid
from sheetport.runtime.admin_socket import Operation
from sheetport.runtime.choosing import find_administrator, find_environment
from sheetport.storage.unit_of_work import Database, UnitOfWork

_CHANGES = {"allow": egress.allow_target, "remove": egress.remove_target}


class EgressOperations:
    """The operations of one server process."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def by_name(self) -> dict[str, Operation]:
        return {"egress": self.change_and_list}

    async def change_and_list(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Do ``change`` (allow or remove) with ``target``, if it is given; every allowance of the account after it."""

        async def work(uow: UnitOfWork) -> dict[str, Any]:
            actor = await find_administrator(uow, request.get("account"))
            wanted = request.get("environment")
            environment = None if wanted is None else (await find_environment(uow, actor, wanted)).id
            change, target = request.get("change"), None
            if change is not None:
                if change not in _CHANGES:
                    raise Invalid("change must be allow or remove.", "change")
                target = await _CHANGES[change](uow, actor, str(request.get("target") or ""), environment)
            listed = await egress.list_allowances(uow, actor)
            allowed = [{"target": each.target, "environment": each.environment_id} for each in listed]
            return {"target": target, "allowed": allowed}

        return await self._db.write(work), []
