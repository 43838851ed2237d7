"""Scan -> what a network answers to each of its patterns, streamed row by row in bounded memory.

Rows are read in blocks and reduced to the size of the network's input; a band of reduced rows rolls along, just high
enough for the neighbourhood pooling. Nothing holds the cube, and a caller may stop between any two bands.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Self, TypeAlias, TypeVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from numpy.typing import NDArray
from torch import Tensor

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.learning.answering import Answer
from napari_ghosthunter.learning.device import own_threads
from napari_ghosthunter.learning.memory import NO_MEMORY, within_memory
from napari_ghosthunter.learning.patterns import FittedPatterns, pool_row
from napari_ghosthunter.learning.reducing import Window
from napari_ghosthunter.mapping.reading import Place, places, reading
from napari_ghosthunter.scan.scan import BLOCK_BYTES, Scan

AT_ONCE = 64  # patterns that are pooled, scaled and answered to together on a CPU: fewer waste calls, more memory
GPU_AT_ONCE = 512  # patterns at once on a GPU, which has thousands to compute on
REDUCED_AT_ONCE = 32  # patterns that a thread reduces between two looks at what else there is to do
WHOLE = 8  # the last inputs of a row are filled up to a multiple of this; see `answers`

T = TypeVar("T")
_Part: TypeAlias = "Future[tuple[Tensor, int]]"  # reduced patterns, and how many pixels were not finite


@dataclass(frozen=True, eq=False)
class Rows:
    """Finished rows.

    Attributes
    ----------
    start, stop
        The scan rows start..stop.
    values
        float32, shape (stop - start, scan_x, m).
    nonfinite
        Pixels met so far, in all rows, that were NaN or infinite and counted as zero.
    """

    start: int
    stop: int
    values: NDArray[np.float32] = field(repr=False)
    nonfinite: int


def stream(
    scan: Scan,
    patterns: FittedPatterns,
    answer: Answer,
    window: Window,
    rows: tuple[int, int],
    device: torch.device,
    block_bytes: int = BLOCK_BYTES,
) -> Iterator[Rows]:
    """Answer to some rows of a scan, in order; see `segmentation.part_rows`.

    Each row goes to `answer` in the same batches whatever `rows` and `block_bytes` are, so that its bytes are the same.
    """
    scan, (start, stop), reach = patterns.masked(scan), rows, patterns.config.reach
    low, high = max(0, start - reach), min(scan.shape[0], stop + reach)
    band: list[Tensor] = []  # reduced rows (scan_x, S, S); the first is scan row `first`
    first, done, nonfinite = low, start, 0
    parts = ((low, start), (start, stop), (stop, high))  # apart, because what the neighbours hold is not counted
    batch = AT_ONCE if device.type == "cpu" else GPU_AT_ONCE
    blocks = places(scan, parts, _readable(scan, patterns, block_bytes))
    waiting: _Computed | None = None  # rows that are computed while the next ones are reduced
    # What aligning keeps for all patterns is made by this thread alone: made by two at once, it may have other bits
    patterns.laid(torch.zeros((1, patterns.size, patterns.size), device=device))
    with reading(scan, list(chain(*blocks)), device) as raw, own_threads(device) as pool:
        begun = (_Reduced.begin(scan, patterns, window, block, raw, device, pool) for block in blocks)
        for reduced in _one_behind(begun):
            top, bottom, bad = reduced.top, reduced.bottom, reduced.nonfinite()
            band.extend(reduced.rows)
            nonfinite += bad if start <= top < stop else 0
            ready = min(stop, bottom if bottom == scan.shape[0] else bottom - reach)
            if ready <= done:
                continue
            parts_of_rows = [
                pool.submit(_answers, patterns, answer, near, left, left + batch)
                for near in (band[max(y - reach, 0) - first : y + reach + 1 - first] for y in range(done, ready))
                for left in range(0, scan.shape[1], batch)
            ]
            if waiting is not None:
                yield waiting.band()
            waiting = _Computed(done, ready, parts_of_rows, nonfinite)
            done = ready
            keep_from = max(first, done - reach)
            del band[: keep_from - first]
            first = keep_from
        if waiting is not None:
            yield waiting.band()


def _readable(scan: Scan, patterns: FittedPatterns, block_bytes: int) -> int:
    """How many bytes of patterns to read at once, so that neither they nor what they are reduced to fill more."""
    pattern_bytes = scan.dtype.itemsize * scan.detector_shape[0] * scan.detector_shape[1]
    reduced_bytes = 4 * patterns.size**2
    return block_bytes * pattern_bytes // max(pattern_bytes, reduced_bytes)


def _one_behind(items: Iterator[T]) -> Iterator[T]:
    """Give items when the next one is there already, so that what it began has something to do meanwhile."""
    before: list[T] = []
    for item in items:
        yield from before
        before = [item]
    yield from before


@dataclass(frozen=True, eq=False)
class _Reduced:
    """A block of rows (rows, scan_x, S, S) that is being reduced, some patterns in each thread."""

    top: int
    bottom: int
    rows: Tensor
    parts: list[_Part]

    @classmethod
    def begin(
        cls,
        scan: Scan,
        patterns: FittedPatterns,
        window: Window,
        block: list[Place],
        blocks: Iterator[NDArray[Any] | Tensor],
        device: torch.device,
        pool: ThreadPoolExecutor,
    ) -> Self:
        """Take the patterns of a block's places from `blocks`, and have them reduced."""
        size, (top, bottom) = patterns.size, block[0][:2]
        rows, parts = torch.empty((bottom - top, scan.shape[1], size, size), device=device), list[_Part]()
        before = list[_Part]()
        for place in block:  # where there are several, it is a single row
            raw, out = next(blocks), rows[:, place.left : place.right].flatten(0, 1)
            step = REDUCED_AT_ONCE if device.type == "cpu" else len(raw)
            begun = [
                pool.submit(patterns.reduce, raw[start : start + step], window, device, out[start : start + step])
                for start in range(0, len(raw), step)
            ]
            wait(before)  # of a row that is larger than a block, only two places are in memory
            parts, before = parts + begun, begun
        return cls(top, bottom, rows, parts)

    def nonfinite(self) -> int:
        """Wait until all is done, and count the pixels that were NaN or infinite."""
        return sum(part.result()[1] for part in self.parts)


