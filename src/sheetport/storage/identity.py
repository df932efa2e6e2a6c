"""Which key file a database belongs to, and its security epoch."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, select, update

from sheetport.storage.statements import statement
from sheetport.storage.tables.core import server
from sheetport.storage.unit_of_work import UnitOfWork

_ROW = "server"
#: Stands for the key file's value until a restore has ended.
RESTORING = "restoring"
FOREIGN_KEY = "The key file belongs to another server. Point --key-file at this server's own."
_GET = statement(select(server.c.key_check, server.c.security_epoch).where(server.c.id == _ROW))
_INSERT = statement(insert(server).values(id=_ROW, key_check=bindparam("check"), created_at=bindparam("at")))
_RAISE = statement(
    update(server).where(server.c.id == _ROW).values(key_check=bindparam("check"), security_epoch=bindparam("epoch"))
)


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
        raise WrongKeyError("This database holds no server. Run 'sheetport init' first.")
    if row["key_check"] == RESTORING:
        raise WrongKeyError("A restore into this database did not end. Run 'sheetport restore' again, with --replace.")
    if row["key_check"] != uow.keys.check_value():
        raise WrongKeyError(FOREIGN_KEY)
    return int(row["security_epoch"])


async def end_restore(uow: UnitOfWork) -> int:
    """Bind a restored database to this key file, in a security epoch that no earlier or lost one equals."""
    row = await uow.fetch_one(_GET)
    if row is None:
        raise WrongKeyError("The backup holds no server.")
    epoch = max(uow.now, int(row["security_epoch"]) + 1)
    await uow.execute(_RAISE, {"check": uow.keys.check_value(), "epoch": epoch})
    return epoch
