"""What of an import and an export only the process that writes to the database does: a handful of short steps."""

from __future__ import annotations

from typing import Any

import msgspec

from sheetport.config import QuotaSettings
from sheetport.features.records.model import RecordRow
from sheetport.features.transfers import service as transfers
from sheetport.features.transfers.model import Draft
from sheetport.kernel.actor import system_actor
from sheetport.kernel.errors import Invalid
from sheetport.runtime.admin_socket import Operation
from sheetport.runtime.choosing import find_administrator, find_environment
from sheetport.storage.unit_of_work import Database, UnitOfWork

Answer = tuple[dict[str, Any], list[str]]


class TransferOperations:
    """The operations by which a command exports and imports (see ``exporting`` and ``importing``)."""

    def __init__(self, db: Database, limits: QuotaSettings) -> None:
        self._db = db
        self._limits = limits

    def by_name(self) -> dict[str, Operation]:
        return {
            "begin-export": self.begin_export,
            "begin-import": self.begin_import,
            "import-rows": self.import_rows,
            "publish-import": self.publish_import,
            "give-up-import": self.give_up_import,
        }

    async def begin_export(self, request: dict[str, Any]) -> Answer:
        """Record that an environment is about to be read whole; which one it is."""

        async def work(uow: UnitOfWork) -> dict[str, Any]:
            actor = await find_administrator(uow, request.get("account"))
            environment = await find_environment(uow, actor, request.get("environment"))
            await transfers.record_export(uow, actor, environment.id)
            return {"accountId": actor.account_id, "environmentId": environment.id, "environment": environment.name}

        return await self._db.write(work), []

    async def begin_import(self, request: dict[str, Any]) -> Answer:
        """An environment to be made; it is given up when the connection closes before it is made."""

        async def work(uow: UnitOfWork) -> tuple[str, str]:
            actor = await find_administrator(uow, request.get("account"))
            made = await transfers.begin_import(uow, actor, str(request["name"]), int(request["sheetCount"]))
            return actor.account_id, made

        for left in await self._db.read(transfers.list_given_up):
            await self.give_up(left)
        account_id, environment_id = await self._db.write(work)
        return {"accountId": account_id, "environmentId": environment_id}, [environment_id]

    async def import_rows(self, request: dict[str, Any]) -> Answer:
        """Store records (number, values, ext, valid) of one of its sheets."""
        environment_id, sheet_no = str(request["environmentId"]), int(request["sheetNo"])
        rows = [RecordRow(*row) for row in request["rows"]]

        async def work(uow: UnitOfWork) -> None:
            await transfers.add_rows(uow, system_actor(""), environment_id, sheet_no, rows)

        await self._db.write(work, bulk=True, lane=environment_id)
        return {}, []

    async def publish_import(self, request: dict[str, Any]) -> Answer:
        """Make the environment; its keys, this once."""
        try:
            draft = msgspec.convert(request["draft"], Draft)
        except msgspec.ValidationError as fault:
            raise Invalid(f"The server and this command are of different versions ({fault}).", "draft") from None
        actor = system_actor(draft.environment.account_id)

        async def work(uow: UnitOfWork) -> dict[str, Any]:
            made = await transfers.publish(uow, actor, draft, self._limits)
            return {
                "environmentId": made.environment_id,
                "secretKey": made.secret_key,
                "publishableKey": made.publishable_key,
                "remarks": made.remarks,
            }

        return await self._db.write(work, bulk=True, lane=draft.environment.id), []

    async def give_up_import(self, request: dict[str, Any]) -> Answer:
        """Take back what was stored of an environment that is not to be."""
        await self.give_up(str(request["environmentId"]))
        return {}, []

    async def give_up(self, environment_id: str) -> None:
        """Delete an environment that was begun and not made, in short turns; one that was made stays."""
        while await self._db.write(lambda uow: transfers.give_up(uow, environment_id), bulk=True, lane=environment_id):
            continue
