"""What the local socket offers: credentials for commands on the server's machine, and new accounts."""

from __future__ import annotations

from typing import Any

from sheetport import __version__
from sheetport.config import Settings
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind, Minted
from sheetport.features.environments.model import Environment
from sheetport.features.factors import service as factors
from sheetport.features.setup import service as setup
from sheetport.features.users import service as users
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import DAY
from sheetport.kernel.errors import Invalid
from sheetport.runtime.admin_socket import Operation
from sheetport.runtime.audit_operations import AuditOperations
from sheetport.runtime.choosing import find_administrator, find_environment, find_user
from sheetport.runtime.egress_operations import EgressOperations
from sheetport.runtime.key_operations import KeyOperations
from sheetport.runtime.mail_operations import MailOperations
from sheetport.runtime.quota_operations import QuotaOperations
from sheetport.runtime.transfer.operations import TransferOperations
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: What an environment's id begins with; no credential's does.
_IMPORT = "us_env_"


class LocalOperations:
    """The operations of one server process."""

    def __init__(self, db: Database, settings: Settings, audits: AuditOperations) -> None:
        self._audits = audits
        self._db = db
        self._url = settings.http.base_url
        self._transfers = TransferOperations(db, settings.quotas)
        self._quotas = QuotaOperations(db, settings.quotas)
        self._mail = MailOperations(db, settings.mail, self._url)
        self._keys = KeyOperations(db, settings.storage)
        self._egress = EgressOperations(db)

    def by_name(self) -> dict[str, Operation]:
        return {
            "hello": self.hello,
            "mint-environment-key": self.mint_environment_key,
            "revoke": self.revoke_early,
            "sign-in": self.sign_in,
            "create-account": self.create_account,
            "create-setup-link": self.create_setup_link,
            **self._audits.by_name(),
            "forget-factors": self.forget_factors,
            **self._transfers.by_name(),
            **self._quotas.by_name(),
            **self._mail.by_name(),
            **self._egress.by_name(),
            **self._keys.by_name(),
        }

    async def hello(self, _: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Where the server is and which version it has."""
        return {"url": self._url, "version": __version__}, []

    async def mint_environment_key(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """A secret key of the named environment, for as long as the connection lasts, a day at most.

        With ``keep`` it outlasts the connection: for output that a program reads later.
        """

        async def work(uow: UnitOfWork) -> tuple[Environment, Minted]:
            actor = await find_administrator(uow, request.get("account"))
            environment = await find_environment(uow, actor, request.get("environment"))
            minted = await auth.mint(
                uow,
                actor,
                CredentialKind.SECRET_KEY,
                _name(request),
                environment_id=environment.id,
                is_prod=environment.is_prod,
                origin="local socket",
                expires_at=uow.now + DAY,
            )
            return environment, minted

        environment, minted = await self._db.write(work)
        answer = {
            "token": minted.token,
            "credentialId": minted.credential.id,
            "environmentId": environment.id,
            "environment": environment.name,
            "isProd": environment.is_prod,
            "url": self._url,
        }
        return answer, [] if request.get("keep") is True else [minted.credential.id]

    async def revoke_early(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """End a credential whose connection was lost, as when this server was started anew meanwhile."""
        await self.revoke([str(request.get("credentialId") or "")])
        return {}, []

    async def sign_in(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """An administrator's access token, for as long as the connection lasts, a day at most."""

        async def work(uow: UnitOfWork) -> Minted:
            actor = await find_administrator(uow, request.get("account"))
            user = await users.get_first_user(uow, actor.account_id)
            return await auth.mint(
                uow,
                actor,
                CredentialKind.ACCESS,
                _name(request),
                user_id=user.id,
                origin="local socket",
                expires_at=uow.now + DAY,
            )

        minted = await self._db.write(work)
        return {"token": minted.token, "url": self._url}, [minted.credential.id]

    async def create_account(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """A further account on this server, with its administrator and environments."""

        async def work(uow: UnitOfWork) -> dict[str, Any]:
            made = await setup.create_first_account(
                uow,
                account_name=str(request.get("name") or "Account"),
                email=str(request.get("email") or ""),
                password_hash=str(request["passwordHash"]),
            )
            return setup.describe(made)

        return await self._db.write(work), []

    async def create_setup_link(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """A link by which a user, by default the first administrator, chooses a password; earlier links end."""

        async def work(uow: UnitOfWork) -> tuple[str, str]:
            actor = await find_administrator(uow, request.get("account"))
            user = await find_user(uow, actor, request.get("email"))
            return user.email, await setup.create_setup_link(uow, actor.account_id, user.id)

        email, token = await self._db.write(work)
        return {"email": email, "link": f"{self._url}/setup?token={token}"}, []

    async def forget_factors(self, request: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
        """Take the second factors from a user who has lost them."""

        async def work(uow: UnitOfWork) -> None:
            actor = await find_administrator(uow, request.get("account"))
            user = await find_user(uow, actor, str(request.get("email") or ""))
            await factors.forget_factors(uow, actor, user.id)

        await self._db.write(work)
        return {}, []

    async def revoke(self, held: list[str]) -> None:
        """End what a connection that has closed held: credentials, and imports that were not finished."""
        for environment_id in (one for one in held if one.startswith(_IMPORT)):
            await self._transfers.give_up(environment_id)

        async def work(uow: UnitOfWork) -> None:
            for credential_id in (one for one in held if not one.startswith(_IMPORT)):
                await auth.revoke_credential(uow, system_actor(""), credential_id)

        await self._db.write(work)


def _name(request: dict[str, Any]) -> str:
    name = str(request.get("name") or "")
    if not 1 <= len(name) <= 255:
        raise Invalid("name must have 1 to 255 characters.", "name")
    return name
