"""The layers that show a map in the viewer: how each is made, and what its pixels are."""

from __future__ import annotations

from dataclasses import dataclass
from types import MethodType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.plugin.layers import geometry, position_at
from napari_ghosthunter.plugin.mapper.mapping.probabilities import status_text

DOMAINS, MIXED, CONFIDENCE = "Domains", "Domain probabilities", "Confidence"
KINDS = (CONFIDENCE, MIXED, DOMAINS)  # from below to above
OPACITY = 0.6  # of the classes, so that the scan is seen through them

Pixels = NDArray[Any]


@dataclass
class Mark:
    """What a layer of ours knows of itself, as its attribute `ghosthunter`; a copy that the user makes knows nothing.

    Attributes
    ----------
    kind
        Which of the layers it is.
    home
        The folder of its sitting, by which the layers are found again when that is gone on with.
    domain_map
        What it shows.
    """

    kind: str
    home: Any
    domain_map: DomainMap | None = None


def make_layer(kind: str, like: Any, scan_shape: tuple[int, int], home: Any) -> Any:
    """Make an empty layer of a kind, where the layer `like` is."""
    from napari.layers import Image, Labels

    where = geometry(like) | {"axis_labels": like.axis_labels, "name": kind}
    if kind == DOMAINS:
        layer: Any = Labels(np.zeros(scan_shape, np.uint8), opacity=OPACITY, **where)
        layer.editable = False  # painting would not change the map; it would only look so
    elif kind == MIXED:
        layer = Image(np.zeros((*scan_shape, 3), np.uint8), rgb=True, visible=False, **where)
    else:
        pixels = np.zeros(scan_shape, np.float32)
        layer = Image(pixels, contrast_limits=(0, 1), colormap="viridis", visible=False, **where)
    layer.ghosthunter = Mark(kind, home)
    layer.get_status = MethodType(_status, layer)
    return layer


def mark_of(layer: Any) -> Mark | None:
    """Give what a layer of ours knows of itself."""
    mark = getattr(layer, "ghosthunter", None)
    return mark if isinstance(mark, Mark) else None


def pixels_of(kind: str, domain_map: DomainMap, threshold: float) -> Pixels:
    """Give what a layer of a kind shows of a map."""
    if kind == DOMAINS:
        return domain_map.classes_above(threshold)
    return domain_map.rgb if kind == MIXED else domain_map.confidence


def put_rows(layer: Any, rows: Pixels, start: int, stop: int, scan_shape: tuple[int, int]) -> None:
    """Write the scan rows start..stop into a layer, in place; what someone has put into it instead is replaced."""
    shape = (*scan_shape, *rows.shape[2:])
    if layer.data.shape != shape or layer.data.dtype != rows.dtype:
        layer.data = np.zeros(shape, rows.dtype)
    layer.data[start:stop] = rows


def colour_classes(layer: Any, classes: ClassScheme) -> None:
    """Give the ids their colours and names."""
    from napari.utils.colormaps import DirectLabelColormap

    numbers = list(range(1, len(classes) + 1))
    colours: dict[int | None, str] = {None: "transparent", 0: "transparent"}
    colours.update(zip(numbers, classes.colours, strict=True))
    layer.colormap = DirectLabelColormap(color_dict=colours)
    layer.features = {"index": numbers, "class": list(classes.names)}


def _status(layer: Any, position: Any = None, *, world: bool = False, **rest: Any) -> dict[str, str]:
    """Say in the status bar what the map is sure of at a position; napari knows one text for each class only.

    napari asks from a thread of its own, so nothing is changed here.
    """
    status: dict[str, str] = type(layer).get_status(layer, position, world=world, **rest)
    mark = mark_of(layer)
    if position is None or mark is None or mark.domain_map is None:
        return status
    spot = position_at(layer, position if world else layer.data_to_world(position))
    if spot is not None:
        status["value"] = status_text(mark.domain_map, spot)
        status["coordinates"] = f"{status['coords']}: {status['value']}"
    return status
