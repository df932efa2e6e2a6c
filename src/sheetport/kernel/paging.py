"""Page numbers as the API counts them: from 1, with a size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from sheetport.kernel.errors import Invalid

T = TypeVar("T")
MAX_PAGE_SIZE = 1_000
MAX_PAGE_NUMBER = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Page:
    """Which slice of a list the caller wants."""

    number: int
    size: int

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size


@dataclass(frozen=True, slots=True)
class Paged(Generic[T]):
    """One page of a list and the size of the whole."""

    items: list[T]
    page: Page
    total: int

    @property
    def page_count(self) -> int:
        return -(-self.total // self.page.size)


def page_of(number: int | None, size: int | None, default_size: int, max_size: int = MAX_PAGE_SIZE) -> Page:
    """The page asked for. Raises Invalid naming ``pageNumber`` or ``pageSize``."""
    number = 1 if number is None else number
    size = default_size if size is None else size
    if not 1 <= number <= MAX_PAGE_NUMBER:
        raise Invalid(f"pageNumber counts from 1 and ends at {MAX_PAGE_NUMBER:,}.", "pageNumber")
    if not 1 <= size <= max_size:
        raise Invalid(f"pageSize must be from 1 to {max_size}.", "pageSize")
    return Page(number, size)
