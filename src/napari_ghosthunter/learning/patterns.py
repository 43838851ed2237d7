"""Patterns to network input: the one path that training and inference share.

Each pattern is reduced on its own (cropped, NaN to zero, cast, binned to the network's size, hot pixels clipped),
then pooled over neighbouring probe positions, then scaled. Reducing first keeps the rolling band of neighbours
small: what is pooled has the size of the network's input, not of the detector.

The choices (`PatternConfig`), the size of the input and the mean pattern that all are laid on (`alignment`) are stored
in the model file. Nothing else is fitted: each pattern is scaled by its own intensity, so that a scan of another dose
or gain needs no other numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeInt,
    PositiveInt,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from torch import Tensor

from napari_ghosthunter.learning.alignment import (
    aligned,
    are_moving,
    coarse,
    coarse_factor,
    mean_pattern,
    offsets,
    turn_between,
    turned,
)
from napari_ghosthunter.learning.config import LARGEST_INPUT, SMALLEST_INPUT, PatternConfig
from napari_ghosthunter.learning.reducing import WHOLE, Window, moved, raw_tensor, reduced
from napari_ghosthunter.learning.scaling import scaled
from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.remembered import once
from napari_ghosthunter.scan.scan import Scan, warn_of_nonfinite
from napari_ghosthunter.scan.spread import spread_positions
from napari_ghosthunter.scan.virtual.means import measure_scan_beam

TEMPLATE_POSITIONS = 256  # whose patterns are laid on one another
TEMPLATE_DIGITS = 4
SEEN_POSITIONS = 64  # of another scan, which are compared with the template
SPREAD_AT_ONCE = 64  # patterns of full size in memory while spread ones are read


class FittedPatterns(BaseModel):
    """A `PatternConfig` with what the detector of the training scan settled."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: PatternConfig
    detector_shape: tuple[PositiveInt, PositiveInt]  # (k_y, k_x) of the training scan
    size: int = Field(ge=SMALLEST_INPUT, le=LARGEST_INPUT, multiple_of=8)  # side of the network's input
    template: tuple[tuple[FiniteFloat, ...], ...] | None = None  # (R, R) that patterns are laid on; None: they are not
    turn: FiniteFloat = 0.0  # degrees by which the patterns of a scan are turned against it; see `seen_in`
    offset: tuple[FiniteFloat, FiniteFloat] | None = None  # of all patterns from it; None: each is measured
    bad_pixels: tuple[tuple[NonNegativeInt, PositiveInt], ...] = ()  # of the detector, as runs: (first, how many)

    @model_validator(mode="after")
    def _template_fits(self) -> Self:
        side = self.size // coarse_factor(self.size)
        if self.template is not None and {len(self.template), *map(len, self.template)} != {side}:
            raise ValueError(f"the template of inputs of {self.size} pixels a side must have {side} x {side} numbers")
        return self

    @model_validator(mode="after")
    def _bad_pixels_fit(self) -> Self:
        if any(first + count > self.detector_shape[0] * self.detector_shape[1] for first, count in self.bad_pixels):
            raise ValueError("the bad pixels lie outside the detector")
        return self

    @model_serializer(mode="wrap")
    def _without_an_empty_mask(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what earlier versions did not write: the hash of a model is that of what is written."""
        return {name: value for name, value in write(self).items() if name != "bad_pixels" or value}

    def __eq__(self, other: object) -> bool:
        """Compare the fields alone: tensors that are kept beside them cannot be compared as a whole."""
        return isinstance(other, FittedPatterns) and dict(self) == dict(other)

    def __hash__(self) -> int:
        return hash(tuple(dict(self).values()))

    @cached_property
    def _template(self) -> Tensor | None:
        return None if self.template is None else torch.tensor(self.template)

    def masking(self, scan: Scan) -> FittedPatterns:
        """Give what is to be used where the bad pixels of another scan are to be left out too."""
        bad = self.masked(scan).bad_pixels
        return self if bad is None else self._replaced(bad_pixels=_runs(bad.mask))

    def masked(self, scan: Scan) -> Scan:
        """Give a scan with the bad pixels of the training scan, those of its own detector too."""
        if not self.bad_pixels or scan.detector_shape != self.detector_shape:
            return scan
        mask = np.zeros(self.detector_shape, np.bool_)
        for first, count in self.bad_pixels:
            mask.reshape(-1)[first : first + count] = True
        return scan.with_mask(mask if scan.bad_pixels is None else mask | scan.bad_pixels.mask)

    def window(self, scan: Scan, beam: BeamCentre | None = None) -> Window:
        """Give the part of the detector that is used, along (k_y, k_x): the whole, or around the beam of `scan`.

        The beam is where the user says (`scan.beam`), or else measured, unless it is given.
        """
        if self.config.crop == 1:
            return slice(None), slice(None)
        centre = (scan.shape[2] - 1) / 2, (scan.shape[3] - 1) / 2
        if self.config.centre == "beam":
            beam = beam or measure_scan_beam(self.masked(scan))
            centre = beam.k_y, beam.k_x
        k_y, k_x = (
            _around(middle, size, self.config.crop) for middle, size in zip(centre, scan.shape[2:], strict=True)
        )
        return k_y, k_x

    def reduce(
        self,
        patterns: NDArray[Any] | Tensor,
        window: Window,
        device: torch.device | str = "cpu",
        out: Tensor | None = None,
    ) -> tuple[Tensor, int]:
        """Reduce the `window` of patterns (n, k_y, k_x) of any numeric type to (n, S, S) float32 on `device`.

        Parameters
        ----------
        patterns
            An array, or a tensor that may be on the device already.
        window
            See `window`.
        device
            Where to compute.
        out
            A tensor (n, S, S) there to write to, instead of a new one.

        Returns
        -------
        tuple
            The reduced patterns, and how many of the pixels were NaN or infinite; they count as zero.
        """
        raw = patterns if isinstance(patterns, Tensor) else raw_tensor(patterns)
        if torch.device(device) != raw.device:
            raw, window = moved(raw[:, *window], torch.device(device)), WHOLE
        return reduced(raw, window, self.size, clip=self.config.clip_hot, out=out)

    def scale(self, reduced: Tensor) -> Tensor:
        """Scale intensities of (n, S, S), each pattern to mean 0 and standard deviation 1, as (n, 1, S, S).

        Where there is a template, each is laid on it.
        """
        return self.laid(scaled(reduced, self.config))[:, None]

    def laid(self, scaled: Tensor) -> Tensor:
        """Lay scaled patterns (n, S, S) on the template, if there is one."""
        return (
            scaled
            if self._template is None
            else aligned(scaled, self._template.to(scaled.device), self.turn, self.offset)
        )

    def seen_in(self, scan: Scan) -> FittedPatterns:
        """Give what is to be used for another scan than the one of the template, whose patterns may lie otherwise.

        Some 64 spread patterns are read, unless there is no template. No turn is measured where the detector is not
        square, since binning it to a square makes a turn a shear.
        """
        if self._template is None or scan.detector_shape != self.detector_shape:
            return self
        return once(scan, ("seen_in", self), lambda: self._measured_in(scan))

    def _measured_in(self, scan: Scan) -> FittedPatterns:
        assert self._template is not None
        plain = self._replaced(template=None, turn=0.0, offset=None)
        here = spread_inputs(plain, scan, SEEN_POSITIONS)
        k_y, k_x = self.detector_shape
        turn = turn_between(mean_pattern(here), self._template) if k_y == k_x else 0.0
        return self._replaced(turn=turn, offset=self._offset_of(here, turn))

    def _offset_of(self, coarse_patterns: Tensor, turn: float) -> tuple[float, float] | None:
        """Measure how far all patterns (n, R, R) lie from the template; None if each lies elsewhere."""
        assert self._template is not None
        template = turned(self._template[None], -turn)[0] if turn else self._template
        if are_moving(coarse_patterns, template):
            return None
        y, x = (offsets(coarse_patterns.mean(0, keepdim=True), template)[0] * coarse_factor(self.size)).tolist()
        return y, x

    def _replaced(self, **fields: Any) -> FittedPatterns:
        """Give a copy with other values; `model_copy` would keep the tensor of the old template."""
        return FittedPatterns(**{**dict(self), **fields})

    def inputs(self, scan: Scan, positions: Sequence[tuple[int, int]]) -> Tensor:
        """Network inputs (n, 1, S, S) of single (scan_y, scan_x) positions, pooled with their neighbours."""
        pooled, nonfinite = self.pooled(scan, positions, self.window(scan))
        warn_of_nonfinite(nonfinite)
        return self.scale(pooled)

    def pooled(self, scan: Scan, positions: Sequence[tuple[int, int]], window: Window) -> tuple[Tensor, int]:
        """Reduce and pool the `window` of single positions to (n, S, S); see `reduce` for what else it gives."""
        scan, reach = self.masked(scan), self.config.reach
        pooled, nonfinite = [], 0
        for scan_y, scan_x in positions:
            top, left = max(0, scan_y - reach), max(0, scan_x - reach)
            block = scan.block(slice(top, scan_y + reach + 1), slice(left, scan_x + reach + 1))
            reduced, bad = self.reduce(block.reshape(-1, *scan.detector_shape), window)
            nonfinite += bad
            pooled.append(pool_row(list(reduced.unflatten(0, block.shape[:2])), self.config)[scan_x - left])
        return torch.stack(pooled), nonfinite


def fit_patterns(config: PatternConfig, scan: Scan) -> FittedPatterns:
    """Settle what depends on the detector of the training scan; its patterns are not read."""
    size = input_size(config, scan.detector_shape)
    bad = () if scan.bad_pixels is None else _runs(scan.bad_pixels.mask)
    return FittedPatterns(config=config, detector_shape=scan.detector_shape, size=size, bad_pixels=bad)


def _runs(mask: NDArray[np.bool_]) -> tuple[tuple[int, int], ...]:
    """Write a mask as runs along its rows: (first, how many)."""
    edges = np.flatnonzero(np.diff(np.pad(mask.reshape(-1).astype(np.int8), 1))).tolist()
    return tuple((first, end - first) for first, end in zip(edges[::2], edges[1::2], strict=True))


def fit_template(patterns: FittedPatterns, scan: Scan) -> FittedPatterns:
    """Give patterns the template that they are laid on, if they want one: the mean of spread ones of the scan.

    Where the patterns do not move, they stay where they are; a template is kept for other scans.
    """
    if not patterns.config.align:
        return patterns
    spread = spread_inputs(patterns, scan, TEMPLATE_POSITIONS)
    template = mean_pattern(spread)
    still = not are_moving(spread, template)
    kept = spread.mean(0) if still else template
    rows = tuple(tuple(round(value, TEMPLATE_DIGITS) for value in row) for row in kept.tolist())
    return patterns._replaced(template=rows, offset=(0.0, 0.0) if still else None)


def spread_inputs(patterns: FittedPatterns, scan: Scan, count: int) -> Tensor:
    """Give the inputs at spread positions, binned to (n, R, R) as `alignment.coarse` does; nothing is said of NaN."""
    window, positions = patterns.window(scan), spread_positions(scan.scan_shape, count)
    parts = [positions[start : start + SPREAD_AT_ONCE] for start in range(0, len(positions), SPREAD_AT_ONCE)]
    return torch.cat([coarse(patterns.scale(patterns.pooled(scan, part, window)[0])[:, 0]) for part in parts])


def input_size(config: PatternConfig, detector_shape: tuple[int, int]) -> int:
    """Side of the network's input: `config.size`, or what a smaller detector has (no pixel is made up)."""
    available = round(min(detector_shape) * config.crop) // 8 * 8
    return max(SMALLEST_INPUT, min(config.size, available))


def _around(middle: float, size: int, share: float) -> slice:
    """Take a share of an axis of `size` pixels around its pixel `middle`, moved inside where it would stick out."""
    length = max(1, round(size * share))
    start = min(max(round(middle - (length - 1) / 2), 0), size - length)
    return slice(start, start + length)


def pool_row(band: Sequence[Tensor], config: PatternConfig) -> Tensor:
    """Pool a band of h reduced rows (scan_x, S, S) into its middle row (scan_x, S, S).

    The band holds the rows within reach of the middle one; at the edges of the scan the window is cut off,
    so a pattern at the edge is pooled over the neighbours that it has.
    """
    if not config.reach:
        return band[0]
    over = torch.amax if config.pool == "max" else torch.mean
    row: Tensor = over(torch.stack(list(band)), dim=0)
    reach = config.reach
    return torch.stack([over(row[max(0, x - reach) : x + reach + 1], dim=0) for x in range(len(row))])