@dataclass(frozen=True)
class _Computed:
    """Rows that are being computed: the parts of each, from left to right."""

    start: int
    stop: int
    parts: list[Future[Tensor]]
    nonfinite: int

    def band(self) -> Rows:
        """Wait for them."""
        values = torch.cat([part.result() for part in self.parts]).cpu().numpy()
        count = self.stop - self.start
        return Rows(self.start, self.stop, values.reshape(count, -1, values.shape[-1]), self.nonfinite)


def _answers(patterns: FittedPatterns, answer: Answer, band: list[Tensor], left: int, right: int) -> Tensor:
    """Give the answers (B, m) to the columns left..right of the middle row of a band of reduced rows."""
    config = patterns.config
    with torch.inference_mode():
        first, stop = max(0, left - config.reach), right + config.reach
        pooled = pool_row([row[first:stop] for row in band], config)[left - first :][: right - left]
        return _in_memory(patterns, answer, pooled)


def _in_memory(patterns: FittedPatterns, answer: Answer, pooled: Tensor) -> Tensor:
    """Give the answers (B, m) to pooled patterns (B, S, S), in halves where a GPU has not memory for all."""
    done = within_memory(lambda: answers(answer, patterns.scale(pooled)), pooled.device)
    if done is not None:
        return done
    if len(pooled) == 1:
        raise TrainingError(NO_MEMORY)
    return torch.cat([_in_memory(patterns, answer, half) for half in pooled.chunk(2)])


def answers(answer: Answer, inputs: Tensor) -> Tensor:
    """Give the answers (B, m) to network inputs (B, 1, S, S), the same bits for any number of threads.

    What a matrix product of few rows adds up in which order depends on the number of threads, but not with multiples of
    eight: so the last columns of a row go through the network with blank patterns, and a map is the same everywhere.
    """
    filled = F.pad(inputs, (0, 0, 0, 0, 0, 0, 0, -len(inputs) % WHOLE))
    return answer(filled)[: len(inputs)]
