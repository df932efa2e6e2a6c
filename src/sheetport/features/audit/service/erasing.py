"""Erasing what the log knows of a person: their key goes, and the chains, which hold commitments only, stay valid."""

from __future__ import annotations

from sheetport.features.audit import store
from sheetport.features.audit.service import personal
from sheetport.features.audit.service.recording import record
from sheetport.kernel.actor import Actor
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def erase_person(uow: UnitOfWork, actor: Actor, person_id: str) -> None:
    """Erase names, mail addresses and client addresses of a user, guest or key from all records, for good.

    What the person does later leaves no such data either. Backups made before still hold the key.
    """
    actor = require(actor, Permission.AUDIT_ERASE)
    await store.erase_subject(uow, actor.account_id, person_id)
    personal.forget(uow.keys.check_value(), actor.account_id, person_id)
    await record(uow, actor, "person:erase", person_id)
