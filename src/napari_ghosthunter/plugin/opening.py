"""Opening scans from within the docks, as File > Open does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.plugin import PLUGIN
from napari_ghosthunter.plugin.window import main_window, tell_error
from napari_ghosthunter.scan.readers.table import READERS, pick_reader


def scan_filter() -> str:
    """Give the filter of a file dialog for all files of the reader table."""
    endings = sorted({ending for reader in READERS for ending in reader.extensions})
    return f"4D-STEM scans ({' '.join(f'*{ending}' for ending in endings)});;All files (*)"


def ask_for_scans(viewer: Any) -> None:
    """Ask for files, and open each as a scan; what is wrong with one is told."""
    paths, _ = QFileDialog.getOpenFileNames(main_window(), "Open 4D-STEM scans", "", scan_filter())
    for path in paths:
        try:
            pick_reader(Path(path), None)
        except ScanError as error:  # napari would not even ask the reader, and say nothing that helps
            tell_error(str(error))
        else:
            viewer.open(path, plugin=PLUGIN)


def open_sample(viewer: Any) -> None:
    """Open the simulated scan."""
    viewer.open_sample(PLUGIN, "boracite")
