"""A look at a provider, for whoever sets it up: what it says of itself, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sheetport.features.sso.model import Check
from sheetport.features.sso.service import id_tokens
from sheetport.features.sso.service.connections import get_connection
from sheetport.features.sso.service.providers import Providers
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import SheetportError
from sheetport.storage.unit_of_work import Database


async def check_provider(db: Database, providers: Providers, actor: Actor) -> list[Check]:
    """Discovery and keys of the provider of the caller's account, looked at now. Raises NotFound."""
    connection = await db.read(lambda uow: get_connection(uow, actor))
    providers.forget(connection)
    checks = []
    try:
        endpoints = await providers.endpoints(connection)
    except SheetportError as error:
        return [Check("discovery", False, error.message)]
    checks.append(Check("discovery", True, f"sign-in at {endpoints.authorization}, by {endpoints.client_auth}"))
    try:
        checks.append(_check_keys(await providers.read_keys(connection)))
    except SheetportError as error:
        checks.append(Check("keys", False, error.message))
    return checks


def _check_keys(keys: Sequence[Any]) -> Check:
    usable = [name for name in id_tokens.ALGORITHMS if id_tokens.signs(keys, name)]
    if not usable:
        return Check("keys", False, f"none of its {len(keys)} keys signs by {', '.join(id_tokens.ALGORITHMS)}")
    return Check("keys", True, f"{len(keys)} keys, for {', '.join(usable)}")
