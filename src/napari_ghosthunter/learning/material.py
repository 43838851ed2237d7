"""What a training begins with: labelled patterns as network inputs, and all that the model file will say of them."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_ghosthunter.errors import LabelError, ModelError, TrainingError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.alignment import REACH
from napari_ghosthunter.learning.augment import Turn, declared_turns
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.estimate import Estimate
from napari_ghosthunter.learning.looks import describe_looks
from napari_ghosthunter.learning.model import Epoch, Model, TrainingRecord
from napari_ghosthunter.learning.network import build_network
from napari_ghosthunter.learning.patterns import FittedPatterns, fit_patterns, fit_template
from napari_ghosthunter.learning.stages import Stage
from napari_ghosthunter.learning.validation import HeldOut, confusion_matrix
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.statistics import measure_statistics
from napari_ghosthunter.versions import versions


@dataclass(frozen=True, eq=False)
class Material:
    """Labelled patterns of a scan, ready to learn from.

    Attributes
    ----------
    scan, config, device
        As given.
    classes
        Those that have labels.
    patterns
        How the patterns became inputs.
    start
        The model that is trained further, if there is one.
    positions
        Of the labels, (n, [scan_y, scan_x]).
    targets
        Class index of each label, (n,).
    inputs
        Network inputs (n, 1, S, S) on the device.
    turns
        The declared symmetries.
    wander
        How far the centre wanders in these inputs, as a share of their side; None where it is not known.
    described
        The scan, in words for the model file.
    """

    scan: Scan
    config: TrainingConfig
    device: torch.device
    classes: ClassScheme
    patterns: FittedPatterns
    positions: NDArray[np.intp] = field(repr=False)
    targets: NDArray[np.intp] = field(repr=False)
    inputs: Tensor = field(repr=False)
    turns: list[Turn] = field(repr=False)
    wander: float | None
    described: dict[str, Any] = field(repr=False)
    start: Model | None = None

    def held_out(self, truth: NDArray[np.intp], predicted: NDArray[np.intp], *, crossed: bool = False) -> HeldOut:
        """Count what was predicted of labels that were not trained on."""
        matrix = confusion_matrix(truth, predicted, len(self.classes))
        return HeldOut(names=self.classes.names, confusion=tuple(map(tuple, matrix.tolist())), crossed=crossed)

    def model(
        self, weights: dict[str, Tensor], held_out: HeldOut, history: tuple[Epoch, ...], best: int,
        config: TrainingConfig | None = None, *, converged: bool = False, estimate: Estimate | None = None,
        stages: tuple[Stage, ...] = (),
    ) -> Model:  # fmt: skip
        """Make a model of weights on the CPU; `config` where it is not the one that was asked for."""
        counts = np.bincount(self.targets, minlength=len(self.classes))
        record = TrainingRecord(
            config=config or self.config, labels_per_class=dict(zip(self.classes.names, counts.tolist(), strict=True)),
            best_epoch=best, history=history, held_out=held_out, converged=converged,
            estimate=estimate, stages=stages,
            scan=self.described, versions=versions(), started_from=self.start.hash if self.start else "",
        )  # fmt: skip
        # the template stays that of the first scan, which others are laid on
        patterns = self.start.patterns.masking(self.scan) if self.start else self.patterns
        return Model(self.classes, self.config.network, patterns, weights, record)


def gather(
    scan: Scan, labels: LabelSet, config: TrainingConfig, patterns: PatternConfig | None, device: torch.device,
    start: Model | None = None,
) -> Material:  # fmt: skip
    """Check all that may be refused, then read the labelled patterns, and spread ones to know the scan by.

    Raises
    ------
    LabelError
        If labels are too few, of one class only, or outside the scan.
    ModelError
        If there is no such network, or the model to start from is of another detector.
    TrainingError
        If a symmetry is not to be had, or the model to start from is of another network or sees patterns otherwise.
    """
    if start is not None:
        check_start(start, scan, config, patterns)
    classes = trainable_classes(labels, scan, start.classes if start else None)
    turns = declared_turns(config, classes, scan.detector_shape)
    fitted = start.patterns.masking(scan) if start else fit_patterns(patterns or PatternConfig(), scan)
    with torch.device("meta"):
        build_network(config.network, len(classes), fitted.size)
    positions = list(labels)
    statistics = measure_statistics(scan)
    fitted = fitted.seen_in(scan) if start else fit_template(fitted, scan)
    _warn_of_wander(fitted, statistics.wander)
    return Material(
        scan=scan, config=config, device=device, classes=classes, patterns=fitted,
        positions=np.array(positions), targets=np.array([classes.names.index(labels[spot]) for spot in positions]),
        inputs=fitted.inputs(scan, positions).to(device), turns=turns,
        wander=0.0 if fitted.template is not None and fitted.offset is None else statistics.wander,
        described=describe_looks(scan, fitted, statistics), start=start,
    )  # fmt: skip


def _warn_of_wander(patterns: FittedPatterns, wander: float | None) -> None:
    """Tell of a direct beam that moves farther than patterns are aligned, as a share of the detector's side."""
    if patterns.template is not None and wander is not None and wander > 1 / REACH:
        warnings.warn(
            f"The direct beam moves over this scan by up to {100 * wander:.0f} % of the detector, but patterns are "
            f"aligned by at most {100 / REACH:.0f} %: expect errors where it is farther off. Centre the patterns "
            "first, or train on the part of the scan where it stays near.",
            UserWarning,
            stacklevel=2,
        )


def check_start(start: Model, scan: Scan, config: TrainingConfig, patterns: PatternConfig | None) -> None:
    """Refuse what cannot be trained further; see `gather`."""
    if start.patterns.detector_shape != scan.detector_shape:
        k_y, k_x = start.patterns.detector_shape
        raise ModelError(
            f"The model to start from was trained on patterns of {k_y} x {k_x} pixels, but this scan has "
            f"{scan.detector_shape[0]} x {scan.detector_shape[1]}; train anew."
        )
    if config.network != start.network:
        raise TrainingError(
            f"The model to start from is a '{start.network}', not a '{config.network}'; choose the same network."
        )
    if patterns not in (None, start.patterns.config):
        raise TrainingError("The model to start from sees patterns in another way; leave that as it is.")


def trainable_classes(labels: LabelSet, scan: Scan, known: ClassScheme | None = None) -> ClassScheme:
    """Classes that have labels, in the order of the label set; after those that a model to start from knows.

    Raises
    ------
    LabelError
        If there are fewer than two such classes, no label at all, or labels outside the scan.
    """
    outside = [p for p in labels if not (p[0] < scan.scan_shape[0] and p[1] < scan.scan_shape[1])]
    if outside:
        raise LabelError(
            f"{len(outside)} labels lie outside the scan of {scan.scan_shape}, the first at {outside[0]}; "
            "do they belong to another scan, or are scan_y and scan_x swapped?"
        )
    counts = Counter(labels.values())
    classes = labels.classes
    for name in labels.classes.names:
        if not counts[name]:
            classes = classes.remove(name)
    if known is not None:
        if not len(labels):
            raise LabelError("Training further needs labels on this scan, but there are none yet; label some points.")
        return known.joined(classes)
    if len(classes) < 2:
        have = f"all are of class '{classes.names[0]}'" if len(classes) else "there are none yet"
        raise LabelError(f"Training needs labels of at least two classes, but {have}; label more points.")
    return classes
