"""Ways to make a map of a scan with some labels.

The features that `swift` sees are those of the scan alone, and so are the principal components of the baseline: they
are computed once for a scan, and its map is made of them by the same code as in the product, in milliseconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

import napari_ghosthunter as gh
from benchmarks.judging.scans import Case
from napari_ghosthunter.learning.fitting import Fitting, fit_components
from napari_ghosthunter.learning.material import Material, trainable_classes
from napari_ghosthunter.learning.model import TrainingRecord
from napari_ghosthunter.learning.network import Swift
from napari_ghosthunter.learning.patterns import FittedPatterns, fit_patterns
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.live import Features, measure

CPU = torch.device("cpu")
PLAIN_SIZE, PLAIN_COMPONENTS, PLAIN_STRENGTH = 64, 64, 10


class Known:
    """What is known of a scan before anything is labelled: found out when it is first asked for."""

    def __init__(self, case: Case) -> None:
        self.case = case

    @cached_property
    def features(self) -> Features:
        """What `swift` sees of each pattern."""
        return list(measure(self.case.scan, device="cpu"))[-1]

    @cached_property
    def network(self) -> Swift:
        """The network that sees it."""
        return fit_components(self.case.scan, self.features.patterns, 1)

    @cached_property
    def plain(self) -> NDArray[np.float32]:
        """Logarithm of patterns binned to 64 pixels a side, of unit norm, as principal components of the whole scan."""
        from sklearn.decomposition import PCA

        scan, patterns = self.case.scan, fit_patterns(gh.PatternConfig(size=PLAIN_SIZE, clip_hot=False), self.case.scan)
        flat = np.concatenate([self._row(patterns, y) for y in range(scan.shape[0])])
        flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9)
        found = PCA(PLAIN_COMPONENTS, svd_solver="randomized", random_state=0).fit_transform(flat)
        return (found / found.std(0)[0]).astype(np.float32)

    def _row(self, patterns: FittedPatterns, y: int) -> NDArray[np.float32]:
        scan = self.case.scan
        whole = np.prod(scan.detector_shape) / patterns.size**2  # sums of pixels, not means
        reduced, _ = patterns.reduce(scan.rows(y, y + 1)[0], (slice(None), slice(None)))
        return np.log1p(reduced.numpy() * whole).reshape(len(reduced), -1)


@dataclass(frozen=True, eq=False)
class Made:
    """A map, what the model said of itself, and the seconds that a user would wait for each."""

    map: DomainMap
    record: TrainingRecord | None
    training: float
    mapping: float


Method = Callable[[Known, gh.LabelSet, int], Made]
"""From a scan, labels and a seed to a map."""


def swift(known: Known, labels: gh.LabelSet, seed: int) -> Made:  # noqa: ARG001
    """Make the map of the default network; what depends on the scan alone is not made again, and not timed."""
    scan, features, network = known.case.scan, known.features, known.network
    started = time.perf_counter()
    classes, spots = trainable_classes(labels, scan), list(labels)
    material = Material(
        scan=scan, config=gh.TrainingConfig(), device=CPU, classes=classes, patterns=features.patterns,
        positions=np.array(spots), targets=np.array([classes.names.index(labels[spot]) for spot in spots]),
        inputs=features.patterns.inputs(scan, spots), turns=[], wander=0.0, described={},
    )  # fmt: skip
    *_, last = Fitting(material, (network, torch.from_numpy(features.values).flatten(0, 1))).epochs()
    trained = time.perf_counter()
    judge = last.model.load_network()
    assert isinstance(judge, Swift)
    with torch.inference_mode():
        logits = judge.judged(torch.from_numpy(features.values).flatten(0, 1))
    probabilities = torch.softmax(logits, 1).unflatten(0, scan.scan_shape)
    made = DomainMap(probabilities.numpy(), classes, scan.calibration, {})
    return Made(made, last.model.record, trained - started, time.perf_counter() - trained)


def plain_regression(known: Known, labels: gh.LabelSet, seed: int) -> Made:  # noqa: ARG001
    """Make the map of a logistic regression on principal components: what a network must beat to be worth its time."""
    from sklearn.linear_model import LogisticRegression

    case, components = known.case, known.plain
    started = time.perf_counter()
    classes = trainable_classes(labels, case.scan)
    flat = np.ravel_multi_index(labels.positions.T, case.scan.scan_shape)
    targets = [classes.names.index(name) for name in labels.values()]
    fit = LogisticRegression(C=PLAIN_STRENGTH, max_iter=5000).fit(components[flat], targets)
    trained = time.perf_counter()
    probabilities = fit.predict_proba(components).reshape(*case.scan.scan_shape, -1).astype(np.float32)
    made = DomainMap(probabilities, classes, case.scan.calibration, {})
    return Made(made, None, trained - started, time.perf_counter() - trained)


@dataclass(frozen=True)
class Taught:
    """A network that is trained and maps the whole scan, as a user would do it."""

    patterns: gh.PatternConfig
    training: gh.TrainingConfig

    def __call__(self, known: Known, labels: gh.LabelSet, seed: int) -> Made:
        """Train with the seed, and map."""
        started = time.perf_counter()
        *_, last = gh.train(
            known.case.scan, labels, self.training.model_copy(update={"seed": seed}), self.patterns, device="cpu"
        )
        trained = time.perf_counter()
        made = gh.segment(known.case.scan, last.model, device="cpu")
        return Made(made, last.model.record, trained - started, time.perf_counter() - trained)


CNN = "ghosthunter"
CNN_SIZE = 64  # pixels a side that it sees: a quarter of the work of the default
PAPER_PATTERNS = gh.PatternConfig(
    size=CNN_SIZE, scaling="linear", contrast_window=0, clip_hot=False, pool="max", pool_size=5, align=False
)

METHODS: dict[str, Method] = {
    "swift": swift,
    "PCA + log. reg.": plain_regression,
    "ghosthunter": Taught(gh.PatternConfig(size=CNN_SIZE), gh.TrainingConfig(network=CNN)),
    "paper's network, log": Taught(gh.PatternConfig(size=CNN_SIZE, align=False), gh.TrainingConfig(network=CNN)),
    "paper": Taught(PAPER_PATTERNS, gh.TrainingConfig(network=CNN, shift=0, plateau_patience=10)),
}
QUICK = ("swift", "PCA + log. reg.")
