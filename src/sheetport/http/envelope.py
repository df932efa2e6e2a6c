"""The success envelopes: ``{"data": …}``, with ``pagination`` where the API has it."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from sheetport.http.wire import Wire
from sheetport.kernel.paging import Paged

T = TypeVar("T")


class Data(Wire, Generic[T]):
    """One thing, or a whole list."""

    data: T


class Pagination(Wire):
    """Where a page lies in its list; counted from 1."""

    current_page: int
    page_count: int
    total_count: int


class Listed(Wire, Generic[T]):
    """One page of a list."""

    data: list[T]
    pagination: Pagination


class SuccessFlag(Wire):
    success: bool


class Success(Wire):
    """What a call with nothing to return answers; never an empty body, which the clients cannot read."""

    data: SuccessFlag


OK = Success(data=SuccessFlag(success=True))


def pagination_of(paged: Paged[Any]) -> Pagination:
    """The wire form of a page's place."""
    return Pagination(current_page=paged.page.number, page_count=paged.page_count, total_count=paged.total)
