"""One picture of several scan images side by side, large enough to look at: for the demo and the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.files import whole_file

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

    from napari_ghosthunter.labelling.classes import ClassScheme

PANEL_SIDE = 420  # screen pixels of the longer side of a panel, about
GAP, LINE = 14, 26  # screen pixels between panels, and of a line of text


def grey(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Turn an image (y, x) of numbers into grey levels (y, x, 3), the contrast from its 1st and 99th percentile."""
    low, high = np.percentile(image, (1, 99))
    levels = np.clip((image - low) / max(high - low, 1e-12), 0, 1) * 255
    return np.repeat(levels.astype(np.uint8)[..., None], 3, axis=2)


def save_overview(path: Path, panels: Mapping[str, NDArray[np.uint8]], classes: ClassScheme, columns: int = 2) -> None:
    """Write panels (y, x, 3) with their titles, and what the class colours mean, as one PNG.

    Pixels are enlarged, never smoothed.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from PIL import Image, ImageDraw, ImageFont

    enlarged = {title: _enlarged(panel) for title, panel in panels.items()}
    width = max(panel.shape[1] for panel in enlarged.values()) + GAP
    tall = [len(panel) for panel in enlarged.values()]
    heights = [max(tall[start : start + columns]) + LINE + GAP for start in range(0, len(tall), columns)]
    canvas = Image.new("RGB", (columns * width + GAP, LINE + sum(heights) + 2 * GAP), "white")
    draw = ImageDraw.Draw(canvas)
    draw.font = ImageFont.load_default(16)
    _legend(draw, classes)
    for index, (title, panel) in enumerate(enlarged.items()):
        left, top = GAP + index % columns * width, LINE + 2 * GAP + sum(heights[: index // columns])
        draw.text((left, top), title, fill="black")
        canvas.paste(Image.fromarray(panel), (left, top + LINE))
    with whole_file(path) as temporary:
        canvas.save(temporary)


def _legend(draw: ImageDraw, classes: ClassScheme) -> None:
    """Draw a line of class colours and names."""
    left = float(GAP)
    for entry in classes.classes:
        draw.rectangle((left, GAP, left + 16, GAP + 16), fill=entry.colour, outline="black")
        draw.text((left + 24, GAP - 2), entry.name, fill="black")
        left += 24 + draw.textlength(entry.name) + 2 * GAP


def _enlarged(panel: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = max(1, round(PANEL_SIDE / max(panel.shape[:2])))
    return panel.repeat(factor, axis=0).repeat(factor, axis=1)
