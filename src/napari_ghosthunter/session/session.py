"""One sitting at one scan: what is labelled, trained and mapped, for any view to show, and kept on disk as it happens.

No window is known here. What a user does is one method each; what a view must redraw it hears from four signals; what
takes time is a run (see `runs`) that may go in another thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_ghosthunter.errors import ClusterError, ModelError, OutputError
from napari_ghosthunter.labelling.edits import Edit, How, RenameClass, singles
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.mapping.connections import file_needs
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.earlier import Earlier, earlier_of
from napari_ghosthunter.session.journal import Header
from napari_ghosthunter.session.labelling import Labelling, points_for_all
from napari_ghosthunter.session.live import Live
from napari_ghosthunter.session.renames import Renames
from napari_ghosthunter.session.runs import SegmentationRun, TrainingRun
from napari_ghosthunter.session.sitting import Sitting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from napari_ghosthunter.learning.config import PatternConfig
    from napari_ghosthunter.learning.model import Epoch, Model
    from napari_ghosthunter.learning.report import EpochReport
    from napari_ghosthunter.mapping.domains import DomainMap
    from napari_ghosthunter.mapping.segmentation import RowBand
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
    model_changed()
        There is another model, or its history grew by an epoch.
    map_changed(start, stop)
        The rows start..stop of the map are new. A new map begins with start 0; its later rows have no data yet.
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
    live
        The map that follows every label, before and besides any model.

    Raises
    ------
    LabelError
        If the labels are of a scan of another shape.
    """

    choices_changed = Signal()
    model_changed = Signal()
    map_changed = Signal(int, int)
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
        self._model, self._map = earlier.model, earlier.domain_map
        self._model_before = earlier.model_before
        self._training: TrainingRun | None = None  # the latest run of each kind; what older ones bring is dropped
        self._segmentation: SegmentationRun | None = None
        self._reported: TrainingRun | None = None  # the latest training whose model was taken over
        self._kept = earlier.model  # the model that is on disk, but for one that a bundle brought
        self._kept_before = earlier.model_before  # the same for the one set aside
        self._shown: tuple[SegmentationRun, RowBand] | None = None  # what the map is yet to be made of
        self._hashed: tuple[Mapping[str, Tensor], str] | None = None  # weights and the hash of their model
        self._model_renames, self._renames_before, self._map_renames = (
            Renames(earlier.renames.get(_hash_of(made))) if earlier.renames else Renames()
            for made in (self._model, self._model_before, self._map)
        )
        self._keeping = threading.Lock()  # runs keep their results in their own threads
        self.live = Live(self)
        if sitting is not None:
            self.labels.recorder = self._record

    def __repr__(self) -> str:
        """Say what it is of, and what there is."""
        model = "a model" if self._model is not None else "no model"
        mapped = "a map" if self._map is not None or self._shown is not None else "no map"
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
        return cls(scan, state.labels, sitting, earlier_of(sitting, state))

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
        self.stop_training()
        self.stop_segmenting()
        self.live.forget()
        with self._keeping:
            self._training = self._segmentation = None  # what they still bring comes too late
            if self._sitting is None or self._sitting.closed:
                return
            try:
                if self._model is not None and self._model is not self._kept:
                    self._keep_models(self._model, self._model_before)
            finally:
                self._sitting.close()

    def _follow(self, edit: Edit, how: How) -> None:
        """Follow the classes of models and map, too, when they are renamed."""
        runs = [run.renames for run in (self._training, self._segmentation) if run is not None]
        for renames in {self._model_renames, self._renames_before, self._map_renames, *runs}:
            for single in singles(edit):
                if isinstance(single, RenameClass):
                    renames.follow(single)
        if any(isinstance(single, RenameClass) for single in singles(edit)):
            self._keep_renames()
        super()._follow(edit, how)

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

    # ---- training ----

    @property
    def model(self) -> Model | None:
        """The model; while it trains, the best so far."""
        return self._model

    @property
    def model_before(self) -> Model | None:
        """The model from just before the latest training that brought a report; None if there was none."""
        return self._model_before

    @property
    def model_renames(self) -> Renames:
        """What the classes of the model are called by now."""
        return self._model_renames

    @property
    def history(self) -> tuple[Epoch, ...]:
        """Figures of each epoch of the training that the model comes from, up to now."""
        return self._model.record.history if self._model else ()

    @property
    def training_needs(self) -> str:
        """What is missing for training, as a sentence for the user; empty if nothing is."""
        labelled = [name for name, count in self.labels.counts().items() if count]
        if len(labelled) >= 2:
            return ""
        have = f"only '{labelled[0]}' has some" if labelled else "there are none yet"
        return f"Training needs labels of at least two classes; {have}."

    def start_training(self, device: str = "auto") -> TrainingRun:
        """Begin a training on the labels as they are now; it stops the one before it, if that still runs.

        Iterate over the run, in any thread, and hand each report to `take_report` in the thread of the session. The
        model of now becomes `model_before` with the first report; a run that brings none changes nothing.
        """
        self.stop_training()
        self._training = TrainingRun(
            self.scan, self.labels, self.training_config, self._pattern_config, device, self._keep_trained,
            self._mark_training,
        )  # fmt: skip
        return self._training

    def take_report(self, run: TrainingRun, report: EpochReport) -> bool:
        """Take over the model and the history of a report; false, and nothing changes, if a newer run was begun."""
        if run is not self._training:
            return False
        if run is not self._reported:
            with self._keeping:  # its thread must not take the new model for the one of before
                if self._model is not None:
                    self._renames_before = self._model_renames
                self._model_renames = run.renames
                self._model_before, self._reported, self._model = self._before(run), run, report.model
        self._set_model(report.model)
        return True

    def train(self, device: str = "auto") -> Iterator[EpochReport]:
        """Train in this thread, and take over each report before it is given.

        Raises
        ------
        GhostHunterError
            With the first step, what `learning.training.train` raises.
        """
        run = self.start_training(device)
        for report in run:
            if not self.take_report(run, report):
                return
            yield report

    def stop_training(self) -> None:
        """Let the training end after this epoch, with the best model until then."""
        if self._training is not None:
            self._training.stop()

    def use_model(self, model: Model) -> None:
        """Use a model from elsewhere, such as a file; a training that runs is stopped and its model dropped."""
        self.stop_training()
        with self._keeping:
            self._training = None
            if self._sitting is not None:
                self._keep_models(model, self._model_before)
        self._model_renames = Renames()
        self._set_model(model)

    def go_back(self) -> Model:
        """Swap `model` and `model_before`, also on disk, and give the model of now; a second call undoes the first.

        A training that runs is stopped, and what it still brings is dropped.

        Raises
        ------
        ModelError
            If there is no model from before a training.
        OutputError
            If the models cannot be kept; they are as they were then.
        """
        if self._model_before is None:
            raise ModelError("There is no model from before a training to go back to.")
        self.stop_training()
        with self._keeping:
            self._training = None
            model, before = self._model_before, self._model
            if self._sitting is not None:
                self._kept = self._kept_before = None  # if it fails, nobody knows what is on disk
                self._sitting.swap_models(model, before)
                self._kept, self._kept_before = model, before
            self._model_before = before
        self._model_renames, self._renames_before = self._renames_before, self._model_renames
        self._set_model(model)
        return model

    # ---- the map ----

    @property
    def domain_map(self) -> DomainMap | None:
        """The map; rows that were not computed (yet) have no data."""
        if self._shown is not None:
            run, band = self._shown
            self._map, self._shown = run.map_until(band), None
        return self._map

    @property
    def map_renames(self) -> Renames:
        """What the classes of the map are called by now."""
        return self._map_renames

    @property
    def map_is_current(self) -> bool:
        """Whether there is a map, and the model of now made it."""
        if self._model is None or self.domain_map is None:
            return False
        if self._hashed is None or self._hashed[0] is not self._model.weights:
            self._hashed = self._model.weights, self._model.hash
        return bool(self.domain_map.provenance.get("model_hash") == self._hashed[1])

    @property
    def segmentation_needs(self) -> str:
        """What is missing for a map, as a sentence for the user; empty if nothing is."""
        return "" if self._model else "A map needs a model; train one, or open one from a file."

    def start_segmenting(
        self, device: str = "auto", *, scheduler: str = "", tell: Callable[[str], object] | None = None
    ) -> SegmentationRun:
        """Begin a map with the model as it is now; it stops the one before it, if that still runs.

        Iterate over the run, in any thread, and hand each band to `take_band` in the thread of the session. The map of
        before stays until the first band comes.

        Parameters
        ----------
        device
            'auto', 'cpu', 'cuda' or 'mps'.
        scheduler
            Address of a Dask scheduler to compute on, as in 'tcp://host:8786'; by default it is this machine.
        tell
            Called with what else would be a warning of the cluster, in the thread of the run.

        Raises
        ------
        ModelError
            If there is no model.
        ClusterError
            If the workers of a cluster cannot open the scan, because it came from no file.
        """
        if self._model is None:
            raise ModelError(self.segmentation_needs)
        needs = file_needs(self.scan) if scheduler else ""
        if needs:
            raise ClusterError(needs)
        self.stop_segmenting()
        self._segmentation = SegmentationRun(self.scan, self._model, device, self._keep_mapped, scheduler, tell)
        self._segmentation.renames = self._model_renames
        return self._segmentation

    def take_band(self, run: SegmentationRun, band: RowBand) -> bool:
        """Take over a band of finished rows; false, and nothing changes, if a newer run was begun."""
        if run is not self._segmentation:
            return False
        self._shown, self._map_renames = (run, band), run.renames
        self.map_changed.emit(band.start, band.stop)
        return True

    def segment(self, device: str = "auto", *, scheduler: str = "") -> Iterator[RowBand]:
        """Map the scan in this thread, and take over each band before it is given; see `start_segmenting`.

        Raises
        ------
        GhostHunterError
            With the first step: what `start_segmenting` and `mapping.segmentation.segment_rows` raise, and ClusterError
            if the cluster fails.
        """
        run = self.start_segmenting(device, scheduler=scheduler)
        for band in run:
            if not self.take_band(run, band):
                return
            yield band

    def stop_segmenting(self) -> None:
        """Let the map end with the rows that are computed; the others have no data."""
        if self._segmentation is not None:
            self._segmentation.stop()

    # ---- on disk ----

    def _set_model(self, model: Model) -> None:
        self._model = model
        self.model_changed.emit()

    def _record(self, edit: Edit, how: How) -> None:
        """Put an edit on disk; with the first one, also the results that the session began with."""
        assert self._sitting is not None  # else nobody asks
        if self._sitting.begin():
            with self._keeping:
                if self._model is not None:
                    self._sitting.keep_model(self._model)
                if self._model_before is not None:
                    self._sitting.keep_model_before(self._model_before)
                if self.domain_map is not None:
                    self._sitting.keep_map(self.domain_map)
            if self._sitting.others_open():
                self.noted.emit(ALSO_OPEN)
        self._sitting.record(edit, how)  # last: what is in the journal must not fail any more

    def _keep_renames(self) -> None:
        """Let a later sitting call the classes of models and map as they are called now."""
        if self._sitting is None or self._sitting.closed:
            return
        made = {
            _hash_of(self._model_before): self._renames_before,
            _hash_of(self.domain_map): self._map_renames,
            _hash_of(self._model): self._model_renames,
        }
        with suppress(OutputError):  # the labels have their new name; only a picture may go on with an old one
            self._sitting.keep_renames({known: renames.now for known, renames in made.items() if known})

    def _mark_training(self, run: TrainingRun, underway: bool) -> None:
        with self._keeping:
            latest = self._training in ((run,) if underway else (run, None))  # None: its model was dropped
            if latest and self._sitting is not None and not self._sitting.closed:
                self._sitting.mark_training(underway)

    def _keep_trained(self, run: TrainingRun, model: Model) -> None:
        with self._keeping:
            if run is self._training and self._sitting is not None and not self._sitting.closed:
                self._keep_models(model, self._before(run))

    def _before(self, run: TrainingRun) -> Model | None:
        """Give the model from before a run that is the latest; hold `_keeping`."""
        if run is self._reported:
            return self._model_before
        return self._model or self._model_before  # without a model, there is no reason to drop the one set aside

    def _keep_models(self, model: Model, before: Model | None) -> None:
        """Write the model, but first the one of before: its only file may be the one replaced. Hold `_keeping`."""
        assert self._sitting is not None  # else nobody asks
        if model is self._kept_before and before is not model:  # a run set it aside, but its reports were dropped
            self._sitting.swap_models(model, before)
        else:
            if before is not self._kept_before:
                self._sitting.keep_model_before(before)
            self._sitting.keep_model(model)
        self._kept, self._kept_before = model, before

    def _keep_mapped(self, run: SegmentationRun, domain_map: DomainMap) -> None:
        with self._keeping:
            if run is self._segmentation and self._sitting is not None and not self._sitting.closed:
                self._sitting.keep_map(domain_map)


def _hash_of(made: Model | DomainMap | None) -> str:
    """Give the hash of a model, or of the one that made a map; nothing where there is none."""
    if made is None:
        return ""
    return str(getattr(made, "hash", "") or getattr(made, "provenance", {}).get("model_hash", ""))
