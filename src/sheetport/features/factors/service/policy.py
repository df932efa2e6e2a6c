"""What an account asks of its users' sign-ins."""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.factors import store
from sheetport.features.factors.model import Policy
from sheetport.kernel.actor import Actor
from sheetport.storage.unit_of_work import UnitOfWork


async def find_policy(uow: UnitOfWork, account_id: str) -> Policy:
    """The account's rules, for the slices above."""
    return await store.find_policy(uow, account_id)


async def set_policy(
    uow: UnitOfWork, actor: Actor, mfa_required: bool | None = None, password_tokens: bool | None = None
) -> Policy:
    """Change the rules of the account; what is None stays. Who may is the caller's to check."""
    before = await store.find_policy(uow, actor.account_id)
    policy = Policy(
        actor.account_id,
        before.mfa_required if mfa_required is None else mfa_required,
        before.password_tokens if password_tokens is None else password_tokens,
    )
    await store.put_policy(uow, policy)
    asked = {"mfa_required": policy.mfa_required, "password_tokens": policy.password_tokens}
    await audit.record(uow, actor, "login-policy:update", actor.account_id, asked=asked)
    return policy
