"""DomainMap: what a model says of every probe position, and the figures that a paper quotes of it.

Everything shown or written of a map (class image, colours, confidence, areas, walls) derives here from the class
probabilities alone, so that the window, the command line and the files can never disagree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.errors import MapError, NotAnArrayError
from napari_ghosthunter.labelling.classes import ClassScheme, short_list
from napari_ghosthunter.learning.validation import confusion_matrix
from napari_ghosthunter.mapping.contents import ClassStatistics, Wall
from napari_ghosthunter.mapping.neighbours import TOLD_AS, strength_in, with_neighbours
from napari_ghosthunter.scan.calibration import Calibration


@dataclass(frozen=True, eq=False)
class DomainMap:
    """Class probabilities of every probe position of a scan.

    A map equals itself alone; to compare two, compare their arrays.

    Attributes
    ----------
    probabilities
        float32, shape (scan_y, scan_x, n), read-only. A position with any NaN or infinity has no data: it was not
        computed (yet), or could not be.
    classes
        The n classes; class k of `probabilities` has id k + 1 in `classes_image`.
    calibration
        Steps and units of the scan.
    provenance
        What the map comes from, ready for JSON: scan, hash of the model, versions, seed, pixels that were not finite.

    Raises
    ------
    MapError
        If the probabilities do not fit the classes, or the scan step is not a positive, finite number.
    """

    probabilities: NDArray[np.float32]
    classes: ClassScheme
    calibration: Calibration = field(default_factory=Calibration)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        probabilities = np.asarray(self.probabilities, np.float32).view()
        if probabilities.ndim != 3 or 0 in probabilities.shape:
            raise MapError(f"Probabilities have the axes (scan_y, scan_x, class), not the shape {probabilities.shape}.")
        if probabilities.shape[2] != len(self.classes):
            raise MapError(
                f"The probabilities are of {probabilities.shape[2]} classes, but {len(self.classes)} are named: "
                f"{', '.join(self.classes.names)}."
            )
        if not all(np.isfinite(step) and step > 0 for step in self.calibration.scan_step):
            raise MapError(f"The scan step must be positive and finite, not {self.calibration.scan_step}.")
        probabilities.flags.writeable = False
        object.__setattr__(self, "probabilities", probabilities)

    def __repr__(self) -> str:
        """Say how large the map is, and the share of each class."""
        shares = short_list([f"{entry.name} {entry.area_fraction:.1%}" for entry in self.statistics])
        return f"DomainMap({self.scan_shape[0]} x {self.scan_shape[1]} probe positions; {shares})"

    def __array__(self, *_: object, **__: object) -> NDArray[Any]:
        """Refuse to become an array: it holds several."""
        raise NotAnArrayError(
            "A domain map is no array; take one of those it holds, such as map.classes_image, map.probabilities, "
            "map.confidence or map.rgb."
        )

    @property
    def scan_shape(self) -> tuple[int, int]:
        """(scan_y, scan_x), in probe positions."""
        return self.probabilities.shape[0], self.probabilities.shape[1]

    @cached_property
    def has_data(self) -> NDArray[np.bool_]:
        """Positions that were computed, shape (scan_y, scan_x)."""
        known: NDArray[np.bool_] = np.isfinite(self.probabilities).all(axis=2)
        return known

    @cached_property
    def classes_image(self) -> NDArray[np.uint8]:
        """Id of the most probable class (1 to n; the first of equals), 0 = no data; uint8, (scan_y, scan_x)."""
        return np.where(self.has_data, self.probabilities.argmax(axis=2) + 1, 0).astype(np.uint8)

    @cached_property
    def confidence(self) -> NDArray[np.float32]:
        """Probability of the most probable class, 0 = no data; float32, (scan_y, scan_x)."""
        return np.where(self.has_data, self.probabilities.max(axis=2), np.float32(0))

    @cached_property
    def rgb(self) -> NDArray[np.uint8]:
        """Class colours mixed by their probabilities, black = no data; uint8, (scan_y, scan_x, 3).

        With pure red, green and blue for three classes each channel is 255 times a probability, rounded.
        """
        # float64, because 255 * p must be rounded once only
        mixed = np.where(self.has_data[..., np.newaxis], self.probabilities, 0).astype(np.float64) @ self.classes.rgb()
        colours: NDArray[np.uint8] = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
        return colours

    def classes_above(self, confidence: float) -> NDArray[np.uint8]:
        """Give `classes_image` with 0 also where the confidence is below a threshold; uint8, (scan_y, scan_x)."""
        return np.where(self.confidence >= confidence, self.classes_image, 0).astype(np.uint8)

    def without(self, hidden: NDArray[np.bool_], **provenance: Any) -> DomainMap:
        """Give the map without data at some positions; its provenance says how many had data, and what else is given.

        Parameters
        ----------
        hidden
            Positions to leave out, shape (scan_y, scan_x).
        **provenance
            Why they are left out, ready for JSON.
        """
        hidden = hidden & self.has_data
        if not hidden.any():
            return self
        left_out = {"positions_left_out": int(np.count_nonzero(hidden)), **provenance}
        probabilities = np.where(hidden[..., np.newaxis], np.float32(np.nan), self.probabilities)
        return replace(self, probabilities=probabilities, provenance={**self.provenance, **left_out})

    def above(self, confidence: float) -> DomainMap:
        """Give the map without data where the confidence is below a threshold, as `classes_above` shows it."""
        return self.without(self.classes_above(confidence) == 0, confidence_threshold=confidence)

    def with_neighbours(self, strength: float) -> DomainMap:
        """Give the map with the neighbours' say in the class of each position; its provenance names the strength.

        Parameters
        ----------
        strength
            0 (the map as it is) to 4; see `neighbours.with_neighbours`.

        Raises
        ------
        MapError
            If the strength is out of bounds, or neighbours have helped already, or positions were left out since.
        """
        probabilities = with_neighbours(self.probabilities, strength)
        if not strength:
            return self
        if strength_in(self.provenance) or "positions_left_out" in self.provenance:
            raise MapError("Neighbours help once, and in a map with all of its positions; begin with the map as made.")
        return replace(self, probabilities=probabilities, provenance={**self.provenance, TOLD_AS: float(strength)})

    def rows(self, start: int, stop: int) -> DomainMap:
        """Give the scan rows start..stop as a map of their own."""
        if (start, stop) == (0, self.scan_shape[0]):
            return self
        return replace(self, probabilities=self.probabilities[start:stop])

    def recoloured(self, classes: ClassScheme) -> DomainMap:
        """Give the map in the colours that classes of the same names have in another scheme."""
        wanted = dict(zip(classes.names, classes.colours, strict=True))
        colours = self.classes
        for entry in colours.classes:
            if wanted.get(entry.name, entry.colour) != entry.colour:
                colours = colours.recolour(entry.name, wanted[entry.name])
        return self if colours is self.classes else replace(self, classes=colours)

    @cached_property
    def statistics(self) -> tuple[ClassStatistics, ...]:
        """Figures of each class, in the order of the ids."""
        counts = np.bincount(self.classes_image.ravel(), minlength=len(self.classes) + 1)
        sums = np.bincount(
            self.classes_image.ravel(), self.confidence.ravel().astype(np.float64), len(self.classes) + 1
        )
        edges, lengths = self._walls
        with_data = max(1, int(counts[1:].sum()))
        return tuple(
            ClassStatistics(
                id=number,
                name=entry.name,
                colour=entry.colour,
                count=int(counts[number]),
                area_fraction=float(counts[number] / with_data),
                area=float(counts[number] * np.prod(self.calibration.scan_step)),
                mean_confidence=float(sums[number] / counts[number]) if counts[number] else None,
                wall_length_px=int(edges[number].sum()),
                wall_length=float(lengths[number].sum()),
            )
            for number, entry in enumerate(self.classes.classes, start=1)
        )

    @cached_property
    def walls(self) -> tuple[Wall, ...]:
        """Walls between the pairs of classes that touch, in the order of their ids."""
        edges, lengths = self._walls
        return tuple(
            Wall(self.classes.names[first - 1], self.classes.names[second - 1], int(count), float(length))
            for first, second in zip(*np.nonzero(np.triu(edges)), strict=True)
            for count, length in [(edges[first, second], lengths[first, second])]
        )

    @cached_property
    def _walls(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Number and total length of pixel sides between each two ids, both (n + 1, n + 1) and symmetric."""
        ids = self.classes_image.astype(np.intp)
        step_y, step_x = self.calibration.scan_step
        beside = _touching(ids[:, :-1], ids[:, 1:], len(self.classes))
        above = _touching(ids[:-1], ids[1:], len(self.classes))
        return beside + above, beside * float(step_y) + above * float(step_x)

    def save(
        self,
        folder: Path | str,
        stem: str | None = None,
        *,
        overwrite: bool = False,
        bright_field: ArrayLike | None = None,
    ) -> list[Path]:
        """Write the map as TIFF, PNG, NumPy, CSV and JSON files; see `export.save_map`.

        The map has no image of the scan: give one, such as `gh.virtual.virtual_image` makes, to have it in the figure.
        """
        from napari_ghosthunter.mapping.export import save_map

        return save_map(self, folder, stem, overwrite=overwrite, bright_field=bright_field)

    @classmethod
    def load(cls, folder: Path | str, stem: str | None = None) -> DomainMap:
        """Read a map back from the JSON and NumPy files that `save` wrote.

        Parameters
        ----------
        folder
            Where it was saved, or the JSON file of the map.
        stem
            How its file names begin; needed only if the folder holds several maps.

        Raises
        ------
        MapError
            If the folder holds no map, or several and `stem` does not say which, or if the map is incomplete or
            damaged.
        """
        from napari_ghosthunter.mapping.mapfile import read_map

        return cls(*read_map(folder, stem))


def _touching(one: NDArray[np.intp], other: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    """Count the neighbours `one` and `other` of different classes, (classes + 1, classes + 1), symmetric; 0 is none."""
    different = (one != other) & (one > 0) & (other > 0)
    counts = confusion_matrix(one[different], other[different], classes + 1)
    return counts + counts.T
