"""What the local socket offers for the keys that seal secrets."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sheetport.config import StorageSettings
from sheetport.features.secrets import service as secrets
from sheetport.runtime.admin_socket import Operation
from sheetport.runtime.choosing import find_administrator, find_environment
from sheetport.runtime.key_rotation import KeyRotation
from sheetport.storage.unit_of_work import Database, UnitOfWork

Answer = tuple[dict[str, Any], list[str]]


class KeyOperations:
    """The operations of one server process."""

    def __init__(self, db: Database, storage: StorageSettings) -> None:
        self._db = db
        self._rotation = KeyRotation(db, storage)

    def by_name(self) -> dict[str, Operation]:
        return {
            "rotate-kek": self.rotate_kek,
            "rekey-environment": self.rekey_environment,
            "verify-secrets": self.verify_secrets,
        }

    async def rotate_kek(self, request: dict[str, Any]) -> Answer:
        """Rotate the key-encryption key, or with ``prepare`` make the next one."""
        return asdict(await self._rotation.rotate(prepare=request.get("prepare") is True)), []

    async def rekey_environment(self, request: dict[str, Any]) -> Answer:
        """Seal an environment's values under a new data key."""

        async def begin(uow: UnitOfWork) -> tuple[str, str, str]:
            actor = await find_administrator(uow, request.get("account"))
            environment = await find_environment(uow, actor, request.get("environment"))
            return await secrets.begin_rekey(uow, actor, environment.id)

        key_id, account_id, environment_id = await self._db.write(begin)
        done = await secrets.rekey_environment(self._db, account_id, environment_id)
        return {"key": key_id, "environment": environment_id, "sealed": done.done, "stuck": done.stuck}, []

    async def verify_secrets(self, request: dict[str, Any]) -> Answer:
        """What is wrong with an environment's sealed rows; with ``accept`` they are taken for good."""

        async def work(uow: UnitOfWork) -> list[str]:
            actor = await find_administrator(uow, request.get("account"))
            environment = await find_environment(uow, actor, request.get("environment"))
            check = secrets.accept_secrets if request.get("accept") is True else secrets.verify_secrets
            return await check(uow, actor, environment.id)

        return {"faults": await self._db.write(work, bulk=True)}, []
