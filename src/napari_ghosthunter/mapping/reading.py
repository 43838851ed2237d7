"""The patterns of a scan, block after block, with the next one on its way while this one is computed.

On a GPU, that is the way through page-locked memory, which the card itself fetches from: several threads fill it, and
the copy runs beside what the card computes.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_ghosthunter.learning.reducing import raw_tensor
from napari_ghosthunter.mapping.ahead import one_ahead
from napari_ghosthunter.scan.scan import Scan

COPIERS = 4  # threads that fill page-locked memory; one alone copies more slowly than the card fetches


class Place(NamedTuple):
    """A rectangle of probe positions that is read at once."""

    top: int
    bottom: int
    left: int
    right: int


Reader: TypeAlias = Callable[[Place], Callable[[], "NDArray[Any] | Tensor"]]
"""Reads a place, in the thread of the reading; what it gives is called in that of the computing, for the patterns."""


def places(scan: Scan, rows: Sequence[tuple[int, int]], readable: int) -> list[list[Place]]:
    """Split ranges of scan rows into blocks of at most `readable` bytes, and rows larger than that into columns.

    Returns
    -------
    list of list of Place
        A list for each block of rows, with its places from left to right.
    """
    pattern_bytes = max(1, scan.size_bytes // (scan.shape[0] * scan.shape[1]))
    found = []
    for part in rows:
        for top, bottom in scan.row_blocks(readable, *part):
            step = max(1, readable // ((bottom - top) * pattern_bytes))
            lefts = range(0, scan.shape[1], step)
            found.append([Place(top, bottom, left, min(left + step, scan.shape[1])) for left in lefts])
    return found


@contextmanager
def reading(scan: Scan, wanted: Sequence[Place], device: torch.device) -> Iterator[Iterator[NDArray[Any] | Tensor]]:
    """Read places one ahead of their use, while the block runs; leaving it waits for the reading that runs.

    The iterator gives patterns (positions, k_y, k_x) as they are stored: an array, or a tensor on a GPU of CUDA.
    What the reading of a place raised is raised there.
    """
    with _reader(scan, device) as read, one_ahead(read, wanted) as ahead:
        yield (ahead.take()() for _ in wanted)


@contextmanager
def _reader(scan: Scan, device: torch.device) -> Iterator[Reader]:
    if device.type != "cuda":

        def read(place: Place) -> Callable[[], NDArray[Any]]:
            patterns = _patterns(scan, place)
            # a memory map reads nothing before it is looked at: a byte of each page
            patterns.reshape(-1).view(np.uint8)[:: mmap.PAGESIZE].max()
            return lambda: patterns

        yield read
        return
    stream = torch.cuda.Stream(device)
    with ThreadPoolExecutor(COPIERS, thread_name_prefix="ghosthunter-copy") as copiers:

        def upload(place: Place) -> Callable[[], Tensor]:
            raw = raw_tensor(_patterns(scan, place))
            locked = torch.empty(raw.shape, dtype=raw.dtype, pin_memory=True)
            fill(locked, raw, copiers)
            with torch.cuda.stream(stream):  # torch keeps the locked memory until the copy is done
                there = locked.to(device, non_blocking=True)
                arrived = stream.record_event()

            def arrive() -> Tensor:
                present = torch.cuda.current_stream(device)
                present.wait_event(arrived)
                there.record_stream(present)
                return there

            return arrive

        yield upload


def fill(target: Tensor, source: Tensor, copiers: ThreadPoolExecutor) -> None:
    """Copy patterns (n, k_y, k_x), a part of them in each thread."""
    step = max(1, -(-len(source) // COPIERS))
    # numpy's copies, because those of torch would start threads of their own; a list, so that errors are raised here
    list(copiers.map(np.copyto, *(_split(tensor.numpy(), step) for tensor in (target, source))))


def _split(patterns: NDArray[Any], step: int) -> list[NDArray[Any]]:
    return [patterns[start : start + step] for start in range(0, len(patterns), step)]


def _patterns(scan: Scan, place: Place) -> NDArray[Any]:
    """Read the patterns of a place, (positions, k_y, k_x)."""
    block = scan.block(slice(place.top, place.bottom), slice(place.left, place.right))
    return block.reshape(-1, *scan.detector_shape)
