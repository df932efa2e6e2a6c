"""SQL of rotations: one credential takes another's place, and the answer can be given again for a while."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, select, update

from sheetport.features.auth.model import Credential, Ending
from sheetport.kernel.crypto import Sealed
from sheetport.storage.statements import statement
from sheetport.storage.tables.auth import credentials, rotations
from sheetport.storage.unit_of_work import Row, UnitOfWork

#: Of two rotations at once one finds the credential replaced already.
_REPLACE = statement(
    update(credentials)
    .where(
        credentials.c.id == bindparam("credential"),
        credentials.c.replaced_by.is_(None),
        credentials.c.deleted_at.is_(None),
        credentials.c.expires_at.is_(None) | (credentials.c.expires_at > bindparam("at")),
    )
    .values(
        replaced_by=bindparam("successor"),
        rotated_at=bindparam("at"),
        updated_at=bindparam("at"),
        expires_at=bindparam("until"),
        ended_by=bindparam("by"),
        ended_as=Ending.ROTATED.value,
        rotate_by=None,
    )
)
_CAP = statement(
    update(credentials)
    .where(
        credentials.c.parent_id == bindparam("credential"),
        credentials.c.expires_at > bindparam("until"),
    )
    .values(expires_at=bindparam("until"))
)
_INSERT = statement(insert(rotations).values({column.name: bindparam(column.name) for column in rotations.columns}))
_FIND = statement(select(rotations).where(rotations.c.credential_id == bindparam("credential")))
_WIPE = statement(
    update(rotations).where(rotations.c.wipe_at <= bindparam("now")).values(nonce=None, ciphertext=None, wipe_at=None)
)


async def replace(uow: UnitOfWork, old: Credential, successor_id: str, until: int, by: str) -> bool:
    """Have ``successor_id`` take the place of a live credential, which ends at ``until`` with what it was exchanged
    for; False when it has been replaced or ended meanwhile."""
    named = {"credential": old.id, "successor": successor_id, "until": until, "at": uow.now, "by": by}
    if not await uow.execute(_REPLACE, named):
        return False
    await cap_exchanged(uow, old.id, until)
    return True


async def cap_exchanged(uow: UnitOfWork, credential_id: str, until: int) -> None:
    """Have what a credential was exchanged for end at ``until`` at the latest."""
    await uow.execute(_CAP, {"credential": credential_id, "until": until})


async def insert_rotation(
    uow: UnitOfWork, old_id: str, successor_id: str, idempotency: bytes | None, sealed: Sealed | None, wipe_at: int
) -> None:
    row = {
        "credential_id": old_id,
        "successor_id": successor_id,
        "idempotency": idempotency,
        "nonce": sealed and sealed.nonce,
        "ciphertext": sealed and sealed.ciphertext,
        "wipe_at": wipe_at if sealed else None,
    }
    await uow.execute(_INSERT, row)


async def find_rotation(uow: UnitOfWork, old_id: str) -> Row | None:
    return await uow.fetch_one(_FIND, {"credential": old_id})


async def wipe(uow: UnitOfWork) -> int:
    """Forget the tokens of rotations that are over; how many."""
    return await uow.execute(_WIPE, {"now": uow.now})
