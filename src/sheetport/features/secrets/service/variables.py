"""Environment variables: what ``sheetport run`` gives to the programs of an environment."""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.secrets import store
from sheetport.features.secrets.service import rules, sealing, versions
from sheetport.features.secrets.service.scopes import variable_scope
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import NotFound
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_variables(uow: UnitOfWork, actor: Actor, environment_id: str) -> dict[str, str]:
    """The variables by name, in the clear, once the record of their reading is on disk.

    Raises NotFound, and Unavailable when one of them does not open.
    """
    actor = require(actor, Permission.VARIABLE_READ)
    scope = await variable_scope(uow, actor, environment_id)
    entries = sorted(await store.list_exact(uow, scope), key=lambda entry: entry.name)
    found = {entry.name: await sealing.reveal(uow, entry) for entry in entries}
    audit.record_read(uow, actor, "variable:read", environment_id, environment_id=environment_id, names=list(found))
    return found


async def set_variable(uow: UnitOfWork, actor: Actor, environment_id: str, name: str, value: str) -> None:
    """Set one variable; the empty text is a value. Raises Invalid, TooLarge, NotFound."""
    actor = require(actor, Permission.VARIABLE_WRITE)
    rules.check_variable(name, value)
    scope = await variable_scope(uow, actor, environment_id)
    entry, _ = await versions.put(uow, scope, name, value, actor.id)
    await audit.record(uow, actor, "variable:set", entry.id, environment_id=environment_id, name=name)


async def delete_variable(uow: UnitOfWork, actor: Actor, environment_id: str, name: str) -> None:
    """Delete one variable. Raises NotFound."""
    actor = require(actor, Permission.VARIABLE_WRITE)
    rules.check_text(name, "name")
    scope = await variable_scope(uow, actor, environment_id)
    root = await store.lock_root(uow, environment_id)
    entry = await store.lock_named(uow, scope, name)
    if entry is None:
        raise NotFound(f"This environment has no variable {name!r}.", "name")
    await store.delete_entry(uow, entry)
    await store.settle_root(uow, root)
    await audit.record(uow, actor, "variable:delete", entry.id, environment_id=environment_id, name=name)
