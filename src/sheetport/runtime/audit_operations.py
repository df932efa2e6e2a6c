"""What commands of the audit log need of the one process that writes to the database."""

from __future__ import annotations

from typing import Any

from sheetport.features.audit import service as audit
from sheetport.features.users import service as users
from sheetport.kernel.actor import system_actor
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.runtime.admin_socket import Operation
from sheetport.runtime.choosing import find_administrator
from sheetport.storage.unit_of_work import Database, UnitOfWork

Answer = tuple[dict[str, Any], list[str]]


class AuditOperations:
    """The operations, in a running server or in a command's own process."""

    def __init__(self, db: Database, sealer: audit.Sealer, watch: audit.Watch) -> None:
        self._db = db
        self._sealer = sealer
        self._watch = watch

    def by_name(self) -> dict[str, Operation]:
        return {
            "audit-seal": self.seal,
            "audit-erase": self.erase,
            "audit-prune": self.prune,
            "audit-accept": self.accept,
        }

    async def seal(self, _: dict[str, Any]) -> Answer:
        """Seal all there is, so that an export holds it."""
        await self._sealer.seal_all()
        return {"fault": self._watch.fault}, []

    async def erase(self, request: dict[str, Any]) -> Answer:
        """Erase what is known of a person, named by id or, a user, by address."""
        named = str(request.get("person") or "")
        if not named:
            raise Invalid("Name the person: a user's address or id, or a guest's or key's id.", "person")

        async def work(uow: UnitOfWork) -> str:
            user = await users.find_user_by_email(uow, named) or await users.find_user(uow, named)
            if user is None and "@" in named:
                raise NotFound("There is no user with this address; give the id instead.", "person")
            account = user.account_id if user else (await find_administrator(uow, request.get("account"))).account_id
            person = user.id if user else named
            await audit.erase_person(uow, system_actor(account), person)
            return person

        return {"person": await self._db.write(work)}, []

    async def prune(self, request: dict[str, Any]) -> Answer:
        """Delete records up to these positions of chains, which the command has written to a file."""
        deleted = await audit.prune(self._db, {str(name): int(end) for name, end in request["ends"].items()})
        await self._sealer.look_again()
        return {"deleted": deleted}, []

    async def accept(self, _: dict[str, Any]) -> Answer:
        """Go on after a roll-back that was found."""
        return {"accepted": await self._watch.accept()}, []
