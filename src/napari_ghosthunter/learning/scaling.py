"""Intensities to network input, each pattern by itself: curve, local contrast, standardising.

All of it is simple arithmetic on whole batches, so that a pattern takes about as long as reading it a few dozen times
from the caches of the processor: torch's own pooling and standard deviation take twenty times as long on a CPU.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from napari_ghosthunter.compiled import run
from napari_ghosthunter.learning import kernels
from napari_ghosthunter.learning.config import PatternConfig

CONTRAST_FLOOR = 0.3  # in standard deviations of the pattern


def scaled(patterns: Tensor, config: PatternConfig) -> Tensor:
    """Scale intensities of (n, S, S), each pattern to mean 0 and standard deviation 1."""
    curved = _curved(patterns, config)  # nobody else has it: it may be written to
    curved = standardized(curved, curved)
    if config.contrast_window:
        curved = local_contrast(curved, config.contrast_window, curved)
        curved = standardized(curved, curved)
    return curved


def standardized(patterns: Tensor, out: Tensor | None = None) -> Tensor:
    """Bring each pattern of (n, S, S) to mean 0 and standard deviation 1; a flat one becomes zero.

    On a CPU they are written to `out`, if it is given, which may be what they come from.
    """
    if kernels.serve(patterns.device):
        out = torch.empty(patterns.shape) if out is None else out
        run(kernels.standardize, patterns.contiguous().numpy(), out.numpy())
        return out
    mean = patterns.mean((1, 2), keepdim=True)
    centred = patterns - mean
    spread = torch.linalg.vector_norm(centred, dim=(1, 2), keepdim=True) / patterns.shape[1:].numel() ** 0.5
    return centred.div_(torch.maximum(spread, mean.abs() * kernels.ROUNDING).clamp_min_(kernels.SMALLEST_SPREAD))


def local_contrast(patterns: Tensor, window: float, out: Tensor | None = None) -> Tensor:
    """Take from each pixel of (n, S, S) the mean of the window around it, and divide by the spread there.

    `window` is the side of the square as a share of S. Where nothing happens in a window its own spread would blow up
    the noise, so that a share of the pattern's spread (1, after `standardized`) is added. This is local response
    normalisation in the sense of Jarrett et al. (2009), with a box instead of a Gaussian. `out` as in `standardized`.
    """
    size = patterns.shape[-1]
    side = max(3, int(window * size) // 2 * 2 + 1)
    share = _share_of_window(size, side, patterns.device)
    if kernels.serve(patterns.device):
        out = torch.empty(patterns.shape) if out is None else out
        floor = np.float32(CONTRAST_FLOOR)
        run(kernels.local_contrast, patterns.contiguous().numpy(), share.numpy(), side, floor, out.numpy())
        return out
    centred = torch.addcmul(patterns, window_sum(patterns, side), share, value=-1)
    spread = (window_sum(centred * centred, side) * share).sqrt_()
    return centred.div_(spread.add_(CONTRAST_FLOOR))


def window_sum(patterns: Tensor, side: int) -> Tensor:
    """Sum over the window of `side` (odd) around each pixel of (n, S, S), cut off at the edges.

    One axis after the other, and each as sums along one long line in memory, which are faster than those over rows.
    Half a window of zeros parts one pattern, or row, from the next, so that no window reaches into both.
    """
    (count, size, _), half = patterns.shape, side // 2
    padded = patterns.new_zeros(half * size + count * (size + half) * size)
    padded[half * size :].view(count, size + half, size)[:, :size] = patterns
    columns = _running_sum(padded, side, size).as_strided(patterns.shape, ((size + half) * size, size, 1))
    padded = patterns.new_zeros(half + count * size * (size + half))
    padded[half:].view(count, size, size + half)[:, :, :size] = columns
    return _running_sum(padded, side, 1).as_strided(patterns.shape, (size * (size + half), size + half, 1))


def _curved(patterns: Tensor, config: PatternConfig) -> Tensor:
    """Bring intensities (n, S, S), in units of each pattern's own mean, onto the curve that is asked for.

    Detectors store electrons, multiples of them, or numbers between 0 and 1; it must not matter which.
    """
    floor = config.log_floor if config.scaling == "log" else 1
    unit = (patterns.mean((1, 2), keepdim=True) * floor).clamp_min_(torch.finfo(torch.float32).tiny)
    relative = patterns / unit
    if config.scaling == "log":
        return relative.log1p_()
    return relative.sqrt_() if config.scaling == "sqrt" else relative


def _running_sum(line: Tensor, count: int, step: int) -> Tensor:
    """Sum `count` elements, `step` apart, from each on: made up of sums of 1, 2, 4, ... elements."""
    length = len(line) - (count - 1) * step
    width, done = 1, 0
    power, total = line, None
    while True:
        if count & width:
            part = power[done * step :][:length]
            total = part if total is None else total + part
            done += width
        if done == count:
            assert total is not None
            return total
        power = power[: -width * step] + power[width * step :]
        width *= 2


@lru_cache(maxsize=16)
def _share_of_window(size: int, side: int, device: torch.device) -> Tensor:
    """Give what share of the window around each pixel of (S, S) one pixel is; windows at the edges are smaller."""
    with torch.inference_mode(mode=False):  # it is kept for whoever asks next
        place = torch.arange(size, device=device)
        count = (place + side // 2).clamp_max(size - 1) - (place - side // 2).clamp_min(0) + 1
        return 1 / (count[:, None] * count)
