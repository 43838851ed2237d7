"""The Train page: settings, start and stop, what the network learns while it learns it, and the model as a file."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qtpy.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QPushButton, QVBoxLayout

from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.panel import Link, Panel
from napari_ghosthunter.plugin.mapper.shares import earlier_labels_text
from napari_ghosthunter.plugin.mapper.training.curves import Curves
from napari_ghosthunter.plugin.mapper.training.device_box import DeviceBox
from napari_ghosthunter.plugin.mapper.training.model_files import ModelFiles
from napari_ghosthunter.plugin.mapper.training.preview import Preview
from napari_ghosthunter.plugin.mapper.training.train_progress import Progress
from napari_ghosthunter.plugin.mapper.training.train_settings import Settings
from napari_ghosthunter.plugin.mapper.training.training import Training
from napari_ghosthunter.session.session import Session

TRAIN, STOP = "Train", "Stop"
TRAIN_HELP = "Learn from the labelled points; it takes seconds or minutes, as the network says"
STALE = "The map that is shown is of an earlier model, until the scan is mapped again."
STOP_HELP = "End the training now, and keep the best model so far"


class TrainPage(Panel):
    """Starts, shows and stops the training of the session.

    Parameters
    ----------
    desk
        The desk.
    training
        Its training.
    preview
        The preview of the map, which is switched on and off here.
    """

    title = "Train"

    def __init__(self, desk: Desk, training: Training, preview: Preview) -> None:
        super().__init__(desk)
        self.training = training
        self.settings = Settings(desk)
        self.device_box = DeviceBox()
        self.train_button = QPushButton(TRAIN)
        self.train_button.clicked.connect(self._start_or_stop)
        self.preview_box = QCheckBox("Preview map while training")
        self.preview_box.setToolTip("A coarse map with the best model so far; it takes under a tenth of the time")
        self.preview_box.setChecked(preview.wanted)
        self.preview_box.toggled.connect(lambda on: setattr(preview, "wanted", on))
        self.progress, self.stale = Progress(training), QLabel(STALE)
        self.stale.setWordWrap(True)
        self.curves = Curves()
        self.files = ModelFiles(desk)
        training.changed.connect(self._follow)
        training.changed.connect(self._tell_error)
        training.reported.connect(self._show_model)
        self._lay_out()
        self._turn(desk.session)

    @property
    def device(self) -> str:
        """The device that is chosen: 'auto', 'cpu', 'cuda' or 'mps'."""
        return self.device_box.device

    def needs(self, session: Session | None) -> str:
        """Say what is missing for a training."""
        return super().needs(session) if session is None else session.training.needs

    def links(self, session: Session) -> Iterable[Link]:
        """Hear of labels, settings and models."""
        return (
            (session.labels.changed, self._follow_labels),
            (session.choices_changed, self._show_choices),
            (session.training.changed, self._show_model),
            (session.segmentation.changed, self._map_came),
        )

    def refresh(self) -> None:
        """Show the settings and the model of the session."""
        self._show_choices()
        self._follow()

    def update_needs(self, *_: object) -> None:
        """Say what is missing; a model can be opened all the same, and what runs can be stopped."""
        missing = "" if self.training.running else self.needs(self.session)
        self.needs_label.setText(missing)
        self.needs_label.setVisible(bool(missing))
        self.body.setEnabled(self.session is not None)
        self.train_button.setEnabled(not missing and not self.training.stopping)

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Find out about GPUs when the page is seen first."""
        super().showEvent(event)
        self.device_box.look()

    # ---- inside ----

    def _start_or_stop(self) -> None:
        if self.training.running:
            self.training.stop()
        else:
            self.settings.commit()
            self.training.start(self.device)

    def _show_choices(self) -> None:
        """Show the settings of the session; a fit is over before a map could be previewed."""
        self.settings.show_session()
        self.preview_box.setVisible(self.session is None or not self.session.training_config.fitted)

    def _follow(self) -> None:
        """Show whether a training runs."""
        running = self.training.running
        self.train_button.setText(STOP if running else TRAIN)
        self.train_button.setToolTip(STOP_HELP if running else TRAIN_HELP)
        self.settings.set_fixed(running)
        self.device_box.setEnabled(not running)
        self.update_needs()
        self._show_model()

    def _tell_error(self) -> None:
        """Say why the latest training failed, also where it was not waited for; nothing while another one runs."""
        if self.training.error or self.training.running:
            self.error.say(self.training.error)

    def _show_model(self, *_: object) -> None:
        session, fresh = self.session, self.training.running and self.training.report is None
        model = None if session is None or fresh else session.model  # a new training has nothing to show yet
        if model is None:
            self.curves.show_history((), None)
        elif model.record.config.fitted:
            self.curves.show_history(model.record.history, None, "Step")
        else:
            self.curves.show_history(model.record.history, model.record.best_epoch)
        self.progress.refresh(model, self._about_labels())
        self.files.refresh(self.training.running)
        stale = session is not None and model is not None and not self.training.running and _is_stale(session)
        self.stale.setVisible(stale)

    def _follow_labels(self, *_: object) -> None:
        """Say what is missing, and which labels the figures are of."""
        self.update_needs()
        self.progress.refresh(None if self.session is None else self.session.model, self._about_labels())

    def _about_labels(self) -> str:
        return "" if self.session is None or self.training.running else earlier_labels_text(self.session)

    def _map_came(self, *_: object) -> None:
        """Know of new rows of the map without making it whole for that: they are of the model of now."""
        self.stale.hide()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.device_box, 3)
        row.addWidget(self.train_button, 2)
        self.settings.row.addWidget(self.preview_box)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.settings)
        column.addLayout(row)
        column.addWidget(self.progress)
        column.addWidget(self.stale)
        column.addWidget(self.curves, 1)
        column.addWidget(self.files)


def _is_stale(session: Session) -> bool:
    """Whether there is a map, and another model made it."""
    return session.domain_map is not None and not session.segmentation.is_current
