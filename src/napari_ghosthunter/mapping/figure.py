"""A domain map as a figure for a talk or a notebook: class colours beside the bright field, scale bar and legend.

All is drawn with Pillow, so that no state is shared with whoever plots in the same process; matplotlib lends its font
alone, which has the letters of units and of most languages.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.mapping.contents import MapContents
from napari_ghosthunter.mapping.origin import ORIGIN, origin_line
from napari_ghosthunter.scan.calibration import PIXELS
from napari_ghosthunter.scan.units import nice_length, pretty

if TYPE_CHECKING:
    from PIL.Image import Image as Picture
    from PIL.ImageDraw import ImageDraw

WIDTH, TALLEST = 1600, 1500  # pixels of the figure, and of its tallest panel
GAP, LINE, TEXT, SWATCH = 32, 48, 30, 28  # between parts, of a line of text, of its letters, of a colour of the legend
BAR, THICK = 0.25, 12  # share of a panel that the scale bar may take, and its height in pixels
LONGEST_NAME = 40  # letters
NO_DATA = "#000000"


def write_figure(path: Path, domain_map: MapContents, bright_field: ArrayLike | None = None) -> None:
    """Write a PNG, 1600 pixels wide, of the classes in their colours, with scale bar and legend.

    Parameters
    ----------
    path
        The file.
    domain_map
        The map.
    bright_field
        An image of the scan to show beside the map, shape (scan_y, scan_x); only the map if not given.

    Raises
    ------
    MapError
        If the image has another shape than the map.
    """
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_itxt(ORIGIN, origin_line(domain_map))
    drawn(domain_map, bright_field).save(path, pnginfo=told, dpi=(200, 200))


def drawn(domain_map: MapContents, bright_field: ArrayLike | None = None) -> Picture:
    """Draw the figure that `write_figure` writes."""
    from PIL import Image, ImageDraw

    panels = _panels(domain_map, bright_field)
    (height, width), scale, beside = _layout(domain_map, len(panels))
    entries = _entries(domain_map)
    places = _places(entries)
    below = (1 if beside else len(panels)) * (LINE + height + GAP) + GAP // 2
    bar = domain_map.calibration.scan_units != PIXELS
    legend = below + (LINE if bar else 0)
    lines = 1 + max((line for line, _ in places), default=0)
    canvas = Image.new("RGB", (WIDTH, legend + lines * LINE + GAP // 2), "white")
    draw = ImageDraw.Draw(canvas)
    draw.font = _font()
    for index, (title, image) in enumerate(panels.items()):
        left = GAP + (index * (width + GAP) if beside else 0)
        top = GAP // 2 + (0 if beside else index * (LINE + height + GAP))
        draw.text((left, top), title, fill="black")
        canvas.paste(_resized(image, width, height), (left, top + LINE))
    if bar:
        _scale_bar(draw, below, width, scale, domain_map.calibration.scan_units)
    for (name, colour), (line, left) in zip(entries, places, strict=True):
        top = legend + line * LINE
        draw.rectangle((left, top + 6, left + SWATCH, top + 6 + SWATCH), fill=colour, outline="black")
        draw.text((left + SWATCH + 12, top), name, fill="black")
    return canvas


def _panels(domain_map: MapContents, bright_field: ArrayLike | None) -> dict[str, NDArray[np.uint8]]:
    """Give what is shown, by its title, as colours (y, x, 3)."""
    from napari_ghosthunter.mapping.overview import grey

    table = np.vstack([np.zeros((1, 3), np.uint8), domain_map.classes.rgb()])
    domains = {"Domains": table[domain_map.classes_image]}
    if bright_field is None:
        return domains
    image = np.asarray(bright_field, np.float64)
    if image.shape != domain_map.scan_shape:
        raise MapError(f"The bright field has the shape {image.shape}, but the map {domain_map.scan_shape}.")
    return {"Bright field": grey(np.where(np.isfinite(image), image, 0)), **domains}


def _layout(domain_map: MapContents, count: int) -> tuple[tuple[int, int], float, bool]:
    """Give (height, width) of a panel, its pixels for each scan unit, and whether panels lie side by side.

    They keep the proportions of the scan, whose steps may differ, and lie in the way in which they are larger.
    """
    (rows, columns), (step_y, step_x) = domain_map.scan_shape, domain_map.calibration.scan_step
    high, wide = rows * step_y, columns * step_x
    side = min((WIDTH - (count + 1) * GAP) / count / wide, TALLEST / high)
    stacked = min((WIDTH - 2 * GAP) / wide, TALLEST / count / high)
    scale, beside = max((side, True), (stacked, False))
    return (max(1, round(high * scale)), max(1, round(wide * scale))), scale, beside


def _resized(image: NDArray[np.uint8], width: int, height: int) -> Picture:
    """Enlarge without smoothing, so that a position stays a pixel with edges; make smaller by averaging."""
    from PIL import Image

    picture = Image.fromarray(image)
    for size in ((width, image.shape[0]), (width, height)):
        smaller = size[0] < picture.width or size[1] < picture.height
        picture = picture.resize(size, Image.Resampling.BOX if smaller else Image.Resampling.NEAREST)
    return picture


def _scale_bar(draw: ImageDraw, top: int, width: int, scale: float, units: str) -> None:
    """Draw a bar of a round length, and beside it how long it is, below the left panel."""
    length = nice_length(BAR * width / scale)
    right = GAP + max(1, round(length * scale))
    draw.rectangle((GAP, top + (LINE - THICK) // 2, right - 1, top + (LINE + THICK) // 2 - 1), fill="black")
    draw.text((right + 12, top), f"{length:g} {pretty(units)}", fill="black")


def _entries(domain_map: MapContents) -> list[tuple[str, str]]:
    """Give the names and colours of the legend: all classes, and 'no data' where there is a position without."""
    found = [(_short(entry.name), entry.colour) for entry in domain_map.classes.classes]
    return found if domain_map.has_data.all() else [*found, ("no data", NO_DATA)]


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _places(entries: list[tuple[str, str]]) -> list[tuple[int, int]]:
    """Give the line of each entry of the legend, and where it begins there."""
    font, line, left, places = _font(), 0, GAP, []
    for name, _ in entries:
        width = SWATCH + 12 + int(font.getlength(name))
        if left > GAP and left + width > WIDTH - GAP:
            line, left = line + 1, GAP
        places.append((line, left))
        left += width + GAP
    return places


def _font() -> Any:
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), TEXT)
