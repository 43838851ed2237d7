"""Scan layers of a viewer: which scan one shows, and which of its positions is under a point of the viewer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.scan.scan import Scan

LAST_AXES = 2
SCAN_NAMES = "scan_names"  # in the metadata: which scan it was under each name that a virtual detector gave the layer
NUMBER = re.compile(r" \[\d+\]$")  # that napari appends to a name that is taken
GEOMETRY = ("scale", "translate", "rotate", "shear", "affine", "units")  # what says where a layer is


def bare(guarded: Any) -> Any:
    """Give the layer or viewer itself where a plugin got a guarded one, so that two can be told to be the same."""
    return getattr(guarded, "__wrapped__", guarded)


def geometry(layer: Any) -> dict[str, Any]:
    """Give where a layer is, as arguments of a new one."""
    return {name: getattr(layer, name) for name in GEOMETRY} | {"affine": layer.affine.affine_matrix}


def scan_of(layer: Any) -> Scan | None:
    """Give the scan that a layer shows, or None if it shows none."""
    scan = getattr(layer, "metadata", {}).get("scan")
    return scan if isinstance(scan, Scan) and tuple(layer.data.shape[:2]) == scan.scan_shape else None


def scan_name(layer: Any) -> str:
    """Give the name of a layer's scan: that of the layer, without the virtual detector that its image was made with."""
    names = layer.metadata.get(SCAN_NAMES, {})
    return str(names.get(layer.name) or names.get(NUMBER.sub("", layer.name)) or layer.name)


def name_image(layer: Any, name: str, title: str) -> None:
    """Name a scan's layer after the scan and what its image was made with, and keep the name of the scan."""
    whole = f"{name}: {title}"
    layer.metadata.setdefault(SCAN_NAMES, {})[whole] = name
    if NUMBER.sub("", layer.name) != whole:
        layer.name = whole


def position_at(layer: Any, world: Sequence[float]) -> Position | None:
    """Give the probe position under a point of the main viewer, or None beside the scan.

    The layer knows its scale, flip and translation, and which of the viewer's axes are its own.
    """
    point = np.asarray(layer.world_to_data(world), np.float64)[-LAST_AXES:]
    y, x = (int(np.floor(value + 0.5)) for value in point)
    size_y, size_x = layer.data.shape[:2]
    return (y, x) if 0 <= y < size_y and 0 <= x < size_x else None
