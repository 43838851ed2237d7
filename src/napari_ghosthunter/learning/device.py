"""Where to compute: the device that a user asks for, or the best that is there, and how many cores of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Literal, TypeVar, get_args

import torch

from napari_ghosthunter.errors import TrainingError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]

MOST_THREADS = 16  # of our own; each has a batch of patterns in memory

T = TypeVar("T")


def available_devices() -> tuple[DeviceName, ...]:
    """Devices that torch can use here, the fastest first."""
    found: list[DeviceName] = []
    if torch.cuda.is_available():
        found.append("cuda")
    if torch.backends.mps.is_available():
        found.append("mps")
    return (*found, "cpu")


def device_titles() -> dict[DeviceName, str]:
    """Name what torch can use here, the fastest first, in words: 'CPU', 'NVIDIA H100 PCIe', 'Apple GPU'."""
    titles: dict[DeviceName, str] = {"cpu": "CPU", "mps": "Apple GPU"}
    return {name: torch.cuda.get_device_name() if name == "cuda" else titles[name] for name in available_devices()}


def choose_device(name: str) -> torch.device:
    """Turn the name of a device, or 'auto' for the fastest one here, into a torch device.

    Raises
    ------
    TrainingError
        If there is no such device, here or at all.
    """
    available = available_devices()
    if name == "auto":
        return torch.device(available[0])
    if name not in get_args(DeviceName):
        raise TrainingError(f"There is no device '{name}'; choose one of: {', '.join(get_args(DeviceName))}.")
    if name not in available:
        raise TrainingError(f"torch finds no '{name}' device on this machine; use one of: {', '.join(available)}.")
    return torch.device(name)


@contextmanager
def spare_core() -> Iterator[None]:
    """Let torch use all cores but one while the block runs, unless OMP_NUM_THREADS says how many.

    The window and the reading of the next patterns need a core, and when another program wants one too, torch's
    threads wait for each other: on two busy cores two threads are several times slower than one.
    """
    with _budget.held() as threads:
        torch.set_num_threads(_but_one(threads))
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread while the block runs: who runs several workers has one for each core."""
    with _budget.held():
        torch.set_num_threads(1)
        yield


@contextmanager
def own_threads(device: torch.device) -> Iterator[ThreadPoolExecutor]:
    """Compute in threads of our own while the block runs, one for each core, in each of which torch uses just one.

    They wait for each other once in a while, torch's own after each step of its arithmetic. There are as many as torch
    would use; but in any other thread than the main one, which may have a window to draw, a core is left to that. A GPU
    has enough to do with the work of one. Leaving the block waits for what runs, and drops what does not yet.
    """
    with _budget.held() as threads:
        count = _count(device, threads)
        pool = ThreadPoolExecutor(count, "ghosthunter-compute", initializer=_budget.keep_to_one)
        try:
            yield pool
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def thread_count(device: torch.device) -> int:
    """How many threads `own_threads` has."""
    with _budget.held() as threads:
        return _count(device, threads)


def flushed(action: Callable[[], T], threads: int = 1) -> T:
    """Do something in a thread of our own, and take numbers for zero that are too small for all their digits (1e-38).

    A CPU is many times as slow with them. How it is to treat them is asked for thread by thread, and passed on to those
    that are begun: torch may use as many `threads` meanwhile, for what gives the same bits with any number of them.
    """
    with _budget.held():
        torch.set_flush_denormal(True)
        torch.set_num_threads(threads)
        try:
            return action()
        finally:
            torch.set_flush_denormal(False)


class _Budget:
    """How many threads torch may use in this process, whatever some of its threads are kept to just now.

    What a thread asks torch for is what later ones begin with: a run that was started while another one keeps to one
    thread would think that one is all there is. So the number is read while nobody keeps to another, in a new thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._holders, self._threads = 0, 1
        self._here = threading.local()  # `inside`: whether what torch says in this thread is true

    @contextmanager
    def held(self) -> Iterator[int]:
        """Give the number for this thread, which may be changed while the block runs and is as before after it."""
        with self._lock:
            if self._holders == 0:
                with ThreadPoolExecutor(1) as new:
                    self._threads = new.submit(torch.get_num_threads).result()
            self._holders += 1
        outermost = not getattr(self._here, "inside", False)
        if outermost:
            self._here.inside = True
            torch.set_num_threads(self._threads)
        before = torch.get_num_threads()
        try:
            yield before
        finally:
            torch.set_num_threads(before)
            if outermost:
                self._here.inside = False
            with self._lock:
                self._holders -= 1

    def keep_to_one(self) -> None:
        """Let torch use one thread in this one for good."""
        self._here.inside = True
        torch.set_num_threads(1)


_budget = _Budget()


def _count(device: torch.device, threads: int) -> int:
    count = threads if threading.current_thread() is threading.main_thread() else _but_one(threads)
    return min(count, MOST_THREADS) if device.type == "cpu" else 1


def _but_one(threads: int) -> int:
    if "OMP_NUM_THREADS" in os.environ:
        return threads
    return min(threads, max(1, (os.cpu_count() or 1) - 1))
