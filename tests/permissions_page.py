"""docs/reference/permissions.md, written from the table of permissions."""

from __future__ import annotations

from architecture.sources import ROOT
from sheetport.kernel.actor import ActorKind
from sheetport.kernel.permissions import ACCOUNT_WIDE, GRANTED, ROLES, Permission

PAGE_PATH = ROOT / "docs" / "reference" / "permissions.md"
_HEAD = """# Permissions

Who may do what. This page is written by `scripts/permissions.py` from the one table that the server itself asks; a test
fails while it is out of date. [Roles](../howto/roles.md) tells how to give them.

- A role gives its permissions on the thing it is given on, and on all that lies in it: the account, an environment, a
  space, a workbook or a sheet. What holds such a thing can be read (a sheet's workbook, space and environment), and
  lists show nothing beside it.
- What a caller may not know of is not found (404); what it may know of, but not do, is refused (403).
- Permissions marked with * are about the account itself: a role gives them only on the whole account.
- Roles are for users, guests and agents. The last columns are the most that each other kind of token may do; a guest or
  an agent never has more than its column, whatever its roles say.
- Everybody finds and renames themselves.

"""
_KINDS = {
    ActorKind.SECRET_KEY: "secret key",
    ActorKind.AGENT: "agent",
    ActorKind.SPACE: "space token",
    ActorKind.GUEST: "guest",
    ActorKind.PUBLISHABLE_KEY: "publishable key",
}


def as_page() -> str:
    """Markdown: a row for each permission, a column for each role and kind of caller."""
    columns = [ROLES[role] for role in ROLES] + [GRANTED[kind] for kind in _KINDS]
    names = ["permission", *(role.value for role in ROLES), *_KINDS.values()]
    rows = [_row(permission, columns) for permission in sorted(Permission)]
    return _HEAD + "".join([_line(names), _line(["---"] * len(names)), *rows])


def _row(permission: Permission, columns: list[frozenset[Permission]]) -> str:
    star = "*" if permission in ACCOUNT_WIDE else ""
    return _line([f"`{permission.value}`{star}", *("yes" if permission in column else "-" for column in columns)])


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |\n"
