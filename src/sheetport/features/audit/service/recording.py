"""Writes audit records, in the transaction of what they record: both are durable, or neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sheetport.features.audit.codec.ocsf import FORMAT
from sheetport.features.audit.service import personal as persons
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.ids import new_id
from sheetport.kernel.json import dumps
from sheetport.storage.unit_of_work import UnitOfWork

#: Whose address is kept when nobody is known to have called.
NOBODY = "nobody"
ADDRESS = "src_endpoint.ip"
#: Where a read's row carries what is not yet protected.
VALUES = "values"


async def record(
    uow: UnitOfWork,
    actor: Actor,
    action: str,
    target: str | None = None,
    *,
    environment_id: str | None = None,
    **detail: Any,
) -> None:
    """Record that ``actor`` did ``action`` (``noun:verb``, such as ``key:create``) to ``target`` (an id).

    ``detail`` never holds a secret, a token or a password: names and ids only. What tells who a person is goes
    through :func:`record_person`.
    """
    await _write(uow, _row(uow, actor, action, target, environment_id, detail), _values(uow))


async def record_person(
    uow: UnitOfWork, actor: Actor, action: str, person_id: str, personal: Mapping[str, str], **detail: Any
) -> None:
    """:func:`record` with the user or guest ``person_id`` as the target, and data of theirs that can be erased.

    ``personal`` is by OCSF attribute: ``user.email_addr``, ``user.name``. The client's address in this record goes
    with them.
    """
    row = _row(uow, actor, action, person_id, None, detail) | {"subject": person_id}
    await _write(uow, row, {**personal, **_values(uow)})


async def record_of_address(
    uow: UnitOfWork, actor: Actor, action: str, address: str, target: str | None = None, **detail: Any
) -> None:
    """:func:`record` of what was noticed earlier, of a client at this address."""
    row = _row(uow, actor, action, target, None, detail)
    await _write(uow, row, {ADDRESS: address} if address else {})


def record_read(
    uow: UnitOfWork,
    actor: Actor,
    action: str,
    target: str | None = None,
    *,
    environment_id: str | None = None,
    **detail: Any,
) -> None:
    """Record that ``actor`` reads what must not be read unrecorded, in a unit of work that reads or writes.

    The unit of work gives its result only once the record is sealed and on disk; if that fails, it raises
    Unavailable and the values are not sent.
    """
    row = _row(uow, actor, action, target, environment_id, detail)
    uow.reads.append(row | {VALUES: _values(uow)})


async def _write(uow: UnitOfWork, row: dict[str, Any], values: Mapping[str, str]) -> None:
    if values:
        persons.protect(row, await persons.subject_key(uow, row["account_id"], row["subject"]), values)
    await uow.add_audit(row)


def _values(uow: UnitOfWork) -> dict[str, str]:
    """What is known of where the call came from."""
    address = uow.request.address if uow.request is not None else None
    return {ADDRESS: address} if address else {}


def _row(
    uow: UnitOfWork,
    actor: Actor,
    action: str,
    target: str | None,
    environment_id: str | None,
    detail: Mapping[str, Any],
) -> dict[str, Any]:
    environment = environment_id or actor.environment_id or ""
    request = uow.request
    return {
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
        "format": FORMAT,
        "request_id": request.id if request else None,
        "agent": request.agent if request else None,
        "subject": NOBODY if actor.kind is ActorKind.SYSTEM else actor.id,
        "commitments": None,
        "personal": None,
    }
