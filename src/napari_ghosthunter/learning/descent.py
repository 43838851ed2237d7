"""Teaching a network by gradient descent: the best model so far with each epoch, so that it can stop at any time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from typing import TypeAlias

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.learning.answering import answering
from napari_ghosthunter.learning.augment import Augmentation, shift_reach
from napari_ghosthunter.learning.device import flushed, one_thread, own_threads, thread_count
from napari_ghosthunter.learning.material import Material
from napari_ghosthunter.learning.memory import NO_MEMORY, within_memory
from napari_ghosthunter.learning.model import Epoch, Model
from napari_ghosthunter.learning.network import build_network, placed
from napari_ghosthunter.learning.parts import logits_in_parts
from napari_ghosthunter.learning.report import EpochReport
from napari_ghosthunter.learning.split import stratified_split

VALIDATION_BATCH = 256  # patterns judged at once, if the memory of the GPU lasts

Logits: TypeAlias = Callable[[Tensor], Tensor]
"""From network inputs (B, 1, S, S) to (B, n)."""


class Descent:
    """The state of one training run."""

    def __init__(self, material: Material) -> None:
        self.material, self.config, self.device = material, material.config, material.device
        self.notes: tuple[str, ...] = ()
        self.judged_at_once = VALIDATION_BATCH
        self.network = self._fresh_network()
        self.generator = torch.Generator()
        reach = shift_reach(self.config, material.wander, material.patterns.size)
        self.augment = Augmentation(material.turns, reach, self.generator, material.patterns.laid)
        train_index, held_index = stratified_split(material.targets, self.config.validation_share, self.config.seed)
        targets = torch.from_numpy(material.targets)
        self.train_part = material.inputs[train_index], targets[train_index].to(self.device)
        self.held_part = material.inputs[held_index], targets[held_index].to(self.device)
        self.total_epochs = self.config.epochs_for(len(targets))
        self._begin()

    def _begin(self) -> None:
        """Make ready for the first epoch with the network as it is drawn from the seed."""
        config = self.config
        self.generator.manual_seed(config.seed)
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay,
            fused=self.device.type in {"cpu", "cuda"},  # all of a step in one pass over the weights, not in ten
        )  # fmt: skip
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
            network = build_network(self.config.network, len(self.material.classes), self.material.patterns.size)
        if self.material.start is not None:
            _take_over(network, self.material.start.weights)
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
        threads = thread_count(self.device)
        with own_threads(self.device) as pool, one_thread():
            if self.device.type != "cpu":
                return *self._train_epoch(self.network, self.optimizer.step), self._validate(self.network)

            def step() -> None:  # where no more is learned, the moments of AdamW fade into numbers that take long
                pool.submit(flushed, self.optimizer.step, threads).result()

            answer = partial(logits_in_parts, self.network, pool)
            return *self._train_epoch(answer, step), self._validate(answering(self.network, pool))

    def _train_epoch(self, answer: Logits, step: Callable[[], object]) -> tuple[float, float]:
        """Pass once over the training part in random order; mean loss and accuracy."""
        inputs, targets = self.train_part
        self.network.train()
        steps: list[Tensor] = []  # (loss * B, right) of each, read at the end: a GPU need not be waited for in between
        for batch in torch.randperm(len(inputs), generator=self.generator).split(self.config.batch_size):
            index = batch.to(self.device)
            x, y = self.augment(inputs[index], targets[index])
            logits = answer(x)
            loss = F.cross_entropy(logits, y)
            self.optimizer.zero_grad()
            loss.backward()
            step()
            steps.append(torch.stack([loss.detach() * len(batch), (logits.argmax(1) == y).sum()]))
        loss_sum, right = torch.stack(steps).sum(0).tolist()
        return loss_sum / len(inputs), right / len(inputs)

    def _validate(self, answer: Logits) -> _Validation | None:
        """Judge the network on the held-out part; None where there is none."""
        inputs, targets = self.held_part
        if not len(inputs):
            return None
        self.network.eval()
        with torch.inference_mode():
            logits = torch.cat([answer(part) for part in inputs.split(self.judged_at_once)])
            loss = F.cross_entropy(logits, targets)
        return _Validation(float(loss), targets.cpu().numpy(), logits.argmax(1).cpu().numpy())

    def _snapshot(self, epoch: int, held: _Validation | None) -> Model:
        """Copy the network as it is now into a model."""
        weights = {name: value.detach().cpu().clone() for name, value in self.network.state_dict().items()}
        truth, predicted = (held.truth, held.predicted) if held else (np.empty(0, np.intp), np.empty(0, np.intp))
        return self.material.model(weights, self.material.held_out(truth, predicted), (), epoch, self.config)


def _take_over(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Begin with the weights of another model; where there are more classes now, the new ones keep what was drawn."""
    with torch.no_grad():
        for name, parameter in network.state_dict().items():
            parameter[tuple(slice(size) for size in weights[name].shape)] = weights[name]


@dataclass(frozen=True, eq=False)
class _Validation:
    """Outcome of one look at the held-out part."""

    loss: float
    truth: NDArray[np.intp]
    predicted: NDArray[np.intp]

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(np.mean(self.truth == self.predicted))
