"""The questions of the reader, asked at a window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from qtpy.QtWidgets import QDialog, QWidget

from napari_ghosthunter.errors import ScanShapeError
from napari_ghosthunter.plugin.questions.dataset_dialog import DatasetDialog
from napari_ghosthunter.plugin.questions.shape_dialog import ShapeDialog
from napari_ghosthunter.scan.options import ScanOptions


class Dialogs:
    """Asks a user at the window `parent`; the `Asker` of the reader."""

    def __init__(self, parent: QWidget) -> None:
        self._parent = parent

    def dataset(self, path: Path, shapes: Mapping[str, Sequence[int]], before: str | None) -> str | None:
        """Choose the array that is the scan."""
        dialog = DatasetDialog(path, shapes, before, self._parent)
        return dialog.name if _accepted(dialog) else None

    def scan_shape(
        self, path: Path, chosen: ScanOptions, error: ScanShapeError, before: ScanOptions
    ) -> ScanOptions | None:
        """Choose the scan shape, and the patterns that belong to no position."""
        dialog = ShapeDialog(path, chosen, error, before, self._parent)
        return dialog.options if _accepted(dialog) else None


def _accepted(dialog: QDialog) -> bool:
    """Show a dialog, and see that nothing of it stays behind."""
    try:
        return bool(dialog.exec() == QDialog.DialogCode.Accepted)
    finally:
        dialog.deleteLater()
