"""Writes audit records, in the transaction of what they record: both are durable, or neither."""

from __future__ import annotations

from typing import Any

from sheetport.features.audit import store
from sheetport.kernel.actor import Actor
from sheetport.kernel.ids import new_id
from sheetport.kernel.json import dumps
from sheetport.storage.unit_of_work import UnitOfWork


async def record(
    uow: UnitOfWork,
    actor: Actor,
    action: str,
    target: str | None = None,
    *,
    environment_id: str | None = None,
    **detail: Any,
) -> None:
    """Record that ``actor`` did ``action`` (``noun:verb``, such as ``secret:read``) to ``target`` (an id).

    ``detail`` never holds a secret, a token or a password: names and ids only.
    """
    environment = environment_id or actor.environment_id or ""
    await store.insert_record(
        uow,
        {
            "environment_id": environment,
            "id": new_id("aud", environment or actor.account_id),
            "account_id": actor.account_id,
            "actor_kind": actor.kind.value,
            "actor_id": actor.id,
            "token_id": actor.token_id,
            "action": action,
            "target": target,
            "detail": dumps(detail) if detail else None,
            "created_at": uow.now,
        },
    )
