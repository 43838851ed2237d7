"""A scan that a model was applied to, and its map, as two layers of a viewer that shows other scans already.

All layers of a viewer share its units, or napari cannot say where the cursor is. So a scan in other units is converted,
and one whose step is not known, or not comparable, is shown with some step, which the user is told.
"""

from __future__ import annotations

from typing import Any

from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper.mapping.result_layers import (
    DOMAINS,
    colour_classes,
    make_layer,
    mark_of,
    put_rows,
)
from napari_ghosthunter.plugin.scan_image import LayerData
from napari_ghosthunter.plugin.units import napari_units
from napari_ghosthunter.scan.calibration import PIXELS
from napari_ghosthunter.scan.units import convert, plain_axis


def add_result(viewer: Any, picture: LayerData, domain_map: DomainMap, name: str) -> str:
    """Add the image of a scan and its `Domains`, and leave the chosen layer the chosen one.

    Parameters
    ----------
    viewer
        Where to.
    picture
        From `scan_layer`.
    domain_map
        The map of that scan.
    name
        Name of the scan.

    Returns
    -------
    str
        What the user should know of the scale, as a sentence; empty if it is right.
    """
    data, arguments, _ = picture
    units = viewer_units(viewer) or domain_map.calibration.scan_units
    scale, note = fitted_scale(domain_map.calibration.scan_step, domain_map.calibration.scan_units, units)
    layers = viewer.layers
    selected, active = list(layers.selection), layers.selection.active
    image = bare(viewer.add_image(data, **arguments | {"name": name, "scale": scale, "units": napari_units(units)}))
    domains = make_layer(DOMAINS, image, domain_map.scan_shape, None)
    put_rows(domains, domain_map.classes_image, 0, domain_map.scan_shape[0], domain_map.scan_shape)
    colour_classes(domains, domain_map.classes)
    domains.name = f"{DOMAINS} of {name}"
    domains.metadata["domain_map"] = domain_map
    mark = mark_of(domains)
    assert mark is not None  # just made
    mark.domain_map = domain_map
    layers.append(domains)
    if selected:
        layers.selection.clear()
        layers.selection.update(selected)
        layers.selection.active = active
    return note


def viewer_units(viewer: Any) -> str:
    """Name the units of the layers of a viewer as this package writes them; empty without layers."""
    for layer in viewer.layers:
        return plain_axis(1.0, str(layer.units[-1]))[1]
    return ""


def fitted_scale(step: tuple[float, float], units: str, wanted: str) -> tuple[tuple[float, float], str]:
    """Give the step (y, x) of a scan in the units of a viewer, and what the user should know of it."""
    converted = [convert(one, units, wanted) for one in step]
    if converted[0] is not None and converted[1] is not None:
        return (converted[0], converted[1]), ""
    if wanted == PIXELS:
        return (1.0, step[1] / step[0]), (
            "The other layers of the window have no units, so that this scan is shown there with one position as one "
            "pixel."
        )
    return (1.0, step[1] / step[0]), (
        f"Its step is not known in {wanted}, as the other layers have it: it is shown with 1 {wanted} from row to row, "
        "and the scale bar does not hold for it."
    )
