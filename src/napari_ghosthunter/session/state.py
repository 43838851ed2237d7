"""What the parts of a session need of the whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from psygnal import SignalInstance

    from napari_ghosthunter.labelling.labels import LabelSet
    from napari_ghosthunter.labelling.proposal import Round
    from napari_ghosthunter.labelling.uncertain import Values
    from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
    from napari_ghosthunter.scan.scan import Scan


class SessionState(Protocol):
    """The scan, the labels and the choices that the models, the map and the live map of a `Session` follow."""

    labels: LabelSet
    scan: Scan

    @property
    def training_config(self) -> TrainingConfig:
        """How to train."""
        ...

    @property
    def pattern_config(self) -> PatternConfig:
        """How patterns become network input."""
        ...

    @property
    def choices_changed(self) -> SignalInstance:
        """Tells that one of the two was chosen anew."""
        ...

    def propose_uncertain(
        self, probabilities: ArrayLike, count: int, min_distance: float, contrast: Values | None = None
    ) -> Round:
        """Add points where a map can least decide."""
        ...
