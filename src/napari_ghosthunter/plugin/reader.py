"""File > Open and drag-and-drop: any file of the reader table as the real-space image of its scan.

What a file does not settle is asked, where there is someone to ask. Errors reach a user as one notification, because
napari hides what a reader raises behind 'it gave an error' and a traceback; a script gets the exception.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from napari_ghosthunter.errors import DatasetError, GhostHunterError, ScanError, ScanShapeError
from napari_ghosthunter.plugin.choices import recall, remember
from napari_ghosthunter.plugin.docks import open_docks_soon
from napari_ghosthunter.plugin.scan_image import LayerData, scan_layer
from napari_ghosthunter.plugin.window import main_window, tell, tell_error, user_is_asking, waiting
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers.recalled import SAID_OF_A_SCAN, open_recalled
from napari_ghosthunter.scan.readers.table import pick_reader
from napari_ghosthunter.scan.readers.tiff import is_picture
from napari_ghosthunter.scan.scan import Scan

NOTHING: list[Any] = [(None,)]  # tells napari that the file was dealt with, and gives no layer


class Asker(Protocol):
    """Someone who knows what a file does not say; None is the answer of who would rather not open it."""

    def dataset(self, path: Path, shapes: Mapping[str, Sequence[int]], before: str | None) -> str | None:
        """Choose the array that is the scan; `before` is what was chosen last time.

        `shapes` has the arrays that can be chosen, with the shape of each; an empty one where that is not known.
        """

    def scan_shape(
        self, path: Path, chosen: ScanOptions, error: ScanShapeError, before: ScanOptions
    ) -> ScanOptions | None:
        """Choose the scan shape, and the patterns that belong to no position; give `chosen` with both."""


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[Any]] | None:
    """Give the function that reads `path`, or None if its ending, or what the file or folder holds, is no scan's."""
    try:
        for one in [path] if isinstance(path, str) else path:
            chosen = pick_reader(Path(one), None)
            if chosen.name == "tiff" and is_picture(Path(one)):
                return None
    except ScanError:
        return None
    return read


def read(path: str | list[str]) -> list[Any]:
    """Read a scan, or each of several, as an image layer, and open the docks beside it where there is a window.

    Raises
    ------
    GhostHunterError
        If a file cannot be opened, or leaves open what nobody can be asked; a user at a window gets a notification.
    """
    layers = [layer for one in ([path] if isinstance(path, str) else path) for layer in _read_one(Path(one))]
    if layers:
        open_docks_soon()
    return layers or NOTHING


def _read_one(path: Path) -> list[LayerData]:
    try:
        scan = open_asking(path, _asker())
        if scan is None:
            tell(f"Cancelled: {path.name} was not opened.")
            return []
        with waiting():
            layer = scan_layer(scan)
    except GhostHunterError as error:
        if not user_is_asking():
            raise
        tell_error(str(error))
        return []
    for note in scan.provenance.notes:
        tell(f"{path.name}: {note}")
    return [layer]


def open_asking(path: Path, asker: Asker | None, memory: Path | None = None) -> Scan | None:
    """Open a scan, and ask for what its file does not settle.

    Parameters
    ----------
    path
        The file, or the folder of a Zarr store or of one file a pattern.
    asker
        Who is asked; None to raise what `open_with` raises.
    memory
        Folder of the choices made before, which are only proposed; that of the user's settings if not given.

    Returns
    -------
    Scan or None
        None if an answer was refused.
    """
    chosen = ScanOptions() if asker is None else _said_before(path, memory)
    while True:
        try:
            with waiting():
                scan, left_out = open_recalled(path, chosen)
        except (DatasetError, ScanShapeError) as error:
            if asker is None or not _can_be_asked(error) or chosen.scan_shape is not None:
                raise
            answer = _ask(asker, path, chosen, error, recall(path, memory))
            if answer is None:
                return None
            chosen = answer
        else:
            if chosen != ScanOptions():
                remember(path, chosen, memory)  # what was left out, too: its disk may be back the next time
            source = scan.provenance
            return replace(scan, provenance=replace(source, notes=(*source.notes, *left_out))) if left_out else scan


def _said_before(path: Path, memory: Path | None) -> ScanOptions:
    """Give what a user said of a file on the Scan page when it was open before, which no question asks for."""
    before = recall(path, memory)
    return ScanOptions(**{name: getattr(before, name) for name in SAID_OF_A_SCAN})


def _can_be_asked(error: DatasetError | ScanShapeError) -> bool:
    return bool(error.layouts if isinstance(error, ScanShapeError) else error.candidates)


def _ask(
    asker: Asker, path: Path, chosen: ScanOptions, error: DatasetError | ScanShapeError, before: ScanOptions
) -> ScanOptions | None:
    """Ask for what `error` says is missing; None if the answer is no."""
    if isinstance(error, DatasetError):
        shapes = {name: error.shapes.get(name, ()) for name in error.candidates}
        name = asker.dataset(path, shapes, before.dataset)
        if name is None:
            return None
        same = name == before.dataset
        other = {} if same else {"beam": None, "mask": None, "detector": (), "rows": None, "columns": None}
        return chosen.updated(dataset=name, **other)  # another array may be of another detector
    return asker.scan_shape(path, chosen, error, before)


def _asker() -> Asker | None:
    """Give the dialogs, where there is a window to open them over."""
    window = main_window()
    if window is None:
        return None
    from napari_ghosthunter.plugin.questions.dialogs import Dialogs

    return Dialogs(window)
