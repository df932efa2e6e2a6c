"""What an account asks of its users' sign-ins, for those who may see and change it."""

from __future__ import annotations

from sheetport.features.factors import service as factors
from sheetport.features.factors.model import Policy
from sheetport.kernel.actor import Actor
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def get_policy(uow: UnitOfWork, actor: Actor) -> Policy:
    """The rules of the caller's account."""
    actor = require(actor, Permission.TOKEN_READ)
    return await factors.find_policy(uow, actor.account_id)


async def set_policy(
    uow: UnitOfWork, actor: Actor, mfa_required: bool | None = None, password_tokens: bool | None = None
) -> Policy:
    """Change the rules of the caller's account; what is None stays. Who is signed in stays so."""
    actor = require(actor, Permission.ACCOUNT_WRITE)
    return await factors.set_policy(uow, actor, mfa_required, password_tokens)
