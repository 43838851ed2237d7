"""Training as a generator: one report an epoch, the best model so far in each, so that it can stop at any time."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from math import ceil

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from numpy.typing import NDArray
from torch import nn

from napari_ghosthunter.errors import LabelError, TrainingError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.augment import Augmentation, declared_turns, shift_reach
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.device import choose_device, spare_core
from napari_ghosthunter.learning.looks import describe_looks
from napari_ghosthunter.learning.memory import NO_MEMORY, within_memory
from napari_ghosthunter.learning.model import Epoch, Model, TrainingRecord
from napari_ghosthunter.learning.network import build_network, placed
from napari_ghosthunter.learning.patterns import FittedPatterns, fit_patterns
from napari_ghosthunter.learning.split import stratified_split
from napari_ghosthunter.learning.validation import HeldOut, confusion_matrix
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.statistics import measure_statistics
from napari_ghosthunter.versions import versions

VALIDATION_BATCH = 256  # patterns judged at once, if the memory of the GPU lasts


@dataclass(frozen=True)
class EpochReport:
    """What one epoch brought.

    Attributes
    ----------
    figures
        Losses, accuracies, learning rate and time of this epoch.
    epochs
        Epochs that were planned.
    model
        The best model so far: that of the lowest validation loss.
    notes
        What the user should know of this training, in sentences: what it could not do as it was told.
    """

    figures: Epoch
    epochs: int
    model: Model
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        """Say how far the training is, and how well it goes."""
        held = self.figures.validation_accuracy
        judged = "" if held is None else f", held-out accuracy {held:.3f}"
        return (
            f"EpochReport(epoch {self.figures.epoch} of {self.epochs}: loss {self.figures.train_loss:.3f}{judged}; "
            f"best so far epoch {self.model.record.best_epoch})"
        )

    @property
    def seconds_left(self) -> float:
        """Time that the rest will take at the pace so far."""
        return self.figures.seconds / self.figures.epoch * (self.epochs - self.figures.epoch)


def train(
    scan: Scan,
    labels: LabelSet,
    config: TrainingConfig | None = None,
    patterns: PatternConfig | None = None,
    *,
    device: str = "auto",
) -> Iterator[EpochReport]:
    """Train a network on labelled patterns, one report an epoch.

    Leave the loop at any time: the last report has the best model until then.

    Parameters
    ----------
    scan
        The scan that the labels belong to; only labelled patterns (and their neighbours, if pooled)
        are read, and a few spread ones to see how far the pattern centre wanders.
    labels
        At least one label of each of at least two classes, all inside the scan.
    config, patterns
        How to train, and how a pattern becomes a network input; the defaults suit most scans.
    device
        'auto', 'cpu', 'cuda' or 'mps'.

    Raises
    ------
    LabelError
        If labels are too few, of one class only, or outside the scan.
    ModelError
        If there is no such network.
    TrainingError
        If the device or a symmetry is not to be had, or the GPU has too little memory; later, if the loss is no longer
        a number.
    """
    config = config or TrainingConfig()
    target = choose_device(device)
    classes = trainable_classes(labels, scan)
    run = within_memory(lambda: _Run(scan, labels, classes, config, patterns or PatternConfig(), target), target)
    if run is None:
        raise TrainingError(NO_MEMORY)
    return run.epochs()


def trainable_classes(labels: LabelSet, scan: Scan) -> ClassScheme:
    """Classes that have labels, in the order of the label set.

    Raises
    ------
    LabelError
        If there are fewer than two such classes, or labels outside the scan.
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
    if len(classes) < 2:
        have = f"all are of class '{classes.names[0]}'" if len(classes) else "there are none yet"
        raise LabelError(f"Training needs labels of at least two classes, but {have}; label more points.")
    return classes


