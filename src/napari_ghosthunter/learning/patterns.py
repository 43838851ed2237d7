"""Patterns to network input: the one path that training and inference share.

Each pattern is reduced on its own (cropped, NaN to zero, cast, binned to the network's size, hot pixels clipped),
then pooled over neighbouring probe positions, then scaled. Reducing first keeps the rolling band of neighbours
small: what is pooled has the size of the network's input, not of the detector.

The choices (`PatternConfig`) and the size of the input are stored in the model file. Nothing else is fitted: each
pattern is scaled by its own intensity, so that a scan of another dose or gain needs no other numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, PositiveInt
from torch import Tensor

from napari_ghosthunter.learning.config import LARGEST_INPUT, SMALLEST_INPUT, PatternConfig
from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.scan import Scan, warn_of_nonfinite, zero_nonfinite
from napari_ghosthunter.scan.virtual import measure_scan_beam

CONTRAST_FLOOR = 0.3  # in standard deviations of the pattern
HOT = 3  # times the brightest neighbour
BATCH = 64  # patterns reduced at once: enough to keep the cores busy, few enough to stay in the caches


Window: TypeAlias = tuple[slice, slice]  # part of the detector along (k_y, k_x)


class FittedPatterns(BaseModel):
    """A `PatternConfig` with what the detector of the training scan settled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: PatternConfig
    detector_shape: tuple[PositiveInt, PositiveInt]  # (k_y, k_x) of the training scan
    size: int = Field(ge=SMALLEST_INPUT, le=LARGEST_INPUT, multiple_of=8)  # side of the network's input

    def window(self, scan: Scan, beam: BeamCentre | None = None) -> Window:
        """Give the part of the detector that is used, along (k_y, k_x): the whole, or around the beam of `scan`.

        The beam is measured, unless it is given.
        """
        if self.config.crop == 1:
            return slice(None), slice(None)
        centre = (scan.shape[2] - 1) / 2, (scan.shape[3] - 1) / 2
        if self.config.centre == "beam":
            beam = beam or measure_scan_beam(scan)
            centre = beam.k_y, beam.k_x
        k_y, k_x = (
            _around(middle, size, self.config.crop) for middle, size in zip(centre, scan.shape[2:], strict=True)
        )
        return k_y, k_x

    def reduce(self, patterns: NDArray[Any], window: Window, device: torch.device | str = "cpu") -> tuple[Tensor, int]:
        """Reduce the `window` of patterns (n, k_y, k_x) of any numeric type to (n, S, S) float32 on `device`.

        Returns
        -------
        tuple
            The reduced patterns, and how many of the pixels were NaN or infinite; they count as zero.
        """
        reduced, nonfinite = [], 0
        for start in range(0, len(patterns), BATCH):
            finite, bad = zero_nonfinite(_single(patterns[start : start + BATCH, *window]))
            nonfinite += bad
            # torch warns of memory that it must not write to, as that of a file opened for reading
            batch = torch.from_numpy(np.require(finite, requirements=("C", "W"))).to(device)
            reduced.append(_reduce(batch, self.config, self.size))
        return torch.cat(reduced), nonfinite

    def scale(self, reduced: Tensor) -> Tensor:
        """Scale intensities of (n, S, S), each pattern to mean 0 and standard deviation 1, as (n, 1, S, S)."""
        scaled = standardized(_scaled(reduced, self.config))
        if self.config.contrast_window:
            scaled = standardized(local_contrast(scaled, self.config.contrast_window))
        return scaled[:, None]

    def inputs(self, scan: Scan, positions: Sequence[tuple[int, int]]) -> Tensor:
        """Network inputs (n, 1, S, S) of single (scan_y, scan_x) positions, pooled with their neighbours."""
        pooled, nonfinite = self.pooled(scan, positions, self.window(scan))
        warn_of_nonfinite(nonfinite)
        return self.scale(pooled)

    def pooled(self, scan: Scan, positions: Sequence[tuple[int, int]], window: Window) -> tuple[Tensor, int]:
        """Reduce and pool the `window` of single positions to (n, S, S); see `reduce` for what else it gives."""
        reach = self.config.reach
        pooled, nonfinite = [], 0
        for scan_y, scan_x in positions:
            top, left = max(0, scan_y - reach), max(0, scan_x - reach)
            block = scan.block(slice(top, scan_y + reach + 1), slice(left, scan_x + reach + 1))
            reduced, bad = self.reduce(block.reshape(-1, *scan.detector_shape), window)
            nonfinite += bad
            pooled.append(pool_row(reduced.unflatten(0, block.shape[:2]), self.config)[scan_x - left])
        return torch.stack(pooled), nonfinite


def fit_patterns(config: PatternConfig, scan: Scan) -> FittedPatterns:
    """Settle what depends on the detector of the training scan."""
    size = input_size(config, scan.detector_shape)
    return FittedPatterns(config=config, detector_shape=scan.detector_shape, size=size)


def input_size(config: PatternConfig, detector_shape: tuple[int, int]) -> int:
    """Side of the network's input: `config.size`, or what a smaller detector has (no pixel is made up)."""
    available = round(min(detector_shape) * config.crop) // 8 * 8
    return max(SMALLEST_INPUT, min(config.size, available))


def _around(middle: float, size: int, share: float) -> slice:
    """Take a share of an axis of `size` pixels around its pixel `middle`, moved inside where it would stick out."""
    length = max(1, round(size * share))
    start = min(max(round(middle - (length - 1) / 2), 0), size - length)
    return slice(start, start + length)


