"""One thread ahead: order, errors, and a reader that leaves early."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from actviz.ahead import ahead


def counted(made: list[int], end: int = 100) -> Iterator[int]:
    for number in range(end):
        made.append(number)
        yield number


@pytest.mark.parametrize("end", [0, 1, 7, 100])
def test_gives_the_same_items_in_the_same_order(end: int) -> None:
    assert list(ahead(counted([], end), most=7)) == list(range(end))


def test_makes_items_in_a_thread_of_its_own_and_no_more_than_so_many_ahead() -> None:
    made: list[int] = []
    items = ahead(counted(made), most=3)
    assert [next(items), next(items)] == [0, 1]
    items.close()  # type: ignore[attr-defined]  # a generator
    assert 2 <= len(made) <= 5  # two that were asked for and three ahead
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ahead")]


def test_an_error_is_raised_where_its_item_would_have_been() -> None:
    def breaks() -> Iterator[int]:
        yield 1
        raise ValueError("broken film")

    items = ahead(breaks())
    assert next(items) == 1
    with pytest.raises(ValueError, match="broken film"):
        next(items)
