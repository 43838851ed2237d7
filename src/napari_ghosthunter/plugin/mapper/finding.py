"""What is found in a thread for a window that may want it no more when it comes: then it is let go, wherever it is."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Finding(Generic[T]):
    """One thing that is looked for: taken once, or let go once.

    A session that is gone on with holds the lock of its sitting; one that nobody takes would keep it from everyone.

    Parameters
    ----------
    find
        Finds it, in the thread.
    let_go
        Called with what was found too late, in the thread, or in the window.
    """

    def __init__(self, find: Callable[[], T], let_go: Callable[[T], object]) -> None:
        self._find, self._let_go = find, let_go
        self._lock = threading.Lock()
        self._found: list[T] = []
        self._given_up = False

    def steps(self) -> Iterator[None]:
        """Find it; in the thread."""
        found = self._find()
        with self._lock:
            late = self._given_up
            if not late:
                self._found.append(found)
        if late:
            self._let_go(found)
        yield

    def take(self) -> T:
        """Give what was found; it is the caller's from now on."""
        with self._lock:
            return self._found.pop()

    def give_up(self) -> None:
        """Want it no more."""
        with self._lock:
            self._given_up = True
            found, self._found = self._found, []
        for one in found:
            self._let_go(one)
