"""All the work on a scan as one file: saved where the user says, and opened again, with or without its scan open."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from qtpy.QtWidgets import QFileDialog, QWidget

from napari_ghosthunter.errors import OtherScanError, ScanMovedError
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.opening import scan_filter
from napari_ghosthunter.plugin.preferences import defaults
from napari_ghosthunter.plugin.scan_image import scan_layer
from napari_ghosthunter.plugin.window import tell
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.bundle import open_bundle, save_bundle
from napari_ghosthunter.session.session import Session

ENDING = ".ghosthunter"
FILTER = f"GhostHunter work (*{ENDING})"

Opened = tuple[Session, Any] | ScanMovedError
"""A session, with the layer of its scan where that is not the open one; or that the scan was not found."""


def ask_where_to_save(desk: Desk, parent: QWidget) -> None:
    """Save all of the session to a file that the user names."""
    session = desk.session
    if session is None:
        return
    name, _ = QFileDialog.getSaveFileName(parent, "Save a copy of your work", f"{desk.stem}{ENDING}", FILTER)
    if not name:
        return
    path = Path(name) if name.endswith(ENDING) else Path(name + ENDING)
    replace = path == Path(name)  # the dialog has asked, but only for the name that it knew

    def save() -> None:
        save_bundle(session, path, overwrite=replace)
        tell(f"Saved {path.name}: labels, classes, model and map.")

    desk.attempt(save)


def ask_for_bundle(desk: Desk, parent: QWidget) -> None:
    """Go on with the work in a file that the user chooses; what was done so far stays on disk."""
    name, _ = QFileDialog.getOpenFileName(parent, "Open a copy of your work", "", FILTER)
    if name:
        open_copy(desk, Path(name), parent)


def open_copy(desk: Desk, path: Path, parent: QWidget, scan_path: Path | None = None) -> None:
    """Go on with the work in a file, at the scan that is open if it is the one, else at its own.

    Parameters
    ----------
    desk
        The desk.
    path
        The file.
    parent
        Where to ask for the scan if it is not where it was.
    scan_path
        Where the scan is now.
    """

    def take(opened: Opened) -> None:
        if isinstance(opened, ScanMovedError):
            tell(str(opened))
            name, _ = QFileDialog.getOpenFileName(parent, "Where is the scan of this work?", "", scan_filter())
            if name:
                open_copy(desk, path, parent, Path(name))
            return
        session, layer = opened
        if layer is not None:
            data, arguments, _ = layer
            layer = desk.viewer.add_image(data, **arguments)
        desk.take(session, layer)

    desk.work(partial(_open, path, desk.scan, scan_path, defaults().data_folder), take)


def _open(path: Path, scan: Scan | None, scan_path: Path | None, folder: Path | None) -> Opened:
    """Open a bundle at the scan that is open, if it is of that one; in the thread."""
    if scan is not None and scan_path is None:
        try:
            return open_bundle(path, scan=scan, data_folder=folder), None
        except OtherScanError:
            pass  # then at its own
    try:
        session = open_bundle(path, scan_path=scan_path, data_folder=folder)
    except ScanMovedError as error:
        return error
    return session, scan_layer(session.scan)
