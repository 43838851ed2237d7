"""What a scan looks like to the network: the mean of its inputs and how they vary, in coarse cells.

Two scans of one kind of sample give much the same means, whatever their domains are; another rotation, camera length,
lattice or handedness of the detector does not. The inputs are laid on the model's template, or else with the direct
beam in the middle, so that where the beam is does not count here.
"""

from __future__ import annotations

from math import sqrt
from typing import Self

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from pydantic import BaseModel, ConfigDict, model_validator
from torch import Tensor

from napari_ghosthunter.learning.device import spare_core
from napari_ghosthunter.learning.patterns import FittedPatterns
from napari_ghosthunter.learning.reducing import Window
from napari_ghosthunter.scan.beam import BeamCentre, no_beam
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.spread import spread_positions
from napari_ghosthunter.scan.statistics import ScanStatistics

POSITIONS = 64
CELLS = 16  # along either axis: of about the size of a disk
SMALLEST_SPREAD = 0.05  # of inputs whose standard deviation is about one: less is chance
DIGITS = 4

Cells = tuple[tuple[float, ...], ...]


class FeatureStatistics(BaseModel):
    """Mean and standard deviation, over spread positions, of the network's input in each cell, (cell_y, cell_x)."""

    model_config = ConfigDict(frozen=True)

    mean: Cells
    spread: Cells

    @model_validator(mode="after")
    def _is_square(self) -> Self:
        """Refuse rows of different lengths, as a file may hold."""
        for cells in (self.mean, self.spread):
            if any(len(row) != len(cells) for row in cells):
                raise ValueError("the cells are not as many along either axis")
        return self

    def distance(self, other: FeatureStatistics) -> float | None:
        """Tell how far `other` lies from this, as a root mean square over the cells, in units of this one's spread.

        Two scans of one sample give up to 0.5, those of one lattice turned by 5 degrees or scaled by 5 % 0.8 to 1.7,
        turned by 20 degrees, scaled by 15 % or mirrored 1.5 to 4. None if the cells are not the same.
        """
        mean, spread, there = torch.tensor(self.mean), torch.tensor(self.spread), torch.tensor(other.mean)
        if not mean.shape == spread.shape == there.shape:
            return None
        return sqrt(float(((there - mean).square() / (spread.square() + SMALLEST_SPREAD**2)).mean()))


def measure_features(patterns: FittedPatterns, scan: Scan, statistics: ScanStatistics) -> FeatureStatistics:
    """Measure the network's inputs at spread positions of a scan, one by one; nothing is said of NaN.

    Parameters
    ----------
    patterns
        How patterns become inputs.
    scan
        The scan, whose detector is that of `patterns`.
    statistics
        Of this scan: where its direct beam is.
    """
    beam = statistics.beam.centre() if statistics.beam else no_beam(scan.detector_shape)
    window = patterns.window(scan, beam)
    laid = patterns.template is not None
    shift = (0, 0) if laid else _to_middle(beam, window, scan.detector_shape, patterns.size)
    with spare_core():
        cells = torch.stack(
            [
                _cells(patterns.scale(patterns.pooled(scan, [position], window)[0]).roll(shift, (-2, -1)))
                for position in spread_positions(scan.scan_shape, POSITIONS)
            ]
        )
    return FeatureStatistics(mean=_listed(cells.mean(0)), spread=_listed(cells.std(0, correction=0)))


def _to_middle(beam: BeamCentre, window: Window, detector_shape: tuple[int, int], size: int) -> tuple[int, int]:
    """By how many pixels of the input (y, x) the beam lies before its middle."""
    shifts = []
    for place, part, length in zip((beam.k_y, beam.k_x), window, detector_shape, strict=True):
        start, stop, _ = part.indices(length)
        shifts.append(round(((stop - start - 1) / 2 - (place - start)) * size / (stop - start)))
    return shifts[0], shifts[1]


def _cells(inputs: Tensor) -> Tensor:
    """Average an input (1, 1, S, S) in cells, (CELLS, CELLS)."""
    return F.adaptive_avg_pool2d(inputs, CELLS)[0, 0]


def _listed(cells: Tensor) -> Cells:
    return tuple(tuple(round(value, DIGITS) for value in row) for row in cells.tolist())
