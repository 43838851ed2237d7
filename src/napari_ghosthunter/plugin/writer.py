"""File > Save Selected Layers: a segmentation as the files that `DomainMap.save` and the command line write.

What is saved is the map behind the layer, not its pixels, because a picture of ids has neither names, colours,
probabilities nor calibration. What the layer hides, below a threshold of confidence or erased by hand, is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.export import FILE_WRITERS, save_file


def write_tiff(path: str, data: ArrayLike, attributes: Mapping[str, Any]) -> list[str]:
    """Write the classes as a calibrated TIFF; see `write`."""
    return write(path, data, attributes, ".tif")


def write_png(path: str, data: ArrayLike, attributes: Mapping[str, Any]) -> list[str]:
    """Write the colours, mixed by the probabilities, as PNG; see `write`."""
    return write(path, data, attributes, ".png")


def write_hdf5(path: str, data: ArrayLike, attributes: Mapping[str, Any]) -> list[str]:
    """Write probabilities, classes and all that belongs to them as HDF5; see `write`."""
    return write(path, data, attributes, ".h5")


def write_csv(path: str, data: ArrayLike, attributes: Mapping[str, Any]) -> list[str]:
    """Write the table of areas and wall lengths as CSV; see `write`."""
    return write(path, data, attributes, ".csv")


def write(path: str, data: ArrayLike, attributes: Mapping[str, Any], ending: str) -> list[str]:
    """Write the domain map behind a layer, in place of a file of this name (the dialog has asked).

    Parameters
    ----------
    path
        The file; it gets `ending` if it has none of a known kind.
    data
        What the layer shows: ids, 0 where nothing.
    attributes
        What napari knows of the layer; its metadata hold the map (`domain_map`).
    ending
        Of the kind of file that was chosen.

    Returns
    -------
    list of str
        The file written.

    Raises
    ------
    OutputError
        If the layer holds no map, shows another one, or the file cannot be written.
    """
    name = str(attributes.get("name", "The layer"))
    domain_map = dict(attributes.get("metadata") or {}).get("domain_map")
    if not isinstance(domain_map, DomainMap):
        raise OutputError(
            f"'{name}' is no domain map: nothing was saved. GhostHunter saves the maps that it makes; for other layers "
            "choose one of napari's own file types."
        )
    target = Path(path)
    if target.suffix.lower() not in FILE_WRITERS:
        target = target.with_name(target.name + ending)
    return [str(save_file(_as_shown(domain_map, np.asarray(data), name), target, overwrite=True))]


def _as_shown(domain_map: DomainMap, shown: np.ndarray[Any, Any], name: str) -> DomainMap:
    """Leave out of the map what the layer does not show.

    Raises
    ------
    OutputError
        If the layer shows classes where the map has others: probabilities cannot say what was painted.
    """
    if shown.shape != domain_map.scan_shape:
        raise OutputError(f"'{name}' has the shape {shown.shape}, but its map {domain_map.scan_shape}; map it again.")
    painted = int(np.count_nonzero((shown != 0) & (shown != domain_map.classes_image)))
    if painted:
        raise OutputError(
            f"'{name}' was painted over at {painted} position{'s' if painted > 1 else ''}, which its probabilities do "
            "not know of: nothing was saved. Undo that, or save the picture as napari's own 'labels'."
        )
    return domain_map.without(shown == 0)
