"""A virtual detector as a user draws it: a disk or an annulus, its handles, and its mask.

Lengths are detector pixels, as in `scan.virtual`, so that the button 'Bright field' gives the very image that the
reader, the command line and the Python API give.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.virtual.masks import BRIGHT_FIELD_RADIUS, DARK_FIELD_INNER_RADIUS, annular_mask, total_mask

Kind = Literal["bright field", "annular dark field", "total", "custom"]
Handle = Literal["move", "inner", "outer"]
Point = tuple[float, float]  # (k_y, k_x) in detector pixels

STROKES = 72  # of a circle: looks round, and is drawn within a frame of a drag
SMALLEST = 0.5  # pixels: the radius of a detector of one pixel


@dataclass(frozen=True)
class VirtualDetector:
    """A disk or annulus on the detector; `total` is all of it.

    Attributes
    ----------
    kind
        What it is called.
    detector_shape
        (k_y, k_x) in pixels.
    k_y, k_x
        Its centre.
    inner, outer
        Its radii; an `inner` of 0 is a disk.
    """

    kind: Kind
    detector_shape: tuple[int, int]
    k_y: float
    k_x: float
    inner: float
    outer: float

    @property
    def reach(self) -> float:
        """Distance from the centre to the farthest pixel: a larger radius changes nothing."""
        height, width = self.detector_shape
        return float(np.hypot(max(self.k_y, height - 1 - self.k_y), max(self.k_x, width - 1 - self.k_x)))

    @property
    def title(self) -> str:
        """Name for the image that it gives."""
        if self.kind != "custom":
            return self.kind
        return "custom annulus" if self.inner else "custom disk"

    @property
    def circles(self) -> tuple[float, ...]:
        """Radii of the circles that outline it; none of one that would lie outside the detector."""
        if self.kind == "total":
            return ()
        return tuple(radius for radius in (self.inner, self.outer) if 0 < radius < self.reach)

    def outline(self) -> NDArray[np.float64]:
        """Give its circles as short strokes, shape (strokes, 2, 2): where each starts, and where it goes from there."""
        angles = np.linspace(0, 2 * np.pi, STROKES + 1)
        strokes = []
        for radius in self.circles:
            points = np.stack([self.k_y + radius * np.sin(angles), self.k_x + radius * np.cos(angles)], axis=1)
            strokes.append(np.stack([points[:-1], np.diff(points, axis=0)], axis=1))
        return np.concatenate(strokes) if strokes else np.empty((0, 2, 2))

    def mask(self) -> NDArray[np.bool_]:
        """Give the pixels that it counts, shape (k_y, k_x)."""
        if self.kind == "total":
            return total_mask(self.detector_shape)
        return annular_mask(self.detector_shape, BeamCentre(self.k_y, self.k_x, self.outer), self.inner, self.outer)

    def grab(self, point: Point, tolerance: float) -> Handle | None:
        """Tell what of it lies under the cursor: a circle, or the inside of the smallest one, which moves it."""
        circles = self.circles
        if not circles:
            return None
        distance = float(np.hypot(point[0] - self.k_y, point[1] - self.k_x))
        nearest = min(circles, key=lambda radius: abs(radius - distance))
        if abs(nearest - distance) <= min(tolerance, max(SMALLEST, circles[0] / 2)):
            return "inner" if nearest == self.inner else "outer"
        return "move" if distance < circles[0] else None

    def dragged(self, handle: Handle, start: Point, to: Point) -> VirtualDetector:
        """Give what it becomes when `handle` is dragged from one point to another."""
        if handle == "move":
            return self.moved(self.k_y + to[0] - start[0], self.k_x + to[1] - start[1])
        radius = float(np.hypot(to[0] - self.k_y, to[1] - self.k_x))
        if handle == "inner":
            return self.resized(radius, self.outer)
        return self.resized(min(self.inner, max(0.0, radius - SMALLEST)), radius)

    def moved(self, k_y: float, k_x: float) -> VirtualDetector:
        """Centre it elsewhere on the detector."""
        height, width = self.detector_shape
        k_y, k_x = float(np.clip(k_y, 0, height - 1)), float(np.clip(k_x, 0, width - 1))
        return replace(self, kind="custom", k_y=k_y, k_x=k_x)

    def resized(self, inner: float, outer: float) -> VirtualDetector:
        """Give it other radii, of which the inner is the smaller."""
        outer = max(SMALLEST, outer)
        return replace(self, kind="custom", inner=float(np.clip(inner, 0, outer - SMALLEST)), outer=float(outer))


def make_detector(kind: Kind, detector_shape: tuple[int, int], beam: BeamCentre) -> VirtualDetector:
    """Make one of the usual detectors around the direct beam; `custom` starts from the disk of the bright field."""
    whole = VirtualDetector(kind, detector_shape, beam.k_y, beam.k_x, 0.0, BRIGHT_FIELD_RADIUS * beam.radius)
    if kind == "annular dark field":
        # the farthest pixel itself must be in, whatever the rounding
        return replace(whole, inner=DARK_FIELD_INNER_RADIUS * beam.radius, outer=whole.reach + SMALLEST)
    return replace(whole, outer=whole.reach + SMALLEST) if kind == "total" else whole
