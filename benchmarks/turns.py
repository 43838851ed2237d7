"""Times that can be compared: the compared things take turns, and of each the best counts.

Other work comes and goes on most machines. What is measured one after the other meets different times; in turns, each
thing finds its quiet moments.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial

from benchmarks.rows import cores

Timed = Callable[[], object]


def best_of(things: Mapping[str, Timed], rounds: int) -> dict[str, float]:
    """Give the shortest time of each thing, in seconds, of that many rounds."""
    best = dict.fromkeys(things, float("inf"))
    for _ in range(rounds):
        for name, thing in things.items():
            best[name] = min(best[name], seconds_of(thing))
    return best


def seconds_of(thing: Timed) -> float:
    """Give the time that something takes, in seconds."""
    began = time.perf_counter()
    thing()
    return time.perf_counter() - began


def with_threads(threads: int, action: Timed) -> None:
    """Do something with that many threads of torch."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        action()
    finally:
        torch.set_num_threads(before)


def best_threads(action: Timed, rounds: int = 2) -> int:
    """Find out whether something is faster with one thread of torch or with one for each core.

    On cores that other work shares, several threads wait for each other; whom we compare with must not lose by that.
    """
    choices = {str(threads): partial(with_threads, threads, action) for threads in sorted({1, cores()})}
    best = best_of(choices, rounds)
    return int(min(best, key=best.__getitem__))