def _scaled(patterns: Tensor, config: PatternConfig) -> Tensor:
    """Scale intensities (n, S, S), in units of each pattern's own mean.

    Detectors store electrons, multiples of them, or numbers between 0 and 1; it must not matter which.
    """
    relative = patterns / patterns.mean((1, 2), keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
    if config.scaling == "log":
        return torch.log1p(relative / config.log_floor)
    return torch.sqrt(relative) if config.scaling == "sqrt" else relative


def standardized(patterns: Tensor) -> Tensor:
    """Bring each pattern of (n, S, S) to mean 0 and standard deviation 1; a flat one becomes zero."""
    mean = patterns.mean((1, 2), keepdim=True)
    spread = patterns.std((1, 2), keepdim=True, correction=0)
    rounding = mean.abs() * 1e-5  # what a flat pattern may seem to vary by
    return (patterns - mean) / torch.maximum(spread, rounding).clamp_min(1e-6)


def local_contrast(patterns: Tensor, window: float) -> Tensor:
    """Take from each pixel of (n, S, S) the mean of the window around it, and divide by the spread there.

    `window` is the side of the square as a share of S. Where nothing happens in a window its own spread would blow up
    the noise, so that a share of the pattern's spread (1, after `standardized`) is added. This is local response
    normalisation in the sense of Jarrett et al. (2009), with a box instead of a Gaussian.
    """
    side = max(3, int(window * patterns.shape[-1]) // 2 * 2 + 1)
    centred = patterns - _window_mean(patterns, side)
    return centred / (_window_mean(centred * centred, side).clamp_min(0).sqrt() + CONTRAST_FLOOR)


def _window_mean(patterns: Tensor, side: int) -> Tensor:
    """Mean over the window around each pixel of (n, S, S), cut off at the edges: one axis after the other."""
    rows = F.avg_pool2d(patterns[:, None], (side, 1), 1, (side // 2, 0), count_include_pad=False)
    return F.avg_pool2d(rows, (1, side), 1, (0, side // 2), count_include_pad=False)[:, 0]


def pool_row(band: Tensor, config: PatternConfig) -> Tensor:
    """Pool a band of reduced rows (h, scan_x, S, S) into its middle row (scan_x, S, S).

    The band holds the rows within reach of the middle one; at the edges of the scan the window is cut off,
    so a pattern at the edge is pooled over the neighbours that it has.
    """
    if not config.reach:
        return band[0]
    over = torch.amax if config.pool == "max" else torch.mean
    row: Tensor = over(band, dim=0)
    reach = config.reach
    return torch.stack([over(row[max(0, x - reach) : x + reach + 1], dim=0) for x in range(len(row))])


def _reduce(patterns: Tensor, config: PatternConfig, size: int) -> Tensor:
    """Cast, bin and clip (n, k_y, k_x) to (n, S, S)."""
    positive = patterns.to(torch.float32).clamp_min(0)
    k_y, k_x = patterns.shape[1:]
    if k_y % size == 0 and k_x % size == 0:
        binned = F.avg_pool2d(positive[:, None], (k_y // size, k_x // size))[:, 0]
    else:
        binned = _bin_rows(_bin_rows(positive, size).mT.contiguous(), size).mT.contiguous()
    return _clip_hot(binned) if config.clip_hot else binned


def _bin_rows(patterns: Tensor, size: int) -> Tensor:
    """Average the rows of (n, k, m) in bins, (n, size, m), which differ by one row where k is no multiple of `size`.

    No row is in two bins (as it is with torch's adaptive pooling), so that a hot pixel stays alone and can be clipped;
    but where there are fewer rows than bins, each is repeated.
    """
    edges = torch.arange(size + 1, device=patterns.device) * patterns.shape[1] // size
    first, count = edges[:-1], edges.diff().clamp_min(1)
    least = int(count.min())
    total = patterns[:, first]
    for offset in range(1, least):
        total += patterns[:, first + offset]
    longer = torch.nonzero(count > least)[:, 0]
    total.index_add_(1, longer, patterns[:, first[longer] + least])
    return total / count[:, None]


def _single(patterns: NDArray[Any]) -> NDArray[Any]:
    """Give floating point patterns as float32: not every device has more, nor does torch know all that numpy does."""
    if patterns.dtype.kind != "f":
        return patterns
    with np.errstate(over="ignore"):  # what is too large becomes infinite, and is counted as such
        return patterns.astype(np.float32, copy=False)


def _clip_hot(patterns: Tensor) -> Tensor:
    """Bring each hot pixel of (n, S, S) down to the brightest of its eight neighbours.

    Hot is what outshines them `HOT` times: the smallest disk does not. Only pixels among the brightest 1 % are touched,
    so single electrons of a sparse pattern stay.
    """
    sample = patterns.flatten(1)[:, ::7]
    level = sample.kthvalue(int(0.99 * sample.shape[1]), dim=1).values[:, None, None]
    padded = F.pad(patterns, (1, 1, 1, 1))
    sides = torch.maximum(padded[:, :, :-2], padded[:, :, 2:])  # left and right of every pixel
    columns = torch.maximum(sides, padded[:, :, 1:-1])
    around = torch.maximum(torch.maximum(columns[:, :-2], columns[:, 2:]), sides[:, 1:-1])
    return torch.where((patterns > level) & (patterns > HOT * around), around, patterns)
