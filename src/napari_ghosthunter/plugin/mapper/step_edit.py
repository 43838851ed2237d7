"""A line to type a pixel size in, as in '2 nm'; Enter or leaving it says so."""

from __future__ import annotations

from typing import Literal

from qtpy.QtWidgets import QLineEdit

from napari_ghosthunter.plugin.qt import Signal
from napari_ghosthunter.scan.describe import describe, steps_in_words
from napari_ghosthunter.scan.scan import Scan


class StepEdit(QLineEdit):
    """Shows a pixel size of a scan, and lets the user say another one.

    Parameters
    ----------
    option
        Which one: its name in `ScanOptions`.
    example
        What is shown where none is known.
    tip
        The tooltip.
    """

    said = Signal(object)  # the text; None to take what the file says

    def __init__(self, option: Literal["scan_step", "k_step"], example: str, tip: str) -> None:
        super().__init__()
        self.option = option
        self._shown = ""
        self.setPlaceholderText(example)
        self.setToolTip(tip)
        self.editingFinished.connect(self._finish)

    def show_scan(self, scan: Scan | None) -> None:
        """Show the pixel size of a scan."""
        plane = self.option.removesuffix("_step")
        self._shown = "" if scan is None else steps_in_words(describe(scan), plane).replace("unknown", "")
        self.setText(self._shown)

    def _finish(self) -> None:
        text = self.text().strip()
        if text != self._shown:
            self._shown = text
            self.said.emit(text or None)
