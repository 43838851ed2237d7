"""One picture of several scan images side by side, large enough to look at: for the demo and the documentation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.files import whole_file

PANEL_SIDE = 420  # screen pixels of the longer side of a panel, about
GAP, TITLE = 12, 26  # screen pixels between panels, and above them


def grey(image: NDArray[Any]) -> NDArray[np.uint8]:
    """Turn an image (y, x) of numbers into grey levels (y, x, 3), the contrast from its 1st and 99th percentile."""
    low, high = np.percentile(image, (1, 99))
    levels = np.clip((image - low) / max(high - low, 1e-12), 0, 1) * 255
    return np.repeat(levels.astype(np.uint8)[..., None], 3, axis=2)


def save_overview(path: Path, panels: Mapping[str, NDArray[np.uint8]], columns: int = 2) -> None:
    """Write panels (y, x, 3) with their titles as one PNG; pixels are enlarged, never smoothed.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    from PIL import Image, ImageDraw, ImageFont

    enlarged = {title: _enlarged(panel) for title, panel in panels.items()}
    width = max(panel.shape[1] for panel in enlarged.values()) + GAP
    tall = [len(panel) for panel in enlarged.values()]
    heights = [max(tall[start : start + columns]) + TITLE + GAP for start in range(0, len(tall), columns)]
    canvas = Image.new("RGB", (columns * width + GAP, sum(heights) + GAP), "white")
    draw = ImageDraw.Draw(canvas)
    for index, (title, panel) in enumerate(enlarged.items()):
        left, top = GAP + index % columns * width, GAP + sum(heights[: index // columns])
        draw.text((left, top + 2), title, fill="black", font=ImageFont.load_default(16))
        canvas.paste(Image.fromarray(panel), (left, top + TITLE))
    with whole_file(path) as temporary:
        canvas.save(temporary)


def _enlarged(panel: NDArray[np.uint8]) -> NDArray[np.uint8]:
    factor = max(1, round(PANEL_SIDE / max(panel.shape[:2])))
    return panel.repeat(factor, axis=0).repeat(factor, axis=1)
