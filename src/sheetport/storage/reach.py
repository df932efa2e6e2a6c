"""Which rows a caller's grants let it list, as a condition of SQL."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, true

from sheetport.kernel.actor import Actor, Grant


def reached(actor: Actor, *columns: ColumnElement[Any], around: bool = False) -> ColumnElement[bool]:
    """The rows that the present call may be about; what ``Actor.reaches`` says of one thing.

    ``columns`` hold the ids of a row's environment, space, workbook and sheet, as many as the table has. ``around``
    is for environments, spaces, workbooks and sheets themselves: those that hold a granted thing are listed too.
    """
    if actor.grants is None:
        return true()
    needed = actor.required or ("",)
    return and_(*(_granted(actor.grants, each, columns, around=around) for each in needed))


def _granted(
    grants: tuple[Grant, ...], permission: str, columns: tuple[ColumnElement[Any], ...], *, around: bool
) -> ColumnElement[bool]:
    giving = (grant for grant in grants if not permission or permission in grant.permissions)
    return or_(false(), *(_covered(grant, columns, around=around) for grant in giving))


def _covered(grant: Grant, columns: tuple[ColumnElement[Any], ...], *, around: bool) -> ColumnElement[bool]:
    found: list[ColumnElement[bool]] = []
    for own, column in zip_longest(grant.path, columns):
        if own is None:
            continue
        if column is not None:
            found.append(column == own)
        elif not around:
            return false()
    return and_(true(), *found)
