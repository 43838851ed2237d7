"""The page `Export`: map, labels and model as files for other programs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QGridLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
)

from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.exporting.exporting import Export, last_folder, remember_folder
from napari_ghosthunter.plugin.mapper.mapping.map_layers import MapLayers
from napari_ghosthunter.plugin.mapper.mapping.threshold_bar import count_below
from napari_ghosthunter.plugin.mapper.panel import Link, Panel
from napari_ghosthunter.plugin.window import tell_error
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.session import Session

NO_MAP = "There is no map yet; make one on the Map page."
FILES_HELP = (
    "Seven files: the classes and their confidence as TIFF with the pixel size, the mixed colours as PNG, a figure "
    "with scale bar and legend as PNG, the probabilities as NumPy array, areas and walls as CSV, and where it all "
    "comes from as JSON"
)
HDF5_HELP = "Probabilities, classes and calibration in one file (EMD 1.0), which py4DSTEM reads"
LABELS_HELP = "A table of scan_y, scan_x and label"
MODEL_HELP = "The trained network and all that is needed to use it on other scans"


class ExportPage(Panel):
    """Chooses what is written, and where.

    Parameters
    ----------
    desk, layers
        Whose session is exported; which map of it is shown.
    """

    title = "Export"

    def __init__(self, desk: Desk, layers: MapLayers) -> None:
        super().__init__(desk)
        self.layers = layers
        self.background = Background()
        self.folder, self.name = QLineEdit(str(last_folder())), QLineEdit()
        self.choose_button, self.export_button = QPushButton("Choose…"), QPushButton("Export")
        self.files, self.hdf5 = (
            QCheckBox("Map as images and tables (TIFF, PNG, CSV, …)"),
            QCheckBox("Map in one file (HDF5)"),
        )
        self.labels, self.model = QCheckBox("Labels (CSV)"), QCheckBox("Model, to map other scans with (safetensors)")
        self.left_out = QCheckBox()
        self.no_map, self.done, self.open_button = QLabel(NO_MAP), QLabel(), QPushButton("Open the folder")
        self.written_to: Path | None = None
        self._scan: Scan | None = None
        for box, words in (
            (self.files, FILES_HELP), (self.hdf5, HDF5_HELP), (self.labels, LABELS_HELP), (self.model, MODEL_HELP),
        ):  # fmt: skip
            box.setToolTip(words)
        for box in (self.files, self.labels, self.model, self.left_out):  # as what is seen, and with what it came from
            box.setChecked(True)
        self.left_out.setToolTip("They are written as positions without data; the threshold is set on the Map page")
        self._lay_out()
        self._connect()
        self.refresh()
        self.update_needs()

    def needs(self, session: Session | None) -> str:
        """Say what is missing before anything can be written."""
        if session is None:
            return self.desk.needs
        nothing = not session.labels and session.model is None and self.layers.result is None
        return "There is nothing to export yet; label some positions, train and map." if nothing else ""

    def links(self, session: Session) -> Iterable[Link]:
        """Follow what there is to export."""
        yield session.labels.changed, self._follow
        yield session.training.changed, self._follow  # of the map the layers tell

    def refresh(self) -> None:
        """Show what there is to export now."""
        session, result = self.session, self.layers.result
        if session is None and self.background.busy:
            self.done.setText("The export was broken off with the scan.")
        if session is None:
            self.background.close()
        scan = None if session is None else session.scan
        if scan is not None and scan is not self._scan:
            self._scan = scan
            self.name.setText(self.desk.stem)
            self.done.clear()
            self.open_button.hide()
        self.no_map.setVisible(result is None)
        for box in (self.files, self.hdf5):
            box.setEnabled(result is not None)
        count = count_below(result, self.layers.threshold)
        positions = f"{count:,} position{'' if count == 1 else 's'}"
        self.left_out.setVisible(count > 0)
        self.left_out.setText(f"Leave out {positions} below confidence {self.layers.threshold:.2f}")
        self.labels.setEnabled(session is not None and len(session.labels) > 0)
        self.model.setEnabled(session is not None and session.model is not None)
        self._allow()

    @property
    def wanted(self) -> Export:
        """What is chosen, as it is now."""
        session = self.session
        assert session is not None  # the page is enabled
        result = self.layers.result_above if _chosen(self.left_out) else self.layers.result
        return Export(
            Path(self.folder.text()).expanduser(),
            self.name.text().strip(),
            result if _chosen(self.files) else None,
            result if _chosen(self.hdf5) else None,
            dict(session.labels) if _chosen(self.labels) else None,
            session.model if _chosen(self.model) else None,
            session.scan,
        )

    def export(self) -> None:
        """Write what is chosen; ask before anything is replaced."""
        wanted = self.wanted
        existing = self.desk.attempt(wanted.existing)
        if existing is None or (existing and not self._may_replace(existing)):
            return
        self.done.setText("Writing…")
        self.open_button.hide()
        self.background.start(wanted.write, lambda _: None, self._fail, lambda: self._finish(wanted))
        self._allow()

    # ---- inside ----

    def _follow(self, *_: Any) -> None:
        if self.isVisible():  # else it is done when the page is turned to
            self.refresh()
        self.update_needs()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Catch up with what has changed."""
        super().showEvent(event)
        self.refresh()
        self.update_needs()

    def _allow(self, *_: Any) -> None:
        """Allow to export when something is chosen and nothing is being written."""
        chosen = any(map(_chosen, (self.files, self.hdf5, self.labels, self.model)))
        named = bool(self.name.text().strip() and self.folder.text().strip())
        self.export_button.setEnabled(chosen and named and not self.background.busy)
        why = "Tick what to write" if not chosen else "Give a folder and a name" if not named else ""
        self.export_button.setToolTip(why)

    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the files", self.folder.text())
        if folder:
            self.folder.setText(folder)

    def _open(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.written_to)))

    def _may_replace(self, existing: list[Path]) -> bool:
        names = "\n".join(path.name for path in existing)
        many = len(existing) > 1
        question = f"{'These files are' if many else 'This file is'} there already. Replace {'them' if many else 'it'}?"
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self, "Replace files?", f"{question}\n\n{names}", buttons.Yes | buttons.No, buttons.No
        )
        return bool(answer == buttons.Yes)

    def _finish(self, written: Export) -> None:
        count = len(written.paths)
        self.written_to = written.folder.absolute()
        self.done.setText(f"{count} file{'s' if count > 1 else ''} written to {_breakable(self.written_to)}")
        self.open_button.show()
        self.error.say("")
        remember_folder(self.written_to)
        self._allow()

    def _fail(self, message: str) -> None:
        tell_error(message)
        self.error.say(message)  # also where another page is seen now
        self.done.setText("Nothing more was written.")
        self._allow()

    def _lay_out(self) -> None:
        where = QGridLayout()
        where.addWidget(QLabel("Folder"), 0, 0)
        where.addWidget(self.folder, 0, 1)
        where.addWidget(self.choose_button, 0, 2)
        where.addWidget(QLabel("Name"), 1, 0)
        where.addWidget(self.name, 1, 1, 1, 2)
        self.name.setToolTip("How the names of all files begin")
        self.no_map.setWordWrap(True)
        self.done.setWordWrap(True)
        self.done.setTextFormat(Qt.TextFormat.PlainText)
        self.open_button.hide()
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(where)
        for widget in (self.no_map, self.files, self.hdf5, self.left_out, self.labels, self.model):
            column.addWidget(widget)
        column.addWidget(self.export_button)
        column.addWidget(self.done)
        column.addWidget(self.open_button)
        column.addStretch(1)

    def _connect(self) -> None:
        self.choose_button.clicked.connect(self._choose)
        self.export_button.clicked.connect(self.export)
        self.open_button.clicked.connect(self._open)
        for box in (self.files, self.hdf5, self.labels, self.model):
            box.toggled.connect(self._allow)
        for line in (self.folder, self.name):
            line.textChanged.connect(self._allow)
        self.layers.changed.connect(self._follow)
        self.layers.threshold_changed.connect(self._follow)


def _chosen(box: QCheckBox) -> bool:
    """Whether something is ticked that there is, be the page still switched off."""
    return box.isChecked() and box.isEnabledTo(box.parentWidget() or box) and not box.isHidden()


def _breakable(path: Path) -> str:
    """Write a path so that a label may break it into lines, instead of growing wider than the dock."""
    return str(path).replace("/", "/\u200b").replace("\\", "\\\u200b")
