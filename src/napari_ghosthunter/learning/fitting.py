"""Fitting a network that needs no teaching: components of the scan, and a regression on the labels.

All labels are learned from, and each is judged once by a regression that has seen neither it nor its neighbourhood.
The regressions go on side by side, so that a curve shows both.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from numpy.typing import NDArray
from torch import Tensor

from napari_ghosthunter.learning.augment import turn
from napari_ghosthunter.learning.components import principal_components
from napari_ghosthunter.learning.device import one_thread
from napari_ghosthunter.learning.estimate import Estimate, estimate
from napari_ghosthunter.learning.logistic import Logistic, temperature
from napari_ghosthunter.learning.material import Material
from napari_ghosthunter.learning.model import Epoch, Model
from napari_ghosthunter.learning.network import COMPONENTS, Swift
from napari_ghosthunter.learning.novelty import NO_LIMIT, remembered
from napari_ghosthunter.learning.patterns import FittedPatterns, spread_inputs
from napari_ghosthunter.learning.report import EpochReport
from napari_ghosthunter.learning.split import neighbourhood_folds
from napari_ghosthunter.learning.stages import FEWEST, FOLDS, Labelled, Stage, course
from napari_ghosthunter.learning.validation import HeldOut
from napari_ghosthunter.scan.scan import Scan

SPREAD = 1024  # patterns of the scan that the components are found in
ITERATIONS = 100  # at most, unless the configuration says how many


class Fitting:
    """The state of one fit.

    Parameters
    ----------
    material
        What to learn from.
    known
        The network with the components of the scan, and features (n, k) of patterns from all over it; if they are not
        given, patterns of the scan are read to find them.
    """

    def __init__(self, material: Material, known: tuple[Swift, Tensor] | None = None) -> None:
        self.material = material
        patterns, inputs = material.patterns, material.inputs.cpu()
        self.prior = None if material.start is None else _prior(material.start, len(material.classes))
        self.network, self.seen = known or _begun(material)
        self.targets = torch.from_numpy(material.targets)
        self.features = self._features(inputs)
        turned = [
            (self._features(patterns.laid(turn(inputs[:, 0], symmetry))[:, None]), becomes[self.targets])
            for symmetry, becomes in material.turns
            if symmetry is not None
        ]
        self.copies = [(self.features, self.targets), *turned]  # each of n labels
        every = np.arange(len(self.targets))
        self.whole = self._regression(every)
        folds = neighbourhood_folds(material.positions, material.targets, FOLDS) if len(every) >= FEWEST else ()
        self.folds = [(self._regression(seen), torch.from_numpy(held)) for seen, held in folds]
        self.limit = material.config.epochs or ITERATIONS
        earlier = None if material.start is None else material.start.weights["prototypes"]
        self.prototypes, self.far = remembered(self.features[:, :COMPONENTS], earlier)

    def epochs(self) -> Iterator[EpochReport]:
        """Go on with all regressions, one iteration a step; the last model says how sure it is."""
        started, history = time.perf_counter(), list[Epoch]()
        fits = (self.whole, *(fold for fold, _ in self.folds))
        for number in range(1, self.limit + 1):
            for fit in fits:
                fit.step()
            converged = all(fit.converged for fit in fits)
            done = converged or number == self.limit
            logits, judged, truth = self._judged()
            loss = F.cross_entropy(judged, truth).item() if len(truth) else None
            right = (judged.argmax(1) == truth).double().mean().item() if len(truth) else None
            history.append(
                Epoch(
                    epoch=number, train_loss=F.cross_entropy(logits, self.targets).item(),
                    train_accuracy=(logits.argmax(1) == self.targets).double().mean().item(),
                    validation_loss=loss, validation_accuracy=right, learning_rate=1.0,
                    seconds=time.perf_counter() - started,
                )
            )  # fmt: skip
            sure = temperature(judged, truth) if done and len(truth) else 1.0
            held_out = self.material.held_out(truth.numpy(), judged.argmax(1).numpy(), crossed=True)
            model = self._model(history, held_out, sure, done=done, converged=converged)
            yield EpochReport(history[-1], number if done else self.limit, model)
            if done:
                return

    def _regression(self, labels: NDArray[np.intp]) -> Logistic:
        """Begin one with some of the labels, and their turned copies."""
        features = torch.cat([features[labels] for features, _ in self.copies])
        targets = torch.cat([targets[labels] for _, targets in self.copies])
        return Logistic(features, targets, len(self.material.classes), self.prior)

    def _features(self, inputs: Tensor) -> Tensor:
        with torch.inference_mode(), one_thread():
            return self.network.features(inputs).clone()

    def _judged(self) -> tuple[Tensor, Tensor, Tensor]:
        """Give the logits of all labels by the whole; of those held out by who has not seen them; and their truth."""
        logits = [fold.logits(self.features[held]) for fold, held in self.folds]
        truth = [self.targets[held] for _, held in self.folds]
        empty = torch.empty(0, len(self.material.classes), dtype=torch.float64)
        return (
            self.whole.logits(self.features), torch.cat([empty, *logits]), torch.cat([self.targets[:0], *truth]),
        )  # fmt: skip

    def _estimate(self) -> Estimate | None:
        return estimate(self.whole, [fold for fold, _ in self.folds], self.seen, len(self.targets))

    def _stages(self) -> tuple[Stage, ...]:
        """Tell what fewer labels would have brought, unless they are not all that is learned from."""
        if self.prior is not None or len(self.copies) > 1:
            return ()
        material = self.material
        return course(Labelled(self.features, material.positions, material.targets, material.classes.names), self.seen)

    def _model(self, history: list[Epoch], held_out: HeldOut, sure: float, *, done: bool, converged: bool) -> Model:
        weights = self.network.state_dict() | {
            "head.weight": (self.whole.weight.detach() / sure).float(),
            "head.bias": (self.whole.bias.detach() / sure).float(),
            "prototypes": self.prototypes,
            "far": self.far,
        }
        return self.material.model(
            weights, held_out, tuple(history), len(history), converged=converged,
            estimate=self._estimate() if done else None, stages=self._stages() if done else (),
        )  # fmt: skip


def _begun(material: Material) -> tuple[Swift, Tensor]:
    """Find the components of the scan, or take those of the model that is trained further; see `Fitting`."""
    count, size = len(material.classes), material.patterns.size
    spread = spread_inputs(material.patterns, material.scan, SPREAD)
    if material.start is None:
        network = swift_of(size, count, *principal_components(spread.flatten(1)))
    else:
        weights = material.start.weights
        network = swift_of(size, count, weights["components.weight"], weights["components.bias"])
    with torch.inference_mode(), one_thread():
        return network, network.binned_features(spread).clone()


def _prior(start: Model, classes: int) -> tuple[Tensor, Tensor]:
    """Give the weights and biases that a model ends with; those of classes that it does not know are zero."""
    missing = classes - len(start.classes)
    return F.pad(start.weights["head.weight"], (0, 0, 0, missing)), F.pad(start.weights["head.bias"], (0, missing))


def fit_components(scan: Scan, patterns: FittedPatterns, classes: int) -> Swift:
    """Make the network for so many classes with the components of a scan; its head is blank."""
    return swift_of(patterns.size, classes, *principal_components(spread_inputs(patterns, scan, SPREAD).flatten(1)))


def swift_of(size: int, classes: int, weight: Tensor, bias: Tensor) -> Swift:
    """Make the network with these components and a blank head; it has seen no labels."""
    with torch.device("meta"):  # no weights are drawn, so torch's global generator stays as it is
        network = Swift(classes, size)
    blank = {name: torch.zeros(value.shape) for name, value in network.state_dict().items()}
    known = {"components.weight": weight, "components.bias": bias, "far": torch.tensor(NO_LIMIT)}
    network.to_empty(device="cpu").load_state_dict(blank | known)
    return network.eval()
