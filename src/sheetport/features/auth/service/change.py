"""Changing and ending one credential of any kind, by its id."""

from __future__ import annotations

from dataclasses import replace

from sheetport.features.accounts import service as accounts
from sheetport.features.audit import service as audit
from sheetport.features.auth import store
from sheetport.features.auth.model import Credential, CredentialKind, Narrowing, Wanted
from sheetport.features.auth.service.mint import given_name
from sheetport.features.auth.service.narrowing import chosen_scope
from sheetport.features.auth.service.policy import chosen_end
from sheetport.features.auth.service.revoke import revoke
from sheetport.features.auth.service.rotate import is_live
from sheetport.features.auth.store import reports, rotations
from sheetport.features.places import service as places
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.kernel.permissions import Permission, may, require
from sheetport.storage.unit_of_work import UnitOfWork

_SCOPE = ("environment_id", "space_id", "workbook_id", "read_only", "networks")


async def change_credential(
    uow: UnitOfWork, actor: Actor, credential_id: str, wanted: Wanted, given: frozenset[str], max_age_days: int | None
) -> Credential:
    """Change what ``given`` names of ``wanted``: name, expires_at, operations, and the members of the scope.

    What is narrowed is refused beyond that as soon as this is answered. Raises NotFound, Invalid.
    """
    found = await _get_own(uow, actor, credential_id)
    if found.environment_id is not None and "environment_id" in given:
        raise Invalid("A key is of its environment; leave environmentId out.", "environmentId")
    before = Wanted(
        found.name,
        found.expires_at,
        None if found.environment_id else found.scope.environment_id,
        found.scope.space_id,
        found.scope.workbook_id,
        found.scope.read_only,
        list(found.scope.networks),
        [(each["method"], each["path"]) for each in found.operations],
    )
    after = replace(before, **{name: getattr(wanted, name) for name in given})
    changed = replace(found, name=given_name(after.name or ""))
    if given & {*_SCOPE, "operations"}:
        scope, operations = await chosen_scope(uow, actor, found.environment_id, _consistent(after, given))
        changed = replace(changed, scope=_with_rest(scope, found.scope), operations=operations)
    if "expires_at" in given:
        changed = replace(changed, expires_at=await chosen_end(uow, found.account_id, max_age_days, after.expires_at))
    await reports.update_credential(uow, changed)
    if changed.expires_at is not None:
        await rotations.cap_exchanged(uow, changed.id, changed.expires_at)
    await accounts.bump_generation(uow, found.account_id)
    action = f"{found.kind.value}:update"
    environment_id = found.environment_id
    await audit.record(uow, actor, action, found.id, environment_id=environment_id, changed=sorted(given))
    return changed


async def end_credential(uow: UnitOfWork, actor: Actor, credential_id: str) -> None:
    """End a key, token or client credential: one's own, or any user's for whoever may write users. Raises NotFound."""
    await revoke(uow, actor, await _get_own(uow, actor, credential_id, or_users=True))


async def _get_own(uow: UnitOfWork, actor: Actor, credential_id: str, *, or_users: bool = False) -> Credential:
    """A live credential that the caller may change. Raises NotFound, and Forbidden for callers who may change none."""
    found = await store.find_credential(uow, credential_id)
    actor = require(actor, Permission.TOKEN_WRITE)
    if found is None or found.account_id != actor.account_id or found.kind is CredentialKind.ACCESS:
        raise _absent(credential_id)
    if not is_live(uow, found):
        raise NotFound(f"{credential_id[:60]!r} has ended.", "credentialId")
    if found.environment_id is not None:
        actor = actor.at_large()
        actor = require(actor, Permission.API_KEY_WRITE)
        await places.get_place(uow, actor, found.environment_id, "env")
    elif found.user_id != actor.id and not (or_users and may(actor.at_large(), Permission.USER_WRITE)):
        raise _absent(credential_id)
    return found


def _with_rest(scope: Narrowing, before: Narrowing) -> Narrowing:
    """What was chosen, with what cannot be changed: the permissions, the key that it is bound to, the sheet."""
    sheet = before.sheet_id if scope.workbook_id == before.workbook_id else None
    return replace(scope, sheet_id=sheet, permissions=before.permissions, bound_to=before.bound_to)


def _consistent(after: Wanted, given: frozenset[str]) -> Wanted:
    """A new space without a new workbook is no longer of the old workbook, a new environment of neither."""
    if "environment_id" in given and "space_id" not in given:
        after = replace(after, space_id=None)
    if given & {"environment_id", "space_id"} and "workbook_id" not in given:
        after = replace(after, workbook_id=None)
    if "space_id" in given and "environment_id" not in given:
        after = replace(after, environment_id=None)
    return after


def _absent(credential_id: str) -> NotFound:
    return NotFound(f"There is no credential {credential_id[:60]!r} that this token can change.", "credentialId")
