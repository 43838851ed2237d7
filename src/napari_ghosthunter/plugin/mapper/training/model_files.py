"""Models from files and to files, read and written beside the window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QHBoxLayout, QPushButton, QWidget

from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.plugin.window import tell, tell_error
from napari_ghosthunter.session.session import Session

if TYPE_CHECKING:
    from napari_ghosthunter.learning.model import Model

SUFFIX = ".safetensors"
FILTER = f"Models (*{SUFFIX})"
OPEN, OPEN_HELP = "Open model…", "Use a model from a file; it takes the place of the present one"


class ModelFiles(QWidget):
    """Three buttons: open a model for the session at the desk, save the one that it has, go back to the one before.

    Signals
    -------
    went_back()
        The session uses the model from before the last training; the map is to be made again.

    Parameters
    ----------
    desk
        The desk.
    """

    went_back = Signal()

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.open_button, self.save_button = QPushButton(OPEN), QPushButton("Save model…")
        self.open_button.setToolTip(OPEN_HELP)
        self.save_button.setToolTip("Write the model to a file, to use it on other scans")
        self.back_button = QPushButton("Model before")
        self.back_button.setToolTip("Use the model from before the last training; press again to return")
        self.open_button.clicked.connect(self.ask_open)
        self.save_button.clicked.connect(self._ask_save)
        self.back_button.clicked.connect(self._go_back)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.open_button)
        row.addWidget(self.save_button)
        row.addWidget(self.back_button)
        self._background = Background()
        desk.session_changed.connect(self._leave)

    def refresh(self, busy: bool) -> None:
        """Offer what can be done now; `busy` while a training runs."""
        session = self.desk.session
        self.open_button.setEnabled(session is not None and not busy)
        self.save_button.setEnabled(session is not None and session.model is not None)
        self.back_button.setEnabled(session is not None and session.training.model_before is not None and not busy)

    def open(self, path: str) -> None:
        """Read a model, and give it to the session that asked for it."""
        session = self.desk.session
        if session is not None:
            self._background.start(lambda: _loaded(path), lambda model: self._use(session, model), tell_error)

    def save(self, path: str) -> None:
        """Write the model as it is now."""
        session = self.desk.session
        model = None if session is None else session.model
        if model is None:
            return
        target = path if Path(path).suffix else f"{path}{SUFFIX}"
        self._background.start(lambda: _saved(model, target), self._tell_saved, tell_error)

    def _tell_saved(self, where: str) -> None:
        tell(f"Saved {where}.")
        self.desk.went_well.emit()

    def _leave(self, _session: Session | None) -> None:
        """Drop what is read for the session of before."""
        self._background.stop()
        if self.desk.session is None:
            self._background.close()

    def _use(self, session: Session, model: Model) -> None:
        if session is not self.desk.session:
            return
        from napari_ghosthunter.mapping.compatibility import can_apply, compare_scans

        differences = compare_scans(model, session.scan)
        if not can_apply(model, session.scan):  # it would only take the place of one that can
            tell_error(differences[0])
            return
        for warning in differences:
            tell(warning)
        self.desk.attempt(lambda: session.training.use_model(model))

    def _go_back(self) -> None:
        session = self.desk.session
        if session is not None and self.desk.attempt(session.training.go_back) is not None:
            self.went_back.emit()

    def ask_open(self) -> None:
        """Open a model that the user chooses."""
        path, _ = QFileDialog.getOpenFileName(self, "Open model", "", FILTER)
        if path:
            self.open(path)

    def _ask_save(self) -> None:
        name = f"{self.desk.stem}{SUFFIX}" if self.desk.stem else ""
        path, _ = QFileDialog.getSaveFileName(self, "Save model", name, FILTER)
        if path:
            self.save(path)


def _loaded(path: str) -> Iterator[Model]:
    """Read; in the thread."""
    from napari_ghosthunter.learning.modelfile import load_model

    yield load_model(path)


def _saved(model: Model, path: str) -> Iterator[str]:
    """Write; in the thread."""
    from napari_ghosthunter.learning.modelfile import save_model

    save_model(model, path)
    yield path
