"""A map that follows every label: the features of all patterns are measured once, and only the regression is new.

What `swift` does with a pattern up to its last layer depends on the scan alone, not on the labels. So it is done once
for each position; then a label costs a regression on some fifty numbers, milliseconds for any scan.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.learning.config import PatternConfig
from napari_ghosthunter.learning.device import choose_device, one_thread, spare_core
from napari_ghosthunter.learning.fitting import fit_components
from napari_ghosthunter.learning.logistic import Logistic, regress
from napari_ghosthunter.learning.network import COMPONENTS
from napari_ghosthunter.learning.novelty import NO_LIMIT, doubted, reach, trust
from napari_ghosthunter.learning.patterns import FittedPatterns, fit_patterns, fit_template
from napari_ghosthunter.learning.stages import Labelled
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.streaming import stream
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.scan import Scan

AT_ONCE = 65_536  # patterns whose probabilities are worked out at once: few enough for the memory of any machine


@dataclass(frozen=True, eq=False)
class Features:
    """What is known of the patterns of a scan so far.

    Attributes
    ----------
    scan, patterns
        The scan, and how its patterns are seen.
    values
        float32, (scan_y, scan_x, 48); rows from `rows` on are not measured yet.
    rows
        How many rows are measured.
    nonfinite
        Pixels in them that were NaN or infinite and counted as zero.
    """

    scan: Scan
    patterns: FittedPatterns
    values: NDArray[np.float32]
    rows: int
    nonfinite: int = 0

    @property
    def complete(self) -> bool:
        """Whether every position is measured."""
        return self.rows == self.scan.shape[0]


def measure(scan: Scan, config: PatternConfig | None = None, *, device: str = "auto") -> Iterator[Features]:
    """Measure the features of all patterns, as a stream: the array of values is filled row by row, and shared.

    Leave the loop at any time. The first step (finding what the patterns vary in) takes a second or two.

    Raises
    ------
    TrainingError
        If the device is not to be had.
    """
    target = choose_device(device)
    with spare_core():
        patterns = fit_template(fit_patterns(config or PatternConfig(), scan), scan)
        network = fit_components(scan, patterns, 1).to(target)
    values: NDArray[np.float32] | None = None
    for band in stream(scan, patterns, network.features, patterns.window(scan), (0, scan.shape[0]), target):
        if values is None:
            values = np.full((*scan.scan_shape, band.values.shape[2]), np.nan, np.float32)
        values[band.start : band.stop] = band.values
        yield Features(scan, patterns, values, band.stop, band.nonfinite)


def live_map(
    features: Features, labels: LabelSet | Mapping[Position, str], classes: ClassScheme, *, doubting: bool = True
) -> DomainMap | None:
    """Map all rows that are measured, by labels that lie in them.

    Parameters
    ----------
    features
        From `measure`.
    labels
        (scan_y, scan_x) -> class; those outside the scan, or of a class that there is no more, do not count.
    classes
        The classes; those without a label are not in the map.
    doubting
        Whether what is unlike all labelled patterns gets low confidence, as it does in a final map (`novelty`).

    Returns
    -------
    DomainMap or None
        Its provenance says that it is `live`. None where fewer than two classes have a label in the measured rows.
    """
    with one_thread():
        found = fitted(features, labels, classes)
        if found is None:
            return None
        fit, classes = found
        labelled = fit.features[:, :COMPONENTS].float()
        far = reach(labelled) if doubting else NO_LIMIT
        done = torch.from_numpy(features.values[: features.rows]).flatten(0, 1)
        likely = torch.cat([_likely(fit, part, labelled, far) for part in done.split(AT_ONCE)])
    probabilities = np.full((*features.scan.scan_shape, len(classes)), np.nan, np.float32)
    probabilities[: features.rows] = likely.unflatten(0, (features.rows, -1)).numpy()
    provenance = {"scan": describe(features.scan), "live": True, "nonfinite_pixels": features.nonfinite}
    return DomainMap(probabilities, classes, features.scan.calibration, provenance)


def _likely(fit: Logistic, features: Tensor, labelled: Tensor, far: float) -> Tensor:
    """Give the probabilities (n, classes) of features (n, k), as the network does that is trained with these labels."""
    probabilities = torch.softmax(fit.logits(features), 1).float()
    return doubted(probabilities, trust(features[:, :COMPONENTS], labelled, far))


def fitted(
    features: Features, labels: LabelSet | Mapping[Position, str], classes: ClassScheme
) -> tuple[Logistic, ClassScheme] | None:
    """Fit the labels in measured rows; give the classes that have some, too, or None where these are less than two."""
    given = labelled_in(features, labels, classes).narrowed()
    if len(given.names) < 2:
        return None
    for name in set(classes.names) - set(given.names):
        classes = classes.remove(name)
    return regress(given.features, torch.from_numpy(given.targets), len(classes)), classes


def labelled_in(features: Features, labels: LabelSet | Mapping[Position, str], classes: ClassScheme) -> Labelled:
    """Give the labels in measured rows that are of one of the classes, in their order."""
    numbers = {name: index for index, name in enumerate(classes.names)}
    known = {
        (y, x): numbers[name]
        for (y, x), name in labels.items()
        if y < features.rows and x < features.scan.shape[1] and name in numbers
    }
    positions = np.array(list(known), np.intp).reshape(-1, 2)
    values = torch.from_numpy(features.values[tuple(positions.T)])
    return Labelled(values, positions, np.array(list(known.values()), np.intp), classes.names)
