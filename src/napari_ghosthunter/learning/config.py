"""TrainingConfig: every choice of a training run in one place, for the form, the model file and the algorithm."""

from __future__ import annotations

from math import exp, log
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Symmetry = Literal["rot90", "rot180", "rot270", "flip_y", "flip_x", "transpose"]


class TrainingConfig(BaseModel):
    """How to train. The defaults are the paper's, but for the augmentation (docs/results.md says why)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str = Field("ghosthunter", title="Network", description="Which network to train.")
    epochs: int | None = Field(
        None, ge=1, le=100_000, title="Epochs",
        description="Passes over the labels; by default 400 for 50 labels or fewer, down to 100 for 1,000.",
    )  # fmt: skip
    seed: int = Field(0, ge=0, lt=2**63, title="Seed", description="The same seed gives the same model on a CPU.")
    batch_size: int = Field(8, ge=1, le=4096, title="Batch size", description="Patterns per step.")
    learning_rate: float = Field(4e-4, gt=0, le=1, title="Learning rate", description="First step size of AdamW.")
    min_learning_rate: float = Field(3e-5, gt=0, le=1, title="Lowest learning rate", description="Where it stops.")
    weight_decay: float = Field(2e-3, ge=0, le=1, title="Weight decay", description="Pull of the weights to zero.")
    plateau_factor: float = Field(0.5, gt=0, lt=1, title="Plateau factor", description="Step down on a plateau.")
    plateau_patience: int = Field(
        200, ge=0, title="Plateau patience", description="Steps without a lower validation loss before that."
    )
    validation_share: float = Field(
        0.2, ge=0, le=0.5, title="Held-out share", description="Share of the labels kept back to choose the epoch."
    )
    shift: float = Field(
        0.06, ge=0, le=0.25, title="Shift",
        description="Largest random shift of a pattern, as a share of its side: the pattern centre wanders.",
    )  # fmt: skip
    symmetries: dict[Symmetry, dict[str, str]] = Field(
        default_factory=dict, title="Symmetries",
        description="Turned and mirrored copies to learn from, each with the class that every class becomes.",
    )  # fmt: skip

    def epochs_for(self, labels: int) -> int:
        """Epochs to run for that many labels: falling with their logarithm from 400 at 50 to 100 at 1,000."""
        if self.epochs is not None:
            return self.epochs
        decades = log(min(max(labels, 50), 1000) / 50) / log(1000 / 50)  # 0 at 50 labels, 1 at 1,000
        return round(400 * exp(-decades * log(4)))
