"""Doing something in a thread that is not the main one."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_another_thread(action: Callable[[], T]) -> T:
    found = []
    thread = threading.Thread(target=lambda: found.append(action()))
    thread.start()
    thread.join()
    return found[0]
