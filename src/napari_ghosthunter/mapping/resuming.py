"""Maps that are there already, so that a long batch can go on where it was stopped."""

from __future__ import annotations

from pathlib import Path

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.export import output_paths
from napari_ghosthunter.mapping.neighbours import strength_in
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.scan import Scan

SAME = ("path", "dataset", "reader", "shape", "dtype", "scan_step", "scan_units")  # of what `describe` gives


def whole_map(folder: Path | str, stem: str, scan: Scan, model: Model, neighbours: float = 0.0) -> DomainMap | None:
    """Read the map `stem` in a folder if it is whole and what this model makes of this scan; else give None.

    Whole means that all files but the figure are there, and that those that `DomainMap.load` reads can be read. The map
    must name the model by its hash, and the scan by its path, dataset, reader, shape, type and step; neighbours must
    have helped as much as they are to help now; it must have all positions, and must not be older than the file of the
    scan. A scan from no file has nothing to be known by.
    """
    paths, source = output_paths(folder, stem, figure=False), scan.provenance.path
    if source is None or not all(path.is_file() for path in paths):
        return None
    if source.stat().st_mtime > paths[0].stat().st_mtime:
        return None
    try:
        found = DomainMap.load(folder, stem)
        same = strength_in(found.provenance) == neighbours
    except MapError:
        return None
    told, here = found.provenance.get("scan"), describe(scan)
    same = same and isinstance(told, dict) and all(told.get(name) == here[name] for name in SAME)
    same = same and told is not None and told.get("options", {}) == here["options"]
    same = same and found.provenance.get("model_hash") == model.hash and "positions_left_out" not in found.provenance
    return found if same else None
