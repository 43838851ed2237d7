"""`Apply to other scans…`: choose files, see whether the model fits them, map them to a folder or into the window."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QDialog,
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.plugin.calm import calm
from napari_ghosthunter.plugin.mapper.applying.apply_list import ApplyList, details
from napari_ghosthunter.plugin.mapper.applying.apply_run import NOTHING_LEFT, ApplyRun, Entry
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.mapping.neighbours_bar import Neighbours, NeighboursBar
from napari_ghosthunter.plugin.mapper.mapping.place import Place
from napari_ghosthunter.plugin.mapper.mapping.place_bar import PlaceBar
from napari_ghosthunter.plugin.opening import scan_filter
from napari_ghosthunter.plugin.questions.dialogs import Dialogs
from napari_ghosthunter.plugin.reader import Asker, open_asking

HINT = "Choose a scan to read here what was found."
EMPTY = "Add scans, or drop their files on the list. Each one is compared with the training scan before it is mapped."
NO_FOLDER = "Choose the folder for the maps."


class ApplyDialog(QDialog):
    """Applies the model of the desk's session to other scans; the window stays usable beside it.

    Closing it stops what runs, and so does the end of the session; the list stays for when it is shown again.

    Parameters
    ----------
    desk
        Whose model it is.
    parent
        The widget that it belongs to.
    place, neighbours
        Where maps are computed, and how much neighbours help in them; its own by default.

    Attributes
    ----------
    device
        Gives the device to map on.
    asker
        Is asked for what a file does not settle.
    """

    def __init__(
        self,
        desk: Desk,
        parent: QWidget | None = None,
        place: Place | None = None,
        neighbours: Neighbours | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Apply the model to other scans")
        self.device: Callable[[], str] = lambda: "auto"
        self.asker: Asker = Dialogs(self)
        self.run = ApplyRun(desk)
        self.list, self.details = ApplyList(), QPlainTextEdit()
        self.add_button, self.remove_button = QPushButton("Add scans…"), QPushButton("Remove")
        self.to_folder, self.to_layers = QRadioButton("To a folder:"), QRadioButton("As layers in this window")
        self.folder, self.folder_button = QLineEdit(), QPushButton("Choose…")
        self.overwrite = QCheckBox("Replace older maps there")
        self.place = place or Place()
        self.place_bar = PlaceBar(self.place)
        self.neighbours = neighbours or Neighbours()
        self.neighbours_bar = NeighboursBar(self.neighbours)
        self.state = QLabel()
        self.start_button, self.close_button = QPushButton("Start"), QPushButton("Close")
        self._lay_out()
        calm(self)
        self._connect()
        self._show()

    def add(self, paths: Sequence[Path]) -> None:
        """Open scans and add them to the list; what a file does not settle is asked, what is wrong is told there."""
        for path in paths:
            try:
                scan = open_asking(path, self.asker)
            except (GhostHunterError, OSError) as error:
                self.run.add(path, None, str(error))
            else:
                if scan is not None:
                    self.run.add(path, scan)

    def reject(self) -> None:
        """Stop what runs and close: with its button, the Escape key, or the X of its window."""
        self.run.close()
        super().reject()

    def showEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Go on with the checks."""
        super().showEvent(event)
        self.run.check()

    # ---- what the user does ----

    def _ask_files(self) -> None:
        paths, _ = QFileDialog.getOpenFileNames(self, "Scans to map", "", scan_filter())
        self.add([Path(path) for path in paths])

    def _ask_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder for the maps", self.folder.text())
        if folder:
            self.folder.setText(folder)

    def _start_or_stop(self) -> None:
        if self.run.running:
            self.run.stop()
            return
        out = Path(self.folder.text().strip()).expanduser() if self.to_folder.isChecked() else None
        self.run.start(
            out,
            device=self.device(),
            overwrite=self.overwrite.isChecked(),
            scheduler=self.place.scheduler,
            neighbours=self.neighbours.strength,
        )

    # ---- what is shown ----

    def _show_list(self) -> None:
        self.list.show_entries(self.run.entries)
        if self.run.entries and not self.list.chosen:
            self.list.choose(self.run.entries[0])
        self._show()

    def _show_entry(self, entry: Entry) -> None:
        self.list.show_entry(entry)
        self._show_details()
        self._show_state()

    def _show(self) -> None:
        """Show what can be done now."""
        running, folder = self.run.running, self.to_folder.isChecked()
        for widget in (self.add_button, self.to_folder, self.to_layers):
            widget.setEnabled(not running)
        for part in (self.folder, self.folder_button, self.overwrite):
            part.setEnabled(folder and not running)
        lacks = "" if running else self.place.needs()
        self.place_bar.say(lacks or " ".join(self.run.notes))
        for bar in (self.place_bar, self.neighbours_bar):
            bar.set_fixed(running)
        self.list.setAcceptDrops(not running)
        self.start_button.setText("Stop" if running else "Start")
        self.start_button.setEnabled(running or not (lacks or self._needs()))
        self._show_details()
        self._show_state()

    def _show_details(self) -> None:
        chosen = self.list.chosen
        self.remove_button.setEnabled(bool(chosen) and not self.run.running)
        told = [f"{entry.path.name}: {details(entry)}" if len(chosen) > 1 else details(entry) for entry in chosen]
        text = "\n".join(told) if chosen else HINT if self.run.entries else EMPTY
        if text != self.details.toPlainText():
            self.details.setPlainText(text)

    def _show_state(self) -> None:
        entries = self.run.entries
        done = sum(entry.state == "done" for entry in entries)
        failed = sum(entry.state in {"failed", "refused"} for entry in entries)
        counted = f"{done} of {len(entries)} mapped" + (f", {failed} cannot be" if failed else "") + "."
        begun = self.run.running or done
        finished = self.run.running or (done and self.run.needs == NOTHING_LEFT)
        said = [counted if begun else "", "" if finished else self._needs()]
        self.state.setText(" ".join(filter(None, said)))

    def _needs(self) -> str:
        if self.run.needs or not self.to_folder.isChecked():
            return self.run.needs
        return "" if self.folder.text().strip() else NO_FOLDER

    # ---- layout ----

    def _lay_out(self) -> None:
        self.resize(640, 500)
        self.details.setReadOnly(True)
        self.details.setFixedHeight(124)
        self.folder.setPlaceholderText("folder for the maps")
        self.to_folder.setToolTip("Write TIFF, PNG, NumPy, CSV and JSON files, as the Export page does")
        self.to_layers.setToolTip("Add the image of each scan and its Domains to the viewer")
        self.to_folder.setChecked(True)
        self.start_button.setAutoDefault(False)
        for button in (self.add_button, self.remove_button, self.folder_button, self.close_button):
            button.setAutoDefault(False)  # Return in the line of the folder is no click
        self.state.setWordWrap(True)
        above = QHBoxLayout()
        above.addWidget(self.add_button)
        above.addWidget(self.remove_button)
        above.addStretch()
        where = QGridLayout()
        where.addWidget(self.to_folder, 0, 0)
        where.addWidget(self.folder, 0, 1)
        where.addWidget(self.folder_button, 0, 2)
        where.addWidget(self.overwrite, 1, 1, 1, 2)
        where.addWidget(self.to_layers, 2, 0, 1, 3)
        where.addWidget(self.place_bar, 3, 0, 1, 3)
        where.addWidget(self.neighbours_bar, 4, 0, 1, 3)
        below = QHBoxLayout()
        below.addWidget(self.state, 1)
        below.addWidget(self.start_button)
        below.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.addLayout(above)
        column.addWidget(self.list, 1)
        column.addWidget(self.details)
        column.addLayout(where)
        column.addLayout(below)

    def _connect(self) -> None:
        self.add_button.clicked.connect(self._ask_files)
        self.remove_button.clicked.connect(lambda: self.run.remove(self.list.chosen))
        # queued: a question of `add` would keep the program waiting that the files are dragged from
        self.list.dropped.connect(self.add, Qt.ConnectionType.QueuedConnection)
        self.list.itemSelectionChanged.connect(self._show_details)
        self.to_folder.toggled.connect(self._show)
        self.place.changed.connect(self._show)
        self.folder.textChanged.connect(self._show)
        self.folder_button.clicked.connect(self._ask_folder)
        self.start_button.clicked.connect(self._start_or_stop)
        self.close_button.clicked.connect(self.close)
        self.run.listed.connect(self._show_list)
        self.run.changed.connect(self._show_entry)
        self.run.turned.connect(self._show)
