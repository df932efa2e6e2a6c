"""Which key file a database belongs to."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, select

from sheetport.storage.statements import statement
from sheetport.storage.tables.core import server
from sheetport.storage.unit_of_work import UnitOfWork

_ROW = "server"
_GET = statement(select(server.c.key_check).where(server.c.id == _ROW))
_INSERT = statement(insert(server).values(id=_ROW, key_check=bindparam("check"), created_at=bindparam("at")))


class WrongKeyError(Exception):
    """The key file is another server's; nothing was changed."""


async def is_claimed(uow: UnitOfWork) -> bool:
    """Whether a server has been set up in this database."""
    return await uow.fetch_one(_GET) is not None


async def claim(uow: UnitOfWork) -> None:
    """Bind a new database to this key file."""
    await uow.execute(_INSERT, {"check": uow.keys.check_value(), "at": uow.now})


async def check(uow: UnitOfWork) -> None:
    """Raises WrongKeyError unless the database was set up with this key file."""
    row = await uow.fetch_one(_GET)
    if row is None:
        raise WrongKeyError("This database holds no server. Run 'sheetport init' first.")
    if row["key_check"] != uow.keys.check_value():
        raise WrongKeyError("The key file belongs to another server. Point --key-file at this server's own.")
