"""What is read of a scan in the background: patterns, network inputs, and what the scan is like as a whole.

All is read by generators, so that a worker can leave it between two reads. A pattern is copied there too: a view
of a file on a slow disk would be read only when it is drawn, and freeze the window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.plugin.diffraction.display import Levels
from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.scan import Scan, zero_nonfinite
from napari_ghosthunter.scan.spread import spread_positions
from napari_ghosthunter.scan.stated_beam import scan_beam
from napari_ghosthunter.scan.virtual.means import BEAM_POSITIONS, measure_scan_beam

if TYPE_CHECKING:
    from napari_ghosthunter.learning.config import PatternConfig
    from napari_ghosthunter.learning.patterns import FittedPatterns

SAMPLED = 4096  # pixels of each pattern that the contrast is settled by


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture of the detector plane.

    Attributes
    ----------
    position
        Its (scan_y, scan_x).
    values
        Intensities, or the network's input.
    step, origin
        Size of its pixels, and place of the middle of the first one, in detector pixels along (k_y, k_x).
    network
        Whether it is what the network sees.
    """

    position: Position
    values: NDArray[Any]
    step: tuple[float, float] = (1.0, 1.0)
    origin: tuple[float, float] = (0.0, 0.0)
    network: bool = False

    def value_at(self, point: tuple[float, float]) -> Any:
        """Give the value shown at a point in detector pixels, or None beside the picture."""
        index = [
            int(np.floor((place - origin) / step + 0.5))
            for place, origin, step in zip(point, self.origin, self.step, strict=True)
        ]
        inside = all(0 <= one < size for one, size in zip(index, self.values.shape, strict=True))
        return self.values[index[0], index[1]] if inside else None


@dataclass(frozen=True)
class ScanFacts:
    """What holds for a scan as a whole."""

    beam: BeamCentre
    levels: Levels


def read_pattern(scan: Scan, position: Position) -> Iterator[Frame]:
    """Read one measured pattern."""
    yield Frame(position, np.array(scan.pattern(*position)))


class NetworkInputs:
    """Reads patterns of one scan exactly as the network sees them: pooled, cropped, binned and scaled.

    Where the network sees a part of the detector around the beam, that is measured for the first of them only: it
    takes many patterns, which a hover cannot wait for again and again.
    """

    def __init__(self, scan: Scan) -> None:
        self.scan = scan
        self._beam: BeamCentre | None = None

    def read(self, position: Position, given: FittedPatterns | PatternConfig | None) -> Iterator[Frame]:
        """Read the pattern of one position.

        Importing torch takes seconds the first time; so this belongs in a worker.
        """
        from napari_ghosthunter.learning.config import PatternConfig
        from napari_ghosthunter.learning.patterns import FittedPatterns, fit_patterns

        scan = self.scan
        fitted = given if isinstance(given, FittedPatterns) else fit_patterns(given or PatternConfig(), scan)
        if fitted.config.crop < 1 and fitted.config.centre == "beam" and self._beam is None:
            self._beam = measure_scan_beam(scan)
        window = fitted.window(scan, self._beam)
        # no word of pixels that are not finite: whoever trains or maps is told once, a hover would be without end
        reduced, _ = fitted.pooled(scan, [position], window)
        values = fitted.scale(reduced)[0, 0].numpy()
        steps, origins = [], []
        for part, size in zip(window, scan.detector_shape, strict=True):
            start, stop, _ = part.indices(size)
            step = (stop - start) / fitted.size
            steps.append(step)
            origins.append(start + (step - 1) / 2)
        yield Frame(position, values, (steps[0], steps[1]), (origins[0], origins[1]), network=True)


def measure_scan(scan: Scan) -> Iterator[ScanFacts | None]:
    """Measure the direct beam and the contrast in evenly spread patterns; None in between, where a worker may stop."""
    total = np.zeros(scan.detector_shape)
    samples = []
    positions = spread_positions(scan.scan_shape, BEAM_POSITIONS)
    for position in positions:
        pattern = zero_nonfinite(scan.pattern(*position))[0]
        total += pattern
        # an odd step, which does not keep to a few columns
        samples.append(np.array(pattern.ravel()[:: pattern.size // SAMPLED | 1]))
        yield None
    yield ScanFacts(scan_beam(scan, total / len(positions)), Levels.of(np.concatenate(samples)))
