"""What the local socket offers for quotas: to see and change limits and allowed origins, and to check the counts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sheetport.config import QuotaSettings
from sheetport.features.auth import service as auth
from sheetport.features.quotas import service as quotas
from sheetport.kernel.origins import parse_origin
from sheetport.runtime.admin_socket import Operation
from sheetport.runtime.choosing import find_administrator, find_environment
from sheetport.storage.unit_of_work import Database, UnitOfWork

Answer = tuple[dict[str, Any], list[str]]


class QuotaOperations:
    """The operations of one server process; ``limits`` are the server's own."""

    def __init__(self, db: Database, limits: QuotaSettings) -> None:
        self._db = db
        self._limits = limits

    def by_name(self) -> dict[str, Operation]:
        return {
            "environment-limits": self.environment_limits,
            "environment-origins": self.environment_origins,
            "check-counts": self.check_counts,
        }

    async def environment_limits(self, request: dict[str, Any]) -> Answer:
        """Change what ``set`` names (null is the server's limit again); every quota after it."""

        async def work(uow: UnitOfWork) -> dict[str, Any]:
            actor = await find_administrator(uow, request.get("account"))
            environment = await find_environment(uow, actor, request.get("environment"))
            if request.get("set"):
                await quotas.set_limits(uow, actor, environment.id, request["set"])
            listed = await quotas.list_quotas(uow, actor, environment.id, self._limits)
            return {"environment": environment.name, "id": environment.id, "quotas": [asdict(item) for item in listed]}

        return await self._db.write(work), []

    async def environment_origins(self, request: dict[str, Any]) -> Answer:
        """Add ``allow`` to and take ``remove`` from the origins of publishable keys, or all of them with ``any``."""
        added = [parse_origin(origin) for origin in request.get("allow") or []]
        removed = {parse_origin(origin) for origin in request.get("remove") or []}

        async def work(uow: UnitOfWork) -> dict[str, Any]:
            actor = await find_administrator(uow, request.get("account"))
            environment = await find_environment(uow, actor, request.get("environment"))
            keys = await auth.list_publishable_keys(uow, actor, environment.id, request.get("key"))
            if added or removed or request.get("any"):
                for key in keys:
                    kept = [] if request.get("any") else [origin for origin in key.origins if origin not in removed]
                    await auth.set_origins(uow, actor, environment.id, key, [*kept, *added])
                keys = await auth.list_publishable_keys(uow, actor, environment.id, request.get("key"))
            shown = [{"id": key.id, "name": key.name, "key": key.masked, "origins": key.origins} for key in keys]
            return {"environment": environment.name, "id": environment.id, "keys": shown}

        return await self._db.write(work), []

    async def check_counts(self, request: dict[str, Any]) -> Answer:
        """What is counted otherwise than it is stored; counted anew with ``repair``."""
        if request.get("repair"):
            found = await self._db.write(quotas.mend, bulk=True)
        else:
            found = await self._db.read(quotas.find_drift, heavy=True)
        return {"drift": [asdict(drift) for drift in found]}, []
