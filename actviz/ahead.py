"""One thread ahead: the next items are made while the last one is used."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

__all__ = ["ahead"]

T = TypeVar("T")
_END: Any = object()


def ahead(items: Iterator[T], *, most: int = 8) -> Iterator[T]:
    """The same items in the same order, up to ``most`` of them made before they are asked for.

    Worth it where making and using both leave Python: decoding, drawing on arrays, encoding. What
    the maker raises is raised where its item would have been.
    """
    maker = ThreadPoolExecutor(1, "ahead")
    coming = deque(maker.submit(next, items, _END) for _ in range(most))
    try:
        while (item := coming.popleft().result()) is not _END:
            coming.append(maker.submit(next, items, _END))
            yield item
    finally:
        maker.shutdown(cancel_futures=True)
