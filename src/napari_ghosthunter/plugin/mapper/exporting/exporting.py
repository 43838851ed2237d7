"""What is written where: the files of an export, chosen in the window and written in a thread."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.files import check_outputs, write_text
from napari_ghosthunter.labelling.labelfiles import write_labels
from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.export import output_paths, save_file, save_map
from napari_ghosthunter.mapping.mapfile import MODEL_SUFFIX
from napari_ghosthunter.plugin import choices
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.virtual.quick import quick_bright_field

if TYPE_CHECKING:
    from napari_ghosthunter.learning.model import Model

HDF5_SUFFIX, LABELS_SUFFIX = "_map.h5", "_labels.csv"
LAST_FOLDER = "export-folder.txt"


@dataclass(frozen=True, eq=False)
class Export:
    """What a user wants to have written; None for what is not wanted.

    Attributes
    ----------
    folder, stem
        Where, and how the names of all files begin.
    files
        The map to be written as separate files, as `ghosthunter map` writes them.
    hdf5
        The map to be written as one file.
    labels, model
        Labels and model.
    scan
        The scan, whose file is not to be written over, and which is shown beside its map.
    """

    folder: Path
    stem: str
    files: DomainMap | None = None
    hdf5: DomainMap | None = None
    labels: Mapping[Position, str] | None = None
    model: Model | None = None
    scan: Scan | None = None

    @property
    def paths(self) -> list[Path]:
        """The files to be written.

        Raises
        ------
        OutputError
            If the name cannot begin a file name.
        """
        all_of_map = output_paths(self.folder, self.stem)
        paths = all_of_map if self.files is not None else []
        for part, suffix in ((self.hdf5, HDF5_SUFFIX), (self.labels, LABELS_SUFFIX), (self.model, MODEL_SUFFIX)):
            if part is not None:
                paths.append(self.folder / f"{self.stem}{suffix}")
        return paths

    def existing(self) -> list[Path]:
        """Give the files that are there already, and would be replaced.

        Raises
        ------
        OutputError
            If a file cannot be written there, or is the scan itself.
        """
        paths, source = self.paths, None if self.scan is None else self.scan.provenance.path
        for path in paths:
            if source is not None and path.exists() and source.exists() and path.samefile(source):
                raise OutputError(f"{path} is the scan itself; choose another name or folder.")
        check_outputs(paths, overwrite=True)
        return [path for path in paths if path.exists()]

    def write(self) -> Iterator[int]:
        """Write the files, in place of those that are there, and give how many parts are done.

        Raises
        ------
        OutputError
            If one cannot be written.
        """
        if self.files is not None:
            seen = None if self.scan is None else quick_bright_field(self.scan)
            save_map(self.files, self.folder, self.stem, overwrite=True, bright_field=seen)
            yield 1
        if self.hdf5 is not None:
            save_file(self.hdf5, self.folder / f"{self.stem}{HDF5_SUFFIX}", overwrite=True)
            yield 2
        if self.labels is not None:
            write_labels(self.folder / f"{self.stem}{LABELS_SUFFIX}", self.labels)
            yield 3
        if self.model is not None:
            from napari_ghosthunter.learning.modelfile import save_model

            save_model(self.model, self.folder / f"{self.stem}{MODEL_SUFFIX}")
            yield 4


def last_folder() -> Path:
    """Give the folder of the last export, or the user's home; never that of the scan, which may be an archive."""
    try:
        folder = Path((choices.default_folder() / LAST_FOLDER).read_text(encoding="utf-8").strip())
    except (OSError, ValueError):
        return Path.home()
    return folder if folder.is_absolute() and folder.is_dir() else Path.home()


def remember_folder(folder: Path) -> None:
    """Keep the folder of an export; one that cannot be kept is no reason not to export."""
    try:
        write_text(choices.default_folder() / LAST_FOLDER, f"{folder}\n")
    except OutputError:
        return