class _Run:
    """The state of one training run."""

    def __init__(
        self, scan: Scan, labels: LabelSet, classes: ClassScheme,
        config: TrainingConfig, patterns: PatternConfig, device: torch.device,
    ) -> None:  # fmt: skip
        positions = list(labels)
        targets = np.array([classes.names.index(labels[position]) for position in positions])
        self.config, self.classes, self.device = config, classes, device
        self.patterns: FittedPatterns = fit_patterns(patterns, scan)
        self.notes: tuple[str, ...] = ()
        self.judged_at_once = VALIDATION_BATCH
        # first what may be refused, then what takes time
        turns = declared_turns(config, classes, scan.detector_shape)
        self.network = self._fresh_network()
        self.generator = torch.Generator()
        statistics = measure_statistics(scan)
        reach = shift_reach(config, statistics.wander, self.patterns.size)
        self.augment = Augmentation(turns, reach, self.generator)
        train_index, held_index = stratified_split(targets, config.validation_share, config.seed)
        inputs = self.patterns.inputs(scan, positions).to(device)
        self.train_part = inputs[train_index], torch.from_numpy(targets[train_index]).to(device)
        self.held_part = inputs[held_index], torch.from_numpy(targets[held_index]).to(device)
        self.total_epochs = config.epochs_for(len(positions))
        self.labels_per_class = {name: int(np.sum(targets == i)) for i, name in enumerate(classes.names)}
        self.scan = describe_looks(scan, self.patterns, statistics)
        self._begin()

    def _begin(self) -> None:
        """Make ready for the first epoch with the network as it is drawn from the seed."""
        config = self.config
        self.generator.manual_seed(config.seed)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            self.optimizer, factor=config.plateau_factor, patience=self._patience(len(self.train_part[0])),
            min_lr=config.min_learning_rate,
        )  # fmt: skip

    def _patience(self, count: int) -> int:
        """Epochs to wait on a plateau.

        The paper waits 2 epochs of 1,000 labels, some 200 steps. With 50 labels an epoch has 5 steps, and a slow start
        could take the learning rate to its floor before anything is learned.
        """
        return max(2, ceil(self.config.plateau_patience * self.config.batch_size / count))

    def _fresh_network(self) -> nn.Module:
        """Draw the first weights from the seed, and leave torch's global generator as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.config.seed)  # torch.manual_seed would seed the GPU's too
            network = build_network(self.config.network, len(self.classes), self.patterns.size)
        return placed(network, self.device)

    def epochs(self) -> Iterator[EpochReport]:
        """Train, validate, keep the best, report."""
        started, history, best = time.perf_counter(), list[Epoch](), float("inf")
        model: Model | None = None
        for number in range(1, self.total_epochs + 1):
            rate = self.optimizer.param_groups[0]["lr"]
            train_loss, train_accuracy, held = self._epoch_within_memory(number)
            judged = train_loss if held is None else held.loss
            if not np.isfinite([train_loss, judged]).all():
                raise TrainingError("The loss is no longer a number; use a lower learning rate.")
            self.scheduler.step(judged)
            figures = Epoch(
                epoch=number, train_loss=train_loss, train_accuracy=train_accuracy,
                validation_loss=held and held.loss, validation_accuracy=held and held.accuracy,
                learning_rate=rate, seconds=time.perf_counter() - started,
            )  # fmt: skip
            history.append(figures)
            if model is None or judged < best:
                best, model = judged, self._snapshot(number, held)
            model = replace(model, record=model.record.model_copy(update={"history": tuple(history)}))
            yield EpochReport(figures, self.total_epochs, model, self.notes)

    def _epoch_within_memory(self, number: int) -> tuple[float, float, _Validation | None]:
        """Train and validate an epoch; where the GPU's memory is used up, again with half as many patterns at once.

        Raises
        ------
        TrainingError
            If it is too little even for single patterns.
        """
        anew = False
        while (done := within_memory(partial(self._epoch, anew), self.device)) is None:
            if self.config.batch_size == 1:
                raise TrainingError(NO_MEMORY)
            self.config = self.config.model_copy(update={"batch_size": self.config.batch_size // 2})
            since = "" if number == 1 else f" since epoch {number}"
            self.notes = (
                f"The GPU has too little memory for larger steps: trained with a batch size of "
                f"{self.config.batch_size}{since}.",
            )
            self.judged_at_once = self.config.batch_size
            anew = number == 1
        return done

    def _epoch(self, anew: bool) -> tuple[float, float, _Validation | None]:
        """Train and validate an epoch; from first weights drawn `anew`, as if its batch size had been asked for."""
        if anew:
            self.network = self._fresh_network()
            self._begin()
        with spare_core():
            return *self._train_epoch(), self._validate()

    def _train_epoch(self) -> tuple[float, float]:
        """Pass once over the training part in random order; mean loss and accuracy."""
        inputs, targets = self.train_part
        self.network.train()
        loss_sum, right = 0.0, 0
        for batch in torch.randperm(len(inputs), generator=self.generator).split(self.config.batch_size):
            index = batch.to(self.device)
            x, y = self.augment(inputs[index], targets[index])
            logits = self.network(x)
            loss = F.cross_entropy(logits, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            loss_sum += float(loss.detach()) * len(batch)
            right += int((logits.argmax(1) == y).sum())
        return loss_sum / len(inputs), right / len(inputs)

    def _validate(self) -> _Validation | None:
        """Judge the network on the held-out part; None where there is none."""
        inputs, targets = self.held_part
        if not len(inputs):
            return None
        self.network.eval()
        with torch.inference_mode():
            logits = torch.cat([self.network(part) for part in inputs.split(self.judged_at_once)])
            loss = F.cross_entropy(logits, targets)
        return _Validation(float(loss), targets.cpu().numpy(), logits.argmax(1).cpu().numpy())

    def _snapshot(self, epoch: int, held: _Validation | None) -> Model:
        """Copy the network as it is now into a model."""
        weights = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
        truth, predicted = (held.truth, held.predicted) if held else (np.empty(0, np.intp), np.empty(0, np.intp))
        matrix = confusion_matrix(truth, predicted, len(self.classes))
        record = TrainingRecord(
            config=self.config, labels_per_class=self.labels_per_class, best_epoch=epoch, history=(),
            held_out=HeldOut(names=self.classes.names, confusion=tuple(map(tuple, matrix.tolist()))),
            scan=self.scan, versions=versions(),
        )  # fmt: skip
        return Model(self.classes, self.config.network, self.patterns, weights, record)


@dataclass(frozen=True)
class _Validation:
    """Outcome of one look at the held-out part."""

    loss: float
    truth: NDArray[np.intp]
    predicted: NDArray[np.intp]

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(np.mean(self.truth == self.predicted))
