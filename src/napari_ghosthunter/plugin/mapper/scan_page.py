"""The page `Scan`: which scan is worked on, what it is, and where the work on it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from qtpy.QtCore import QUrl
from qtpy.QtGui import QDesktopServices
from qtpy.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QLabel, QMessageBox, QPushButton, QVBoxLayout

from napari_ghosthunter.plugin.docks import DIFFRACTION, open_dock
from napari_ghosthunter.plugin.layers import scan_name
from napari_ghosthunter.plugin.mapper.bundles import ask_for_bundle, ask_where_to_save
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.panel import Link, Panel
from napari_ghosthunter.plugin.mapper.step_edit import StepEdit
from napari_ghosthunter.plugin.opening import ask_for_scans, open_sample
from napari_ghosthunter.scan.describe import describe, in_words
from napari_ghosthunter.session.session import Session

ANEW = "Begin again without labels?\n\nWhat you have done stays on disk; it is offered when you open this scan again."
STEP_TIP = "Pixel size of the {}. Type another one, as in 2 nm or 2 x 2.5 nm (y x x); empty: as the file says."
FACTS = {"scan": "Scan", "detector": "Detector", "data": "Data", "mask": "Mask", "file": "File"}


class ScanPage(Panel):
    """Chooses the scan, and says what it is."""

    title = "Scan"

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._busy = False
        self.choice = QComboBox()
        self.choice.setToolTip("The scan that is labelled and mapped. Another one can be chosen when nothing runs.")
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.open_button = QPushButton("Open…")
        self.open_button.setToolTip("Open a 4D-STEM scan from a file")
        self.sample_button = QPushButton("Try the simulated scan")
        self.patterns_button = QPushButton("Show diffraction patterns")
        self.patterns_button.setToolTip("Open the Diffraction viewer, where virtual detectors are chosen, too")
        self.facts = {key: _fact() for key in FACTS}
        self.kept = _fact()
        self.scan_step = StepEdit("scan_step", "unknown; for example 2 nm", STEP_TIP.format("scan"))
        self.k_step = StepEdit("k_step", "unknown; for example 0.02 1/nm", STEP_TIP.format("detector"))
        self.anew_button = QPushButton("Start anew…")
        self.anew_button.setToolTip("Begin again without labels; what you have done so far stays on disk")
        self.save_button = QPushButton("Save a copy…")
        self.save_button.setToolTip("Write labels, classes, model and map to one file, to keep or to send")
        self.load_button = QPushButton("Open a copy…")
        self.load_button.setToolTip("Go on with work that was saved to a file")
        self._lay_out()
        self.choice.activated.connect(lambda index: desk.open(desk.scan_layers[index]))
        self.open_button.clicked.connect(lambda: ask_for_scans(desk.viewer))
        self.sample_button.clicked.connect(lambda: open_sample(desk.viewer))
        for edit in (self.scan_step, self.k_step):
            edit.said.connect(lambda text, name=edit.option: desk.restate(**{name: text}))
        self.patterns_button.clicked.connect(lambda: open_dock(desk.viewer, DIFFRACTION))
        self.anew_button.clicked.connect(self._start_anew)
        self.save_button.clicked.connect(lambda: ask_where_to_save(desk, self))
        self.load_button.clicked.connect(lambda: ask_for_bundle(desk, self))
        self.kept.linkActivated.connect(lambda link: QDesktopServices.openUrl(QUrl(link)))
        desk.changed.connect(self.refresh)
        desk.viewer.layers.events.renamed.connect(self.refresh)
        self.refresh()
        self.update_needs()

    def links(self, session: Session) -> Iterable[Link]:
        """Follow what is kept."""
        yield session.labels.changed, self._show_kept
        yield session.training.changed, self._show_kept

    def refresh(self, _event: Any = None) -> None:
        """Show the scans of the viewer, and what the chosen one is."""
        layers = self.desk.scan_layers
        self.choice.clear()
        self.choice.addItems([scan_name(layer) for layer in layers])
        self.choice.setCurrentIndex(next((i for i, layer in enumerate(layers) if layer is self.desk.layer), -1))
        self.choice.setVisible(bool(layers))
        self.sample_button.setVisible(not layers)
        scan = self.desk.scan
        lines = {} if scan is None else in_words(describe(scan))
        for key, label in self.facts.items():
            words = Path(lines[key]).name if key == "file" and key in lines else lines.get(key, "")
            label.setText(words.partition(", step ")[0])  # the steps have lines of their own
            label.setToolTip(lines.get(key, ""))
            self.form.setRowVisible(label, bool(words))
        for edit in (self.scan_step, self.k_step):
            edit.show_scan(scan)
            self.form.setRowVisible(edit, scan is not None)
        self._show_kept()
        self.update_needs()

    def update_needs(self, *_: object) -> None:
        """Say what is missing; a scan can be opened in any case."""
        super().update_needs()
        self.body.setEnabled(True)
        self.patterns_button.setEnabled(self.desk.scan is not None)
        self.save_button.setEnabled(self.session is not None)
        self.set_busy(self._busy)

    def set_busy(self, busy: bool) -> None:
        """Keep the scan while something runs on it."""
        self._busy = busy
        self.choice.setEnabled(not busy)
        self.scan_step.setEnabled(not busy)
        self.k_step.setEnabled(not busy)
        self.anew_button.setEnabled(not busy and self.session is not None)
        self.load_button.setEnabled(not busy)

    def _start_anew(self) -> None:
        if QMessageBox.question(self, "Start anew", ANEW) == QMessageBox.StandardButton.Yes:
            self.desk.start_anew()

    def _show_kept(self, *_: object) -> None:
        session = self.session
        folder = None if session is None else session.folder
        if session is None:
            self.kept.setText("")
        elif folder is None or not folder.exists():
            self.kept.setText("Nothing yet. Every label is on disk before you can make the next.")
        else:
            url = QUrl.fromLocalFile(str(folder)).toString()
            colour = self.palette().windowText().color().name()  # Qt's own blue cannot be read on a dark theme
            link = f'<a href="{url}" style="color: {colour}">this folder</a>'
            self.kept.setText(f"Every label, as you make it, in {link}.")
            self.kept.setToolTip(str(folder))
        self.form.setRowVisible(self.kept, session is not None)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        row.addWidget(self.choice, 1)
        row.addWidget(self.open_button)
        column.addLayout(row)
        column.addWidget(self.sample_button)
        self.form = QFormLayout()
        self.form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        for key, title in FACTS.items():
            self.form.addRow(f"{title}:", self.facts[key])
            if key == "detector":
                self.form.addRow("Scan step:", self.scan_step)
                self.form.addRow("Detector pixel:", self.k_step)
        self.form.addRow("Kept:", self.kept)
        column.addLayout(self.form)
        column.addWidget(self.patterns_button)
        row = QHBoxLayout()
        for button in (self.anew_button, self.save_button, self.load_button):
            row.addWidget(button)
        column.addLayout(row)
        column.addStretch(1)


def _fact() -> QLabel:
    label = QLabel()
    label.setWordWrap(True)
    return label
