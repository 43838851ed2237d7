"""The models of a session: that of now, the one from before, and the training that brings the next.

Both models are kept on disk, also by the thread of a training: what it has reached is there before its report is taken.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_ghosthunter.errors import ModelError
from napari_ghosthunter.session.earlier import Earlier
from napari_ghosthunter.session.renames import Renames
from napari_ghosthunter.session.runs import TrainingRun

if TYPE_CHECKING:
    from napari_ghosthunter.learning.model import Epoch, Model
    from napari_ghosthunter.learning.report import EpochReport
    from napari_ghosthunter.session.sitting import Sitting
    from napari_ghosthunter.session.state import SessionState


class Training:
    """The models of a session. Use it in the session's thread.

    Signals
    -------
    changed()
        There is another model, or its history grew by an epoch.

    Parameters
    ----------
    session
        Whose labels and choices it trains with.
    sitting
        Where the models are kept on disk; nowhere by default.
    earlier
        The models to begin with.

    Attributes
    ----------
    renames
        What the classes of the model are called by now.
    renames_before
        The same for the model from before.
    """

    changed = Signal()

    def __init__(self, session: SessionState, sitting: Sitting | None, earlier: Earlier) -> None:
        self._session, self._sitting = session, sitting
        self._model, self._before = earlier.model, earlier.model_before
        self.renames, self.renames_before = earlier.renames_of(self._model), earlier.renames_of(self._before)
        self._run: TrainingRun | None = None  # the latest; what older ones bring is dropped
        self._reported: TrainingRun | None = None  # the latest whose model was taken over
        self._kept = earlier.model  # the model that is on disk, but for one that a bundle brought
        self._kept_before = earlier.model_before  # the same for the one set aside
        self._keeping = threading.Lock()  # runs keep their models in their own threads

    @property
    def model(self) -> Model | None:
        """The model; while it trains, the best so far."""
        return self._model

    @property
    def model_before(self) -> Model | None:
        """The model from just before the latest training that brought a report; None if there was none."""
        return self._before

    @property
    def history(self) -> tuple[Epoch, ...]:
        """Figures of each epoch of the training that the model comes from, up to now."""
        return self._model.record.history if self._model else ()

    @property
    def needs(self) -> str:
        """What is missing for training, as a sentence for the user; empty if nothing is."""
        labelled = [name for name, count in self._session.labels.counts().items() if count]
        if len(labelled) >= 2:
            return ""
        have = f"only '{labelled[0]}' has some" if labelled else "there are none yet"
        return f"Training needs labels of at least two classes; {have}."

    @property
    def followed(self) -> set[Renames]:
        """What follows the names of classes: of both models, and of the one that is on its way."""
        return {self.renames, self.renames_before} | (set() if self._run is None else {self._run.renames})

    # ---- runs ----

    def start(self, device: str = "auto") -> TrainingRun:
        """Begin a training on the labels as they are now; it stops the one before it, if that still runs.

        Iterate over the run, in any thread, and hand each report to `take` in the thread of the session. The model of
        now becomes the one from before with the first report; a run that brings none changes nothing.
        """
        self.stop()
        session = self._session
        self._run = TrainingRun(
            session.scan, session.labels, session.training_config, session.pattern_config, device, self._keep_reached,
            self._mark,
        )  # fmt: skip
        return self._run

    def take(self, run: TrainingRun, report: EpochReport) -> bool:
        """Take over the model and the history of a report; false, and nothing changes, if a newer run was begun."""
        if run is not self._run:
            return False
        if run is not self._reported:
            with self._keeping:  # its thread must not take the new model for the one of before
                if self._model is not None:
                    self.renames_before = self.renames
                self.renames = run.renames
                self._before, self._reported, self._model = self._before_run(run), run, report.model
        self._set_model(report.model)
        return True

    def run(self, device: str = "auto") -> Iterator[EpochReport]:
        """Train in this thread, and take over each report before it is given.

        Raises
        ------
        GhostHunterError
            With the first step, what `learning.training.train` raises.
        """
        run = self.start(device)
        for report in run:
            if not self.take(run, report):
                return
            yield report

    def stop(self) -> None:
        """Let the training end after this epoch, with the best model until then."""
        if self._run is not None:
            self._run.stop()

    # ---- other models ----

    def use_model(self, model: Model) -> None:
        """Use a model from elsewhere, such as a file; a training that runs is stopped and its model dropped."""
        self.stop()
        with self._keeping:
            self._run = None
            if self._sitting is not None:
                self._keep(self._sitting, model, self._before)
        self.renames = Renames()
        self._set_model(model)

    def go_back(self) -> Model:
        """Swap the models of now and before, also on disk, and give that of now; a second call undoes the first.

        A training that runs is stopped, and what it still brings is dropped.

        Raises
        ------
        ModelError
            If there is no model from before a training.
        OutputError
            If the models cannot be kept; they are as they were then.
        """
        if self._before is None:
            raise ModelError("There is no model from before a training to go back to.")
        self.stop()
        with self._keeping:
            self._run = None
            model, before = self._before, self._model
            if self._sitting is not None:
                self._kept = self._kept_before = None  # if it fails, nobody knows what is on disk
                self._sitting.results.swap_models(model, before)
                self._kept, self._kept_before = model, before
            self._before = before
        self.renames, self.renames_before = self.renames_before, self.renames
        self._set_model(model)
        return model

    def _set_model(self, model: Model) -> None:
        self._model = model
        self.changed.emit()

    # ---- on disk ----

    def keep_first(self, sitting: Sitting) -> None:
        """Write the models that the session began with, into a sitting that has only just begun."""
        with self._keeping:
            if self._model is not None:
                sitting.results.keep_model(self._model)
            if self._before is not None:
                sitting.results.keep_model_before(self._before)

    def close(self) -> None:
        """Stop the training, and write the model unless that is on disk already; what a run still brings is dropped."""
        self.stop()
        with self._keeping:
            self._run = None
            sitting = self._open_sitting()
            if sitting is not None and self._model is not None and self._model is not self._kept:
                self._keep(sitting, self._model, self._before)

    def _mark(self, run: TrainingRun, underway: bool) -> None:
        with self._keeping:
            latest = self._run in ((run,) if underway else (run, None))  # None: its model was dropped
            sitting = self._open_sitting()
            if latest and sitting is not None:
                sitting.mark_training(underway)

    def _keep_reached(self, run: TrainingRun, model: Model) -> None:
        with self._keeping:
            sitting = self._open_sitting()
            if run is self._run and sitting is not None:
                self._keep(sitting, model, self._before_run(run))

    def _open_sitting(self) -> Sitting | None:
        return None if self._sitting is None or self._sitting.closed else self._sitting

    def _before_run(self, run: TrainingRun) -> Model | None:
        """Give the model from before a run that is the latest; hold `_keeping`."""
        if run is self._reported:
            return self._before
        return self._model or self._before  # without a model, there is no reason to drop the one set aside

    def _keep(self, sitting: Sitting, model: Model, before: Model | None) -> None:
        """Write the model, but first the one of before: its only file may be the one replaced. Hold `_keeping`."""
        if model is self._kept_before and before is not model:  # a run set it aside, but its reports were dropped
            sitting.results.swap_models(model, before)
        else:
            if before is not self._kept_before:
                sitting.results.keep_model_before(before)
            sitting.results.keep_model(model)
        self._kept, self._kept_before = model, before
