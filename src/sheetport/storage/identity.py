"""Which key file a database belongs to, its security epoch, and its key-encryption key."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, select, update

from sheetport.kernel.errors import KeysOutdated
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import server
from sheetport.storage.unit_of_work import UnitOfWork

_ROW = "server"
#: Stands for the key file's value until a restore has ended.
RESTORING = "restoring"
NO_SERVER = "This database holds no server. Run 'sheetport init' first."
FOREIGN_KEY = "The key file belongs to another server. Point --key-file at this server's own."
_GET = statement(select(server.c.key_check, server.c.security_epoch).where(server.c.id == _ROW))
_INSERT = statement(insert(server).values(id=_ROW, key_check=bindparam("check"), created_at=bindparam("at")))
_RAISE = statement(
    update(server)
    .where(server.c.id == _ROW)
    .values(key_check=bindparam("check"), security_epoch=bindparam("epoch"), kek_id=bindparam("kek"))
)
#: Kept by whoever makes a data key, so that a rotation waits for it and misses none.
_KEK = statement(select(server.c.kek_id).where(server.c.id == _ROW).with_for_update(read=True))
_SET_KEK = statement(update(server).where(server.c.id == _ROW).values(kek_id=bindparam("kek")))


class WrongKeyError(Exception):
    """The key file is another server's; nothing was changed."""


async def is_claimed(uow: UnitOfWork) -> bool:
    """Whether a server has been set up in this database."""
    return await uow.fetch_one(_GET) is not None


async def claim(uow: UnitOfWork) -> None:
    """Bind a new database to this key file."""
    await uow.execute(_INSERT, {"check": uow.keys.check_value(), "at": uow.now})


async def check(uow: UnitOfWork) -> int:
    """The security epoch. Raises WrongKeyError unless the database was set up with this key file."""
    row = await uow.fetch_one(_GET)
    if row is None:
        raise WrongKeyError(NO_SERVER)
    if row["key_check"] == RESTORING:
        raise WrongKeyError("A restore into this database did not end. Run 'sheetport restore' again, with --replace.")
    if row["key_check"] != uow.keys.check_value():
        raise WrongKeyError(FOREIGN_KEY)
    return int(row["security_epoch"])


async def end_restore(uow: UnitOfWork) -> int:
    """Bind a restored database to this key file and its key, in an epoch that no earlier or lost one equals."""
    row = await uow.fetch_one(_GET)
    if row is None:
        raise WrongKeyError("The backup holds no server.")
    epoch = max(uow.now, int(row["security_epoch"]) + 1)
    await uow.execute(_RAISE, {"check": uow.keys.check_value(), "epoch": epoch, "kek": uow.keys.current_kek})
    return epoch


async def find_kek(uow: UnitOfWork) -> str | None:
    """The key-encryption key of the last rotation, None before the first."""
    row = await uow.fetch_one(_KEK)
    return None if row is None else row["kek_id"]


async def set_kek(uow: UnitOfWork, kek_id: str) -> None:
    """Have new data keys sealed under this one only: those that are being made elsewhere are waited for."""
    await uow.execute(_SET_KEK, {"kek": kek_id})


async def require_current_kek(uow: UnitOfWork) -> None:
    """Raise KeysOutdated unless this process seals data keys under the key-encryption key in force."""
    kek_id = await find_kek(uow)
    if kek_id not in {None, uow.keys.current_kek}:
        raise KeysOutdated(
            f"The key-encryption key was rotated to {kek_id}, which this process has not in use yet. Give the server "
            "the newest key file (--key-file) and try again; nothing was written.",
            "keyFile",
        )
