"""What can be done of the next scan while the present one is computed: one step ahead, in one thread."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

import numpy as np

from napari_ghosthunter.scan.scan import BLOCK_BYTES, Scan

T = TypeVar("T")
R = TypeVar("R")


class OneAhead(Generic[T, R]):
    """Hands out what `prepare` makes of each item, in order; the next one is made while the caller uses the last."""

    def __init__(self, prepare: Callable[[T], R], items: Iterable[T], pool: ThreadPoolExecutor) -> None:
        self._prepare, self._items, self._pool = prepare, iter(items), pool
        self._waiting: Future[R] | None = None
        self._begin()

    def take(self) -> R:
        """Wait for the next one, and begin with the one after it; at most two are alive, if the caller drops the last.

        Raises
        ------
        Exception
            What the preparation of this one raised; the one after it is begun all the same.
        """
        assert self._waiting is not None  # there is one for each item
        waiting, self._waiting = self._waiting, None
        try:
            return waiting.result()
        finally:
            del waiting  # a traceback would keep it
            self._begin()

    def _begin(self) -> None:
        for item in self._items:
            self._waiting = self._pool.submit(self._prepare, item)
            return


@contextmanager
def one_ahead(prepare: Callable[[T], R], items: Iterable[T]) -> Iterator[OneAhead[T, R]]:
    """Prepare items one ahead of their use, while the block runs; leaving it waits for the preparation that runs."""
    pool = ThreadPoolExecutor(1, thread_name_prefix="ghosthunter-ahead")
    try:
        yield OneAhead(prepare, items, pool)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def read_ahead(scan: Scan, block_bytes: int = BLOCK_BYTES) -> None:
    """Read the first patterns of a scan, so that the system has them at hand; no more than one block, and not kept."""
    row_bytes = scan.size_bytes // scan.shape[0]
    rows = max(1, block_bytes // max(1, row_bytes))
    columns = max(1, block_bytes * scan.shape[1] // max(1, row_bytes)) if rows == 1 else scan.shape[1]
    block = scan.block(slice(0, rows), slice(0, columns))
    # of a memory map nothing is read before it is looked at: a byte of each page
    block.reshape(-1).view(np.uint8)[:: mmap.PAGESIZE].max()
