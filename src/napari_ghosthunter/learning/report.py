"""What one step of a training brought, for whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass

from napari_ghosthunter.learning.model import Epoch, Model


@dataclass(frozen=True)
class EpochReport:
    """What one epoch brought.

    Attributes
    ----------
    figures
        Losses, accuracies, learning rate and time of this epoch.
    epochs
        Epochs that were planned; a network that is fitted rather than taught may need fewer.
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
        record = self.model.record
        best = "" if record.config.fitted else f"; best so far epoch {record.best_epoch}"
        return f"EpochReport({self.progress}: loss {self.figures.train_loss:.3f}{judged}{best})"

    @property
    def progress(self) -> str:
        """Say where the training is: 'epoch 3 of 400', or 'step 3' of a fit, which ends when it has converged."""
        if self.model.record.config.fitted:
            return f"step {self.figures.epoch}"
        return f"epoch {self.figures.epoch} of {self.epochs}"

    @property
    def seconds_left(self) -> float:
        """Time that the rest will take at the pace so far."""
        return self.figures.seconds / self.figures.epoch * (self.epochs - self.figures.epoch)
