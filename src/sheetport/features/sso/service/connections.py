"""The identity provider of an account: set, changed and found."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

from sheetport.features.accounts import service as accounts
from sheetport.features.audit import service as audit
from sheetport.features.roles import service as roles
from sheetport.features.sso import store
from sheetport.features.sso.model import Change, Connection
from sheetport.features.sso.service import rules
from sheetport.kernel.actor import Actor
from sheetport.kernel.crypto import DecryptionError, Sealed
from sheetport.kernel.errors import Conflict, Invalid, NotFound, Unavailable
from sheetport.kernel.ids import new_id
from sheetport.kernel.permissions import Permission, require
from sheetport.storage import identity
from sheetport.storage.unit_of_work import UnitOfWork

#: So many buttons stand on the page at most.
MOST_SHOWN = 20
_RESEALED_AT_ONCE = 500
_NEEDED = {"name": "name", "issuer": "issuer", "client_id": "clientId", "domains": "domains"}


async def get_connection(uow: UnitOfWork, actor: Actor) -> Connection:
    """The provider of the caller's account. Raises NotFound."""
    actor = require(actor, Permission.ACCOUNT_WRITE)
    found = await store.find_connection(uow, actor.account_id)
    if found is None:
        raise NotFound("This account has no single sign-on. Set it up with: sheetport sso set", "sso")
    return found


async def set_connection(uow: UnitOfWork, actor: Actor, change: Change) -> Connection:
    """Set the provider of the caller's account up, or change what is given of it.

    Another issuer or client takes its secret with it: one that is kept is never sent elsewhere. Raises Invalid, and
    Conflict where nobody could sign in as an Administrator any more.
    """
    actor = require(actor, Permission.ACCOUNT_WRITE)
    await accounts.bump_generation(uow, actor.account_id)  # its lock has two who change it wait for each other
    before = await store.find_connection(uow, actor.account_id)
    connection = _changed(uow, actor, before, change)
    await identity.require_current_kek(uow)
    if change.client_secret is not None:
        secret = rules.checked_secret(change.client_secret)
        connection = replace(connection, sealed=uow.keys.seal_data_key(secret.encode(), *_context(connection)))
    elif before is None or _context(before) != _context(connection):
        raise Invalid("clientSecret is needed for a new issuer or client.", "clientSecret")
    if connection.only_sso:
        await _require_linked_administrator(uow, connection)
    await store.put_connection(uow, connection)
    asked: dict[str, Any] = {
        "issuer": connection.issuer,
        "client_id": connection.client_id,
        "domains": list(connection.domains),
    }
    asked |= {"new_users": connection.new_users or "", "trusts_mfa": connection.trusts_mfa}
    asked |= {"only_sso": connection.only_sso, "new_secret": change.client_secret is not None}
    await audit.record(uow, actor, "sso:update", connection.id, asked=asked)
    return connection


async def delete_connection(uow: UnitOfWork, account_id: str) -> bool:
    """Delete an account's provider and every link with it. Who may, and what else ends, is the caller's business."""
    return await store.delete_connection(uow, account_id)


async def find_connection(uow: UnitOfWork, account_id: str) -> Connection | None:
    """An account's provider, for the slices above."""
    return await store.find_connection(uow, account_id)


async def find_by_id(uow: UnitOfWork, connection_id: str) -> Connection | None:
    """A provider by its id, for a sign-in."""
    return await store.find_by_id(uow, connection_id)


async def list_names(uow: UnitOfWork) -> list[tuple[str, str]]:
    """Id and name of the providers that stand on the sign-in page."""
    return await store.list_names(uow, MOST_SHOWN)


def open_secret(uow: UnitOfWork, connection: Connection) -> str:
    """The client secret. Raises Unavailable when it does not open."""
    try:
        return uow.keys.open_data_key(connection.sealed, *_context(connection)).decode()
    except DecryptionError:
        raise Unavailable("The client secret of single sign-on does not open: set it again.", "clientSecret") from None


async def reseal_secrets(uow: UnitOfWork) -> int:
    """Seal secrets that are not under the current key-encryption key under it; how many. For key rotation.

    One that was altered opens under no key and is left as it is.
    """
    done = 0
    for each in await store.list_sealed_otherwise(uow, uow.keys.current_kek, _RESEALED_AT_ONCE):
        with suppress(DecryptionError):
            await store.reseal(uow, each, uow.keys.rewrap_data_key(each.sealed, *_context(each)))
            done += 1
    return done


def _changed(uow: UnitOfWork, actor: Actor, before: Connection | None, change: Change) -> Connection:
    """The connection with what is asked of it, its secret as it was. Raises Invalid."""
    if before is None:
        missing = next((wire for name, wire in _NEEDED.items() if getattr(change, name) is None), None)
        if missing is not None:
            raise Invalid(f"{missing} is needed to set single sign-on up.", missing)
        made = new_id("sso", actor.account_id), actor.account_id, "", "", "", Sealed("", b"", b""), ()
        before = Connection(*made, None, False, False, uow.now, uow.now)
    return replace(
        before,
        name=before.name if change.name is None else rules.checked_name(change.name),
        issuer=before.issuer if change.issuer is None else rules.checked_issuer(change.issuer),
        client_id=before.client_id if change.client_id is None else rules.checked_client_id(change.client_id),
        domains=before.domains if change.domains is None else rules.checked_domains(change.domains),
        new_users=before.new_users if change.new_users is None else rules.checked_role(change.new_users),
        trusts_mfa=before.trusts_mfa if change.trusts_mfa is None else change.trusts_mfa,
        only_sso=before.only_sso if change.only_sso is None else change.only_sso,
        updated_at=uow.now,
    )


async def _require_linked_administrator(uow: UnitOfWork, connection: Connection) -> None:
    """Raise Conflict unless an Administrator has signed in by this provider: else nobody might be let in."""
    linked = await store.list_linked(uow, connection.account_id, connection.issuer)
    if not set(linked).intersection(await roles.list_administrators(uow, connection.account_id)):
        raise Conflict(
            "No Administrator of this account has signed in by single sign-on yet, so nobody could be sure to get in:"
            " sign in by it once, then forbid the other ways.",
            "onlySso",
        )


def _context(connection: Connection) -> tuple[str, ...]:
    """What the secret is bound to, so that it opens for no other issuer or client."""
    return "sso", connection.account_id, connection.id, connection.issuer, connection.client_id
