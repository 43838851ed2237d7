"""What a domain map holds, for whatever writes it: the figures of its classes and walls, and the arrays by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.scan.calibration import Calibration


@dataclass(frozen=True)
class ClassStatistics:
    """Figures of one class of a map.

    Attributes
    ----------
    id, name, colour
        Id in the class image (1 to n), name, and colour '#rrggbb'.
    count
        Number of positions of the class.
    area_fraction
        Share of the positions that have data; 0 where none has.
    area
        Area in square scan units.
    mean_confidence
        Mean probability of the class over its positions; None where it has none.
    wall_length_px, wall_length
        Length of the walls to all other classes, in pixel edges and in scan units; see `Wall`.
    """

    id: int
    name: str
    colour: str
    count: int
    area_fraction: float
    area: float
    mean_confidence: float | None
    wall_length_px: int
    wall_length: float


@dataclass(frozen=True)
class Wall:
    """The walls between two classes, measured along the edges of pixels.

    Each pair of positions that touch with a side and belong to the two classes adds the side between them: 1 to
    `length_px`, and to `length` the scan step along y where they lie side by side, along x where they lie one above
    the other. A staircase of sides is longer than the wall it stands for: exact for walls along an axis, up to
    sqrt(2) = 1.41 times too long for diagonal ones (with equal steps). Sides to positions without data do not count.

    Attributes
    ----------
    first, second
        Names of the classes, in the order of their ids.
    length_px
        Number of pixel sides.
    length
        Length in scan units.
    """

    first: str
    second: str
    length_px: int
    length: float


class MapContents(Protocol):
    """What the writers of files need of a `DomainMap`, which says what each is."""

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """Class probabilities, (scan_y, scan_x, n)."""
        ...

    @property
    def classes(self) -> ClassScheme:
        """The n classes."""
        ...

    @property
    def calibration(self) -> Calibration:
        """Steps and units of the scan."""
        ...

    @property
    def provenance(self) -> Mapping[str, Any]:
        """What the map comes from, ready for JSON."""
        ...

    @property
    def scan_shape(self) -> tuple[int, int]:
        """(scan_y, scan_x)."""
        ...

    @property
    def has_data(self) -> NDArray[np.bool_]:
        """Positions that were computed, (scan_y, scan_x)."""
        ...

    @property
    def classes_image(self) -> NDArray[np.uint8]:
        """Id of the class of each position, 0 = no data, (scan_y, scan_x)."""
        ...

    @property
    def confidence(self) -> NDArray[np.float32]:
        """Probability of that class, (scan_y, scan_x)."""
        ...

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """Class colours, (scan_y, scan_x, 3)."""
        ...

    @property
    def statistics(self) -> tuple[ClassStatistics, ...]:
        """Figures of each class."""
        ...

    @property
    def walls(self) -> tuple[Wall, ...]:
        """Walls between the pairs of classes that touch."""
        ...
