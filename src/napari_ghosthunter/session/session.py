"""One sitting at one scan: what is labelled, trained and mapped, for any view to show, and kept on disk as it happens.

No window is known here. What a user does is one method each, here or of the three parts: `training` has the models,
`segmentation` the map, `live` the map that follows every label. A view hears from signals what it must redraw; what
takes time is a run (see `runs` and `looking`) that may go in another thread.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.labelling.edits import Edit, How, RenameClass, singles
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.earlier import Earlier, earlier_of
from napari_ghosthunter.session.journal import Header
from napari_ghosthunter.session.labelling import Labelling, points_for_all
from napari_ghosthunter.session.live import Live
from napari_ghosthunter.session.renames import known_by
from napari_ghosthunter.session.segmentation import Segmentation
from napari_ghosthunter.session.sitting import Sitting
from napari_ghosthunter.session.training import Training

if TYPE_CHECKING:
    from napari_ghosthunter.learning.config import PatternConfig
    from napari_ghosthunter.learning.model import Model
    from napari_ghosthunter.mapping.domains import DomainMap
    from napari_ghosthunter.session.past import PastSitting

ALSO_OPEN = "This scan is being labelled in another window, too. Each keeps its own labels; neither sees the other's."


class Session(Labelling):
    """The state of one sitting. Use it in one thread; only the runs that it starts may go in another.

    `Session(scan)` keeps nothing on disk; `Session.start` and `Session.resume` do.

    Signals
    -------
    labels.changed(edit, how)
        A label, a class or a sample point changed; `how` is 'apply', 'undo' or 'redo'.
    current_changed(position)
        Another point, (scan_y, scan_x), is to be labelled; None for none.
    choices_changed()
        Another training or pattern configuration was chosen.
    noted(text)
        Something that the user should be told.

    Parameters
    ----------
    scan
        The scan.
    labels
        Labels, classes and sample points of this scan; none by default.
    sitting
        Where everything is kept on disk; nowhere by default.
    earlier
        Choices and results to begin with.

    Attributes
    ----------
    scan, labels
        As given. Undo and redo go over labels, classes and sample points alike.
    notes
        What the user should be told of the sitting that is gone on with; empty if all is well.
    training
        The models, and the training that brings the next; `training.changed` tells of another model.
    segmentation
        The map, and the run that brings it; `segmentation.changed` tells of rows.
    live
        The map that follows every label, before and besides any model.

    Raises
    ------
    LabelError
        If the labels are of a scan of another shape.
    """

    choices_changed = Signal()
    noted = Signal(str)

    def __init__(
        self,
        scan: Scan,
        labels: LabelSet | None = None,
        sitting: Sitting | None = None,
        earlier: Earlier | None = None,
    ) -> None:
        super().__init__(LabelSet(scan_shape=scan.scan_shape) if labels is None else labels, scan.scan_shape)
        earlier = earlier or Earlier()
        self.scan, self.notes = scan, earlier.notes
        self._sitting = sitting
        self._training_config, self._pattern_config = earlier.training, earlier.patterns
        self.training = Training(self, sitting, earlier)
        self.segmentation = Segmentation(self, self.training, sitting, earlier)
        self.live = Live(self)
        if sitting is not None:
            self.labels.recorder = self._record

    def __repr__(self) -> str:
        """Say what it is of, and what there is."""
        model = "a model" if self.model is not None else "no model"
        mapped = "a map" if self.domain_map is not None else "no map"
        return f"Session({self.scan}, {self.labels}, {model}, {mapped})"

    @classmethod
    def start(
        cls,
        scan: Scan,
        labels: LabelSet | None = None,
        earlier: Earlier | None = None,
        *,
        data_folder: Path | str | None = None,
    ) -> Session:
        """Start a sitting that is kept on disk, from the first edit on.

        Parameters
        ----------
        scan
            The scan; a few of its patterns are read.
        labels
            Classes, labels and points to begin with; they are copied.
        earlier
            Choices and results to begin with.
        data_folder
            Where sittings are kept; the user's data folder by default.

        Raises
        ------
        LabelError
            If a label lies outside the scan.
        """
        copy = points_for_all(LabelSet() if labels is None else labels, scan.scan_shape)
        earlier = earlier or Earlier()
        header = Header.of(
            fingerprint(scan),
            describe(scan),
            copy,
            training=None if earlier.training is None else earlier.training.model_dump(mode="json"),
            patterns=None if earlier.patterns is None else earlier.patterns.model_dump(mode="json"),
        )
        return cls(scan, copy, Sitting.new(header, data_folder), earlier)

    @classmethod
    def resume(cls, scan: Scan, past: PastSitting | Path | str) -> Session:
        """Go on with an earlier sitting (see `past.find_sittings`), or with the one kept in a folder.

        Labels, classes, points, choices, models and map are as they were, and so is the undo history. `notes` says what
        could not be read, if the journal was torn or damaged. With a model it imports torch, which takes seconds.

        Raises
        ------
        OtherScanError
            If the sitting was at another scan.
        SessionError
            If it is open in another window, cannot be read, or a newer version wrote it.
        OutputError
            If nothing can be written there.
        """
        folder = Path(past) if isinstance(past, Path | str) else past.folder
        sitting, state = Sitting.reopen(folder, fingerprint(scan), scan.scan_shape)
        earlier = earlier_of(sitting.results, state)
        if earlier.domain_map is not None:  # pixel sizes may be known better by now
            earlier = replace(earlier, domain_map=replace(earlier.domain_map, calibration=scan.calibration))
        return cls(scan, state.labels, sitting, earlier)

    @property
    def folder(self) -> Path | None:
        """Where this sitting is kept on disk (from the first edit on); None if it is not kept."""
        return None if self._sitting is None else self._sitting.folder

    @cached_property
    def fingerprint(self) -> str:
        """The fingerprint of the scan."""
        return fingerprint(self.scan) if self._sitting is None else self._sitting.header.fingerprint

    def close(self) -> None:
        """Stop what runs, keep the best model, and let others go on with this sitting; no edit is possible any more.

        Raises
        ------
        OutputError
            If the model cannot be kept; the session is closed all the same.
        """
        self.training.stop()
        self.segmentation.close()
        self.live.forget()
        try:
            self.training.close()
        finally:
            if self._sitting is not None and not self._sitting.closed:
                self._sitting.close()

    def _follow(self, edit: Edit, how: How) -> None:
        """Follow the classes of models and map, too, when they are renamed."""
        renamings = [single for single in singles(edit) if isinstance(single, RenameClass)]
        for renames in self.training.followed | self.segmentation.followed:
            for renaming in renamings:
                renames.follow(renaming)
        if renamings:
            self._keep_renames()
        super()._follow(edit, how)

    @property
    def model(self) -> Model | None:
        """The model; while it trains, the best so far."""
        return self.training.model

    @property
    def domain_map(self) -> DomainMap | None:
        """The map; rows that were not computed (yet) have no data."""
        return self.segmentation.domain_map

    # ---- choices ----

    @property
    def training_config(self) -> TrainingConfig:
        """How to train; what is set here is kept on disk."""
        return self._training_config or TrainingConfig()

    @training_config.setter
    def training_config(self, config: TrainingConfig) -> None:
        if config != self.training_config:
            if self._sitting is not None:
                self._sitting.record_choices(training=config.model_dump(mode="json"))
            self._training_config = config
            self.choices_changed.emit()

    @property
    def pattern_config(self) -> PatternConfig:
        """How patterns become network input; what is set here is kept on disk."""
        from napari_ghosthunter.learning.config import PatternConfig

        return self._pattern_config or PatternConfig()

    @pattern_config.setter
    def pattern_config(self, config: PatternConfig) -> None:
        if config != self.pattern_config:
            if self._sitting is not None:
                self._sitting.record_choices(patterns=config.model_dump(mode="json"))
            self._pattern_config = config
            self.choices_changed.emit()

    # ---- on disk ----

    def _record(self, edit: Edit, how: How) -> None:
        """Put an edit on disk; with the first one, also the results that the session began with."""
        assert self._sitting is not None  # else nobody asks
        if self._sitting.begin():
            self.training.keep_first(self._sitting)
            self.segmentation.keep_first(self._sitting)
            if self._sitting.others_open():
                self.noted.emit(ALSO_OPEN)
        self._sitting.record(edit, how)  # last: what is in the journal must not fail any more

    def _keep_renames(self) -> None:
        """Let a later sitting call the classes of models and map as they are called now."""
        if self._sitting is None or self._sitting.closed:
            return
        made = {
            known_by(self.training.model_before): self.training.renames_before,
            known_by(self.domain_map): self.segmentation.renames,
            known_by(self.model): self.training.renames,
        }
        with suppress(OutputError):  # the labels have their new name; only a picture may go on with an old one
            self._sitting.results.keep_renames({known: renames.now for known, renames in made.items() if known})
