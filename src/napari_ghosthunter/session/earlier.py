"""What a session may begin with beside its labels: the choices and results of an earlier sitting, or of a bundle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.session.renames import Renames, known_by

if TYPE_CHECKING:
    from napari_ghosthunter.learning.config import PatternConfig
    from napari_ghosthunter.learning.model import Model
    from napari_ghosthunter.mapping.domains import DomainMap
    from napari_ghosthunter.session.replay import Replayed
    from napari_ghosthunter.session.results import Results


@dataclass(frozen=True)
class Earlier:
    """Choices and results to begin with; None for what there is not.

    Attributes
    ----------
    training, patterns
        How to train.
    model, domain_map
        The last model and the last map.
    notes
        What the user should be told, one sentence or two each.
    model_before
        The model from before the last training.
    renames
        What the classes of models and map are called since, by the hash of the model.
    """

    training: TrainingConfig | None = None
    patterns: PatternConfig | None = None
    model: Model | None = None
    domain_map: DomainMap | None = None
    notes: tuple[str, ...] = ()
    model_before: Model | None = None
    renames: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def renames_of(self, made: Model | DomainMap | None) -> Renames:
        """Give what follows the classes of a model or a map from where it was left."""
        return Renames(self.renames.get(known_by(made))) if self.renames else Renames()


def earlier_of(results: Results, state: Replayed) -> Earlier:
    """Gather what a sitting kept; what cannot be read is left out, and said in the notes."""
    notes = list(state.notes)
    model = model_before = domain_map = None
    try:
        model = results.load_model()
    except GhostHunterError as error:
        notes.append(f"The model of this sitting cannot be read; train again. ({error})")
    try:
        model_before = results.load_model_before()
    except GhostHunterError as error:
        notes.append(f"The model from before the last training of this sitting cannot be read. ({error})")
    try:
        domain_map = results.load_map()
        if domain_map is not None and domain_map.scan_shape != state.labels.scan_shape:
            domain_map = None
            notes.append("The map of this sitting does not fit the scan; map it again.")
    except GhostHunterError as error:
        notes.append(f"The map of this sitting cannot be read; map the scan again. ({error})")
    training, patterns = chosen(state.training, state.patterns, notes)
    return Earlier(training, patterns, model, domain_map, tuple(notes), model_before, results.load_renames())


def chosen(
    training: dict[str, Any] | None, patterns: dict[str, Any] | None, notes: list[str]
) -> tuple[TrainingConfig | None, PatternConfig | None]:
    """Read configurations that were chosen; one that cannot be read is left out, and said in the notes."""
    first: TrainingConfig | None = None
    second: PatternConfig | None = None
    try:
        if training is not None:
            first = TrainingConfig.model_validate(training)
        if patterns is not None:
            from napari_ghosthunter.learning.config import PatternConfig

            second = PatternConfig.model_validate(patterns)
    except ValidationError:
        notes.append("Some of the training settings cannot be read; the defaults are used instead.")
    return first, second
