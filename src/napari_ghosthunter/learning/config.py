"""Every choice of a training run in one place, for the form, the model file and the algorithm.

`PatternConfig` says how a pattern becomes a network input, `TrainingConfig` how the network learns from it.
"""

from __future__ import annotations

from math import exp, log
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from napari_ghosthunter.learning.offered import DEFAULT_NETWORK, FITTED, NETWORK_HELP

Symmetry = Literal["rot90", "rot180", "rot270", "flip_y", "flip_x", "transpose"]

SMALLEST_INPUT = 16  # three halvings of the network leave 2 x 2
LARGEST_INPUT = 512
TAUGHT: JsonDict = {"taught": True}  # means something only for a network that is taught, epoch by epoch


class PatternConfig(BaseModel):
    """How a diffraction pattern becomes a network input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pool: Literal["none", "mean", "max"] = Field(
        "none", title="Pooling", description="Replace each pattern by the mean or maximum over its neighbours."
    )
    pool_size: Literal[1, 3, 5] = Field(
        3, title="Pooling size", description="Side of the square of probe positions that mean or maximum go over."
    )
    size: int = Field(
        64, ge=SMALLEST_INPUT, le=LARGEST_INPUT, multiple_of=8, title="Input size",
        description="Patterns are binned to this many pixels a side (the paper: 128); smaller detectors keep their own "
        "size. Larger shows finer disks, smaller has less noise.",
    )  # fmt: skip
    crop: float = Field(1.0, gt=0.1, le=1, title="Crop", description="Share of each side of the detector that is used.")
    centre: Literal["detector", "beam"] = Field(
        "beam", title="Centre of the crop", description="The middle of the detector, or the direct beam of each scan."
    )
    clip_hot: bool = Field(
        True, title="Clip hot pixels", description="Bring lone bright pixels down to their brightest neighbour."
    )
    scaling: Literal["log", "sqrt", "linear"] = Field(
        "log", title="Intensity scaling", description="Logarithm and square root lift faint disks into view."
    )
    log_floor: float = Field(
        0.05, gt=0, le=100, title="Log floor",
        description="Intensity, as a share of the pattern's mean, below which the logarithm turns linear.",
    )  # fmt: skip
    contrast_window: float = Field(
        0.25, ge=0, le=1, title="Local contrast",
        description="Compare each pixel with a window around it, of this share of the pattern's side; 0 does not. "
        "Takes away what thickness, tilt and diffuse scattering do to whole regions of a pattern.",
    )  # fmt: skip
    align: bool = Field(
        True, title="Align patterns", description="Lay each pattern on the mean pattern of the training scan."
    )

    @property
    def reach(self) -> int:
        """How many probe positions away a pattern still counts; 0 without pooling."""
        return 0 if self.pool == "none" else self.pool_size // 2


class TrainingConfig(BaseModel):
    """How to train. What only `ghosthunter` knows is the paper's by default, but for the augmentation.

    A network is either taught epoch by epoch, or fitted to all labels at once, as `swift` is: then an epoch is a step
    of the fit, and most of the choices mean nothing (`matters`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    network: str = Field(
        DEFAULT_NETWORK, title="Network",
        description=f"What learns. {'; '.join(f'{name}: {words}' for name, words in NETWORK_HELP.items())}.",
        json_schema_extra={"choices": dict(NETWORK_HELP)},
    )  # fmt: skip
    epochs: int | None = Field(
        None, ge=1, le=100_000, title="Epochs",
        description="Passes over the labels with ghosthunter, by default 400 for 50 labels or fewer, down to 100 for "
        "1,000; with swift, steps of a fit that ends by itself, by default within 100.",
    )  # fmt: skip
    seed: int = Field(
        0, ge=0, lt=2**63, title="Seed", description="The same seed gives the same model on a CPU.",
        json_schema_extra=TAUGHT,
    )  # fmt: skip
    batch_size: int = Field(
        8, ge=1, le=4096, title="Batch size", description="Patterns per step.", json_schema_extra=TAUGHT
    )
    learning_rate: float = Field(
        4e-4, gt=0, le=1, title="Learning rate", description="First step size of AdamW.", json_schema_extra=TAUGHT
    )
    min_learning_rate: float = Field(
        3e-5, gt=0, le=1, title="Lowest learning rate", description="Where it stops.", json_schema_extra=TAUGHT
    )
    weight_decay: float = Field(
        2e-3, ge=0, le=1, title="Weight decay", description="Pull of the weights to zero.", json_schema_extra=TAUGHT
    )
    plateau_factor: float = Field(
        0.5, gt=0, lt=1, title="Plateau factor", description="Step down on a plateau.", json_schema_extra=TAUGHT
    )
    plateau_patience: int = Field(
        200, ge=0, title="Plateau patience", description="Steps without a lower validation loss before that.",
        json_schema_extra=TAUGHT,
    )  # fmt: skip
    validation_share: float = Field(
        0.2, ge=0, le=0.5, title="Held-out share", description="Share of the labels kept back to choose the epoch.",
        json_schema_extra=TAUGHT,
    )  # fmt: skip
    shift: float | None = Field(
        None, ge=0, le=0.25, title="Shift", json_schema_extra=TAUGHT,
        description="Largest random shift of a pattern, as a share of its side; by default a pixel where patterns are "
        "aligned, else twice as far as the pattern centre is seen to wander in the scan.",
    )  # fmt: skip
    symmetries: dict[Symmetry, dict[str, str]] = Field(
        default_factory=dict, title="Symmetries",
        description="Turned and mirrored copies to learn from, each with the class that every class becomes.",
    )  # fmt: skip

    def __hash__(self) -> int:
        return hash(self.model_dump_json(exclude={"symmetries"}))  # which is a dict, of no order

    @property
    def fitted(self) -> bool:
        """Whether the network is fitted to all labels at once, and not taught."""
        return self.network in FITTED

    def matters(self, name: str) -> bool:
        """Whether a choice means anything for the network that is chosen."""
        return not (self.fitted and type(self).model_fields[name].json_schema_extra == TAUGHT)

    def epochs_for(self, labels: int) -> int:
        """Epochs to run for that many labels: falling with their logarithm from 400 at 50 to 100 at 1,000."""
        if self.epochs is not None:
            return self.epochs
        decades = log(min(max(labels, 50), 1000) / 50) / log(1000 / 50)  # 0 at 50 labels, 1 at 1,000
        return round(400 * exp(-decades * log(4)))
