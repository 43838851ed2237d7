"""The line above the pages: which scan they are about, and whether another one that was opened waits for its turn."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QWidget
from superqt import QElidingLabel

from napari_ghosthunter.plugin.layers import scan_name
from napari_ghosthunter.plugin.mapper.desk import Desk

NAME_PIXELS = 160  # of the name on the button; all of it is in the tooltip


class ScanBar(QWidget):
    """Names the scan of a desk; a scan that is opened while there is work on another one is turned to by a click."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self.words = QElidingLabel()
        self.words.setTextFormat(Qt.TextFormat.PlainText)
        self.words.setElideMode(Qt.TextElideMode.ElideMiddle)
        self.words.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.switch_button = QPushButton()
        self._busy = False
        row = QHBoxLayout(self)
        row.setContentsMargins(2, 0, 2, 0)
        row.addWidget(self.words, 1)
        row.addWidget(self.switch_button)
        self.switch_button.clicked.connect(lambda _checked: desk.open(desk.other))
        desk.changed.connect(self.refresh)
        desk.viewer.layers.events.renamed.connect(self.refresh)
        self.refresh()

    def refresh(self, _event: Any = None) -> None:
        """Show the scan of now."""
        layer, other = self.desk.layer, self.desk.other
        self.setVisible(layer is not None)
        self.switch_button.setVisible(other is not None)
        if layer is None:
            return
        scan, title = self.desk.scan, scan_name(layer)
        path = None if scan is None else scan.provenance.path
        self.words.setText(f"Scan: {title}" if other is None else f"Still working on {title}")
        self.words.setToolTip(f"All pages are about this scan: {title}" + (f"\n{path}" if path else ""))
        if other is not None:
            name = self.fontMetrics().elidedText(scan_name(other), Qt.TextElideMode.ElideMiddle, NAME_PIXELS)
            self.switch_button.setText(f"Switch to {name}".replace("&", "&&"))
            self.switch_button.setToolTip(
                "Not while something is computed"
                if self._busy
                else f"Work on {scan_name(other)}. What you have done on {title} stays on disk."
            )
        self.switch_button.setEnabled(not self._busy)

    def set_busy(self, busy: bool) -> None:
        """Keep the scan while something runs on it."""
        self._busy = busy
        self.refresh()
