"""Detector patterns to patterns of the network's size: cast, NaN to zero, binned, hot pixels clipped.

What is done to a pattern depends on nothing but the pattern: not on those beside it in the batch, nor on how many.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_ghosthunter.compiled import run, unguarded
from napari_ghosthunter.learning import kernels

LARGEST = 1e33  # intensity; a whole pattern of it can still be added up in single precision
HOT = 3  # times the brightest neighbour

Window: TypeAlias = tuple[slice, slice]  # part of the detector along (k_y, k_x)
WHOLE: Window = (slice(None), slice(None))
NO_LOOPS = (torch.float16, torch.bfloat16)  # types that numba has none for on a CPU


def raw_tensor(patterns: NDArray[Any]) -> Tensor:
    """Give stored patterns to torch, to read only; without a copy, if they lie in a row and in a type that it knows."""
    if patterns.dtype.kind == "f" and patterns.dtype.itemsize > 4:  # not every device has more than single precision
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is counted as such
            patterns = patterns.astype(np.float32)
    return torch.from_numpy(unguarded(np.ascontiguousarray(patterns)))


def moved(raw: Tensor, device: torch.device) -> Tensor:
    """Bring stored patterns to a device: as they are, which is the least to move, where it knows all their types."""
    return raw.to(torch.float32).to(device) if device.type == "mps" else raw.to(device, non_blocking=True)


def reduced(raw: Tensor, window: Window, size: int, *, clip: bool, out: Tensor | None = None) -> tuple[Tensor, int]:
    """Reduce the `window` of stored patterns (n, k_y, k_x) to (n, S, S) float32, on the device that they are on.

    Parameters
    ----------
    raw, window, size
        The patterns, which part of them, and S.
    clip
        Whether to clip hot pixels, see `clip_hot`.
    out
        A tensor (n, S, S) there to write to, instead of a new one.

    Returns
    -------
    tuple
        The reduced patterns, and how many of the pixels were NaN or infinite; they count as zero.
    """
    if kernels.serve(raw.device):
        found, nonfinite = _reduced_at_once(raw, window, size, clip=clip, out=out)
        return _bounded(found, raw), nonfinite
    patterns, nonfinite = _positive(raw[:, *window])
    binned = _binned(patterns, size)
    found = _bounded(clip_hot(binned) if clip else binned, raw)
    return found if out is None else out.copy_(found), nonfinite


def _bounded(reduced: Tensor, raw: Tensor) -> Tensor:
    """Bring what no detector counts, and what adding that up has made infinite, down to what can be calculated with."""
    return reduced.clamp_(max=LARGEST) if raw.dtype.is_floating_point else reduced


def bin_evenly(patterns: Tensor, side: int) -> Tensor:
    """Average (n, S, S) float32 in bins of as many pixels each, (n, side, side)."""
    if kernels.serve(patterns.device):
        return _reduced_at_once(patterns, WHOLE, side, clean=False)[0]
    return _sum_evenly(_sum_evenly(patterns, side, 1), side, 2).div_((patterns.shape[1] // side) ** 2)


def clip_hot(patterns: Tensor) -> Tensor:
    """Bring each hot pixel of (n, S, S) down to the brightest of its eight neighbours.

    Hot is what outshines them `HOT` times: the smallest disk does not. Only pixels among the brightest 1 % are touched,
    so single electrons of a sparse pattern stay.
    """
    around, bright = _brightest_neighbours(patterns), _bright(patterns)
    return torch.where(patterns > torch.maximum(around * HOT, bright[:, None, None]), around, patterns)


def _bright(patterns: Tensor) -> Tensor:
    """Give what 99 % of the pixels of each of (n, S, S) do not exceed, (n,), by every seventh of them."""
    some = patterns.flatten(1)[:, ::7]
    return some.topk(_count_bright(some.shape[1]), dim=1, sorted=False).values.amin(1)


def _count_bright(pixels: int) -> int:
    """How many of so many pixels are not among the 99 % that are less bright than any of them."""
    return pixels - int(0.99 * pixels) + 1


def _reduced_at_once(
    raw: Tensor, window: Window, size: int, *, clean: bool = True, clip: bool = False, out: Tensor | None = None
) -> tuple[Tensor, int]:
    """Do on a CPU what `_positive` (if `clean`), `_binned` and `clip_hot` (if `clip`) do, pattern by pattern."""
    if raw.dtype in NO_LOOPS:
        raw = raw.to(torch.float32)
    out = torch.empty((len(raw), size, size)) if out is None else out
    rows, columns = (
        _edges(*part.indices(length)[:2], size) for part, length in zip(window, raw.shape[1:], strict=True)
    )
    hot, brightest = np.float32(HOT if clip else 0), _count_bright(len(range(0, size**2, 7)))
    return out, run(kernels.reduce, raw.contiguous().numpy(), rows, columns, clean, hot, brightest, out.numpy())


@lru_cache(maxsize=16)
def _edges(start: int, stop: int, size: int) -> NDArray[np.int64]:
    """Give the first pixel of each bin, and the one after its last, (2, size)."""
    edges = start + np.arange(size + 1) * (stop - start) // size
    return np.stack([edges[:-1], np.maximum(edges[1:], edges[:-1] + 1)])


def _positive(raw: Tensor) -> tuple[Tensor, int]:
    """Cast to float32 with NaN, infinities and what is negative as zero; and count the first two."""
    patterns = raw.to(torch.float32)
    if not raw.dtype.is_floating_point:
        return (patterns.clamp_min_(0) if raw.dtype.is_signed else patterns), 0
    if torch.isfinite(patterns.sum()):  # a sum costs less than a look at each pixel
        return patterns.clamp_min(0), 0
    finite = torch.isfinite(patterns)
    return torch.where(finite, patterns, 0).clamp_min_(0), int((~finite).sum())


def _binned(patterns: Tensor, size: int) -> Tensor:
    """Average (n, k, m) in bins, (n, size, size), which differ by one row or column where `size` is no divisor.

    No pixel is in two bins (as it is with torch's adaptive pooling), so that a hot one stays alone and can be clipped;
    but where there are fewer pixels than bins, each is repeated.
    """
    full, shared = patterns.shape, 1  # pixels in each bin, as far as all have as many; division is left to the end
    for axis in (1, 2):
        if patterns.shape[axis] % size == 0:
            patterns = _sum_evenly(patterns, size, axis)
            shared *= full[axis] // size
        elif axis == 1:
            patterns = _bin_rows(patterns, size)
        else:  # rows are faster to pick than columns
            patterns = _bin_rows(patterns.mT.contiguous(), size).mT.contiguous()
    return patterns if shared == 1 else patterns.div_(shared)


def _sum_evenly(patterns: Tensor, size: int, axis: int) -> Tensor:
    """Sum (n, k, m) along an axis, in `size` bins of as many pixels each."""
    parts = patterns.unflatten(axis, (size, -1)).unbind(axis + 1)
    if len(parts) == 1:
        return patterns
    total: Tensor = parts[0] + parts[1]
    for part in parts[2:]:
        total += part
    return total


def _bin_rows(patterns: Tensor, size: int) -> Tensor:
    edges = torch.arange(size + 1, device=patterns.device) * patterns.shape[1] // size
    first, count = edges[:-1], edges.diff().clamp_min(1)
    least = int(count.min())
    total: Tensor = patterns[:, first]
    for offset in range(1, least):
        total += patterns[:, first + offset]
    longer = torch.nonzero(count > least)[:, 0]
    total.index_add_(1, longer, patterns[:, first[longer] + least])
    return total.div_(count[:, None])


def _brightest_neighbours(patterns: Tensor) -> Tensor:
    """Give the brightest of the eight pixels around each of (n, S, S), none of which is negative.

    As one long line in memory, which is faster than rows: a zero after each row, and a row of them after each pattern,
    are the neighbours of what lies at the edges.
    """
    count, size, _ = patterns.shape
    row = size + 1
    line = patterns.new_zeros(row + 1 + count * row * row + 1)
    line[row + 1 : -1].view(count, row, row)[:, :size, :size] = patterns
    sides = torch.maximum(line[:-2], line[2:])  # left and right of every pixel but the first and last of the line
    columns = torch.maximum(sides, line[1:-1])
    around = torch.maximum(columns[: -2 * row], columns[2 * row :])
    around = torch.maximum(around, sides[row:-row])
    return around.as_strided(patterns.shape, (row * row, row, 1))
