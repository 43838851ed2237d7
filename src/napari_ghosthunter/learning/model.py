"""A trained model: weights and everything that is needed to use them again, on any scan."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, Field
from torch import Tensor, nn

from napari_ghosthunter.labelling.classes import ClassScheme, short_list
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.learning.estimate import Estimate
from napari_ghosthunter.learning.looks import recall_looks
from napari_ghosthunter.learning.network import build_network, placed
from napari_ghosthunter.learning.patterns import FittedPatterns
from napari_ghosthunter.learning.stages import Stage
from napari_ghosthunter.learning.validation import HeldOut
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.scan import Scan


class Epoch(BaseModel):
    """Figures of one epoch; the validation ones are None where no labels could be kept back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    epoch: int  # from 1
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    learning_rate: float
    seconds: float  # since the start of training


class TrainingRecord(BaseModel):
    """How a model came to be: kept in its file, so that a map can always be traced back."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: TrainingConfig
    labels_per_class: dict[str, int]
    best_epoch: int
    history: tuple[Epoch, ...]
    held_out: HeldOut
    estimate: Estimate | None = None  # how right a map of the training scan probably is; None where nothing tells
    stages: tuple[Stage, ...] = ()  # what fewer labels would have brought
    converged: bool = False  # whether a fit had no more to gain; no network that is taught ever has
    scan: dict[str, Any] = Field(default_factory=dict)  # path, shape and calibration of the training scan
    versions: dict[str, str] = Field(default_factory=dict)
    started_from: str = ""  # the hash of the model that was trained further

    @property
    def reached(self) -> str:
        """Say which state of the training the model is: 'epoch 312', or 'converged after 24 steps'."""
        if not self.config.fitted:
            return f"epoch {self.best_epoch}"
        steps = "1 step" if self.best_epoch == 1 else f"{self.best_epoch} steps"
        return f"converged after {steps}" if self.converged else f"{steps}, not yet converged"


@dataclass(frozen=True, eq=False)
class Model:
    """A trained network with its classes, its preprocessing and its history.

    A model equals itself alone; two that answer the same have the same `hash`.

    Attributes
    ----------
    classes
        The classes in the order of the network's outputs.
    network
        Name of the network.
    patterns
        Preprocessing, as fitted to the training scan.
    weights
        State of the network by parameter name, on the CPU.
    record
        How it was trained.
    path
        The file that it was read from, if any.
    """

    classes: ClassScheme
    network: str
    patterns: FittedPatterns
    weights: Mapping[str, Tensor]
    record: TrainingRecord
    path: Path | None = None

    def __repr__(self) -> str:
        """Say what it tells apart, and how well."""
        held, (k_y, k_x) = self.record.held_out, self.patterns.detector_shape
        judged = f"{held.right} of {held.count} held-out labels right" if held.count else "no labels held out"
        return (
            f"Model({self.network!r} for {short_list(self.classes.names)}; patterns of {k_y} x {k_x} pixels; "
            f"{self.parameter_count:,} parameters; {self.record.reached}: {judged})"
        )

    @property
    def hash(self) -> str:
        """SHA-256 of the weights and of all that decides what they answer, as hexadecimal digits."""
        digest = hashlib.sha256()
        for part in (self.classes, self.patterns):
            digest.update(part.model_dump_json().encode())
        digest.update(self.network.encode())
        for name in sorted(self.weights):
            digest.update(name.encode())
            digest.update(self.weights[name].contiguous().numpy().tobytes())
        return digest.hexdigest()

    @property
    def parameter_count(self) -> int:
        """Number of weights; labelled patterns that it remembers are none."""
        with torch.device("meta"):
            network = build_network(self.network, len(self.classes), self.patterns.size)
        return sum(weight.numel() for weight in network.parameters())

    def seen_in(self, scan: Scan) -> Model:
        """Give the model as it is applied to a scan, whose patterns may be turned; see `FittedPatterns.seen_in`."""
        looks = recall_looks(self.record.scan)
        own = not self.record.started_from  # else the template is of an earlier scan
        if self.patterns.template is None or (own and looks and looks.fingerprint == fingerprint(scan)):
            return self
        return replace(self, patterns=self.patterns.seen_in(scan))

    def load_network(self, device: torch.device | str = "cpu") -> nn.Module:
        """Build the network with these weights on `device`, ready to infer."""
        with torch.device("meta"):  # no weights are drawn, so torch's global generator stays as it is
            network = build_network(self.network, len(self.classes), self.patterns.size)
        network.to_empty(device=device).load_state_dict(dict(self.weights))
        return placed(network, device).eval()
