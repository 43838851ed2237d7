"""The questions of the reader, asked at a window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qtpy.QtWidgets import QDialog, QWidget

from napari_ghosthunter.plugin.questions.dataset_dialog import DatasetDialog
from napari_ghosthunter.plugin.questions.shape_dialog import ScanShape, ShapeDialog


class Dialogs:
    """Asks a user at the window `parent`; the `Asker` of the reader."""

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent

    def dataset(self, path: Path, names: Sequence[str], before: str | None) -> str | None:
        """Choose the array that is the scan."""
        dialog = DatasetDialog(path, names, before, self._parent)
        return dialog.name if _accepted(dialog) else None

    def scan_shape(
        self, path: Path, dataset: str | None, shapes: Sequence[ScanShape], before: ScanShape | None
    ) -> ScanShape | None:
        """Choose (scan_y, scan_x)."""
        dialog = ShapeDialog(path, dataset, shapes, before, self._parent)
        return dialog.scan_shape if _accepted(dialog) else None


def _accepted(dialog: QDialog) -> bool:
    """Show a dialog, and see that nothing of it stays behind."""
    try:
        return bool(dialog.exec() == QDialog.DialogCode.Accepted)
    finally:
        dialog.deleteLater()
