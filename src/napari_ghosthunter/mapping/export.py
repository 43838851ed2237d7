"""A domain map as files that other programs open: TIFF and PNG to look at, NumPy, CSV and JSON to compute with.

`save_map` writes the set that `DomainMap.load` reads; `save_file` writes one file, which may also be HDF5 with
everything.

The set is whole or absent. Nothing is written where a file of it exists already; all files are written beside their
targets first and renamed only when the last one is complete; and `<stem>_map.json` is renamed last, so that a folder
with it holds the whole map.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from numpy.typing import ArrayLike

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.files import check_outputs, whole_file, whole_files
from napari_ghosthunter.mapping.contents import MapContents
from napari_ghosthunter.mapping.figure import write_figure
from napari_ghosthunter.mapping.hdf5 import write_hdf5
from napari_ghosthunter.mapping.mapfile import MAP_SUFFIX, PROBABILITIES_SUFFIX, write_description, write_probabilities
from napari_ghosthunter.mapping.pictures import write_classes, write_confidence, write_rgb
from napari_ghosthunter.mapping.table import write_table

FIGURE_SUFFIX = "_figure.png"  # of what is for the eye alone: a map of an earlier version is whole without it

Writer = Callable[[Path, MapContents], None]
SET_WRITERS: dict[str, Writer] = {
    MAP_SUFFIX: write_description,
    "_classes.tif": write_classes,
    PROBABILITIES_SUFFIX: write_probabilities,
    "_rgb.png": write_rgb,
    "_confidence.tif": write_confidence,
    "_domains.csv": write_table,
    FIGURE_SUFFIX: write_figure,
}
"""What `save_map` writes, by how each name ends; the first one is renamed last."""

FILE_WRITERS: dict[str, Writer] = {
    ".tif": write_classes,
    ".tiff": write_classes,
    ".png": write_rgb,
    ".csv": write_table,
    ".h5": write_hdf5,
    ".hdf5": write_hdf5,
}
"""What `save_file` writes for each ending: the classes, the colours, the table, or everything."""


def output_paths(folder: Path | str, stem: str, *, figure: bool = True) -> list[Path]:
    """Name the files that `save_map` writes, the JSON file first; those of a map without its figure if so told.

    Raises
    ------
    OutputError
        If `stem` cannot begin a file name.
    """
    if not stem or stem in {".", ".."} or any(character in stem for character in "/\\\0"):
        raise OutputError(f"{stem!r} cannot begin the name of a file; choose a name without slashes.")
    return [Path(folder) / f"{stem}{suffix}" for suffix in SET_WRITERS if figure or suffix != FIGURE_SUFFIX]


def save_map(
    domain_map: MapContents,
    folder: Path | str,
    stem: str | None = None,
    *,
    overwrite: bool = False,
    bright_field: ArrayLike | None = None,
    figure: bool = True,
) -> list[Path]:
    """Write a map: `<stem>_classes.tif` and its companions.

    Parameters
    ----------
    domain_map
        The map.
    folder
        Made if it does not exist.
    stem
        How the file names begin; the name of the scan (or 'scan') if not given.
    overwrite
        Replace files of the same names.
    bright_field
        An image of the scan, shape (scan_y, scan_x), to show in the figure beside the map.
    figure
        Whether to draw the figure.

    Returns
    -------
    list of Path
        - `_map.json`: classes in the order of the ids, calibration, provenance, walls between the classes
        - `_classes.tif`: uint8, 0 = no data, 1..n = classes, shown in their colours by ImageJ
        - `_probabilities.npy`: float32, (scan_y, scan_x, n), NaN = no data
        - `_rgb.png`: class colours mixed by their probabilities, one pixel per position
        - `_confidence.tif`: float32, probability of the class
        - `_domains.csv`: area, walls and confidence of each class
        - `_figure.png`: the classes in their colours, with scale bar and legend, large enough for a talk

        Both TIFF files keep the size of the pixels.

    Raises
    ------
    OutputError
        If a file exists already (nothing is written then), or cannot be written.
    MapError
        If the bright field has another shape than the map; nothing is written then.
    """
    paths = output_paths(folder, scan_name(domain_map) if stem is None else stem, figure=figure)
    check_outputs(paths, overwrite=overwrite)
    with whole_files(paths) as temporaries:  # the JSON file, the first one, comes last
        writers = SET_WRITERS | {FIGURE_SUFFIX: lambda path, drawn: write_figure(path, drawn, bright_field)}
        if not figure:
            del writers[FIGURE_SUFFIX]
        for write, temporary in zip(writers.values(), temporaries, strict=True):
            write(temporary, domain_map)
    return paths


def save_file(domain_map: MapContents, path: Path | str, *, overwrite: bool = False) -> Path:
    """Write one file of a map; its ending says which, see `FILE_WRITERS`.

    All but the HDF5 file are, byte for byte, what `save_map` writes as `_classes.tif`, `_rgb.png` and `_domains.csv`.

    Raises
    ------
    OutputError
        If the ending is none of these, the file exists already, or it cannot be written.
    """
    path = Path(path)
    write = FILE_WRITERS.get(path.suffix.lower())
    if write is None:
        raise OutputError(f"A domain map is not written as {path.name}; end the name in {', '.join(FILE_WRITERS)}.")
    check_outputs([path], overwrite=overwrite)
    with whole_file(path) as temporary:
        write(temporary, domain_map)
    return path


def scan_name(domain_map: MapContents) -> str:
    """Name the scan of a map by its file, without ending; 'scan' where it came from no file."""
    scan = domain_map.provenance.get("scan")
    path = scan.get("path") if isinstance(scan, dict) else None
    return Path(path).stem if path else "scan"
