"""Pages."""

from __future__ import annotations

import pytest

from sheetport.kernel.errors import Invalid
from sheetport.kernel.paging import Page, Paged, page_of


def test_a_page_starts_where_the_one_before_ends() -> None:
    assert [page_of(n, 20, 10).offset for n in (1, 2, 3)] == [0, 20, 40]
    assert page_of(None, None, 10) == Page(1, 10)


@pytest.mark.parametrize(
    ("number", "size", "key"),
    [
        (0, 10, "pageNumber"),
        (10**30, 10, "pageNumber"),
        (-1, 10, "pageNumber"),
        (1, 0, "pageSize"),
        (1, 1_001, "pageSize"),
    ],
)
def test_a_page_that_cannot_be_is_refused_by_name(number: int, size: int, key: str) -> None:
    with pytest.raises(Invalid) as caught:
        page_of(number, size, 10)
    assert caught.value.key == key


@pytest.mark.parametrize(("total", "pages"), [(0, 0), (1, 1), (10, 1), (11, 2)])
def test_the_number_of_pages_is_rounded_up(total: int, pages: int) -> None:
    assert Paged([], Page(1, 10), total).page_count == pages
