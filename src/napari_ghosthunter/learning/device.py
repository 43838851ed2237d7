"""Where to compute: the device that a user asks for, or the best that is there, and how many cores of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal, get_args

import torch

from napari_ghosthunter.errors import TrainingError

DeviceName = Literal["auto", "cpu", "cuda", "mps"]


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
    before = torch.get_num_threads()
    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(min(before, max(1, (os.cpu_count() or 1) - 1)))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread while the block runs: who runs several workers has one for each core."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
