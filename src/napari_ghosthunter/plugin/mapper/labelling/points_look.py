"""How sample points look: filled in the colour of their class, or hollow, and always with something dark and light.

So that they are seen on any image: what is light has a dark border, what is dark a light one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.napari_points import UNLABELLED
from napari_ghosthunter.labelling.positions import Position

HOLLOW = (0.0, 0.0, 0.0, 0.55)  # a shade, or the white border would be lost on white
BLACK = (0.0, 0.0, 0.0, 1.0)
WHITE = (1.0, 1.0, 1.0, 1.0)
RING = (1.0, 0.0, 1.0, 1.0)  # of the current point: seen on black, white and grey
SHADE = (0.0, 0.0, 0.0, 0.4)
LUMINANCE = np.array([0.2126, 0.7152, 0.0722])

Colour = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class PointsLook:
    """All sample points as a layer shows them.

    Attributes
    ----------
    positions
        (scan_y, scan_x), those of the sample points in the order in which they came, then other labelled positions.
    faces, borders
        RGBA, shape (n, 4).
    labels, reasons
        What is told of each.
    """

    positions: list[Position]
    faces: NDArray[np.float64]
    borders: NDArray[np.float64]
    labels: list[str]
    reasons: list[str]


def look_of(labels: LabelSet) -> PointsLook:
    """Give the look of all sample points and labels."""
    points = labels.points
    positions = [*points, *(spot for spot in labels if spot not in points)]
    names = [labels.get(spot) for spot in positions]
    looks = {name: colours_of(name, labels.classes) for name in set(names)}
    return PointsLook(
        positions,
        faces=np.array([looks[name][0] for name in names]).reshape(-1, 4),
        borders=np.array([looks[name][1] for name in names]).reshape(-1, 4),
        labels=[name or UNLABELLED for name in names],
        reasons=[points.get(spot, "") for spot in positions],
    )


def colours_of(name: str | None, classes: ClassScheme) -> tuple[Colour, Colour]:
    """Give the colours of the face and the border of a point of this class, or of none."""
    if name is None:
        return HOLLOW, WHITE
    red, green, blue = (float(part) / 255 for part in classes.rgb()[classes.id_of(name) - 1])
    return (red, green, blue, 1.0), BLACK if LUMINANCE @ (red, green, blue) > 0.3 else WHITE
