"""Makes the pictures of docs/tutorial.md from the real window: `make screenshots`."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

IMAGES = Path(__file__).parent.parent / "docs" / "images"
SIZE = (1600, 1000)


def main() -> None:
    """Go through the tutorial, and take a picture at each step."""
    with tempfile.TemporaryDirectory() as folder:  # nothing of the user's is read, shown or changed
        os.environ.update(XDG_DATA_HOME=folder, XDG_CONFIG_HOME=folder, NAPARI_CONFIG=f"{folder}/napari.yaml")
        import napari

        classes()
        viewer = napari.Viewer()
        viewer.window.resize(*SIZE)
        tutorial(viewer)
        viewer.close()


def classes() -> None:
    """Draw what tells the classes of the sample apart: the middle of their mean patterns, the ghosts in rings."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    import napari_ghosthunter as gh

    sample, side, font = gh.simulate(), 300, ImageFont.load_default(18)
    patterns = np.asarray(sample.scan.data, np.float32)
    lit = {"none": (), "vertical": ((0, -1), (0, 1)), "horizontal": ((-1, 0), (1, 0))}  # (x, y) from the direct beam
    sheet = Image.new("RGB", (side * len(sample.names) + 20, side + 40), "white")
    draw = ImageDraw.Draw(sheet)
    for number, name in enumerate(sample.names):
        mean = patterns[sample.truth == number].mean(0)
        quarter = len(mean) // 4
        middle = np.log1p(mean / (mean.mean() * 0.05))[quarter:-quarter, quarter:-quarter]
        low, high = np.quantile(middle, (0.02, 0.88))
        shown = Image.fromarray((255 * np.clip((middle - low) / (high - low), 0, 1)).astype(np.uint8))
        left, half = number * (side + 10), side // 2
        sheet.paste(shown.resize((side, side), Image.Resampling.BICUBIC), (left, 0))
        draw.text((left + half, side + 20), name, "black", font, anchor="mm")
        for x, y in lit[name]:  # a ring around each ghost next to the beam, half a lattice vector away
            centre = left + half - 12 + x * 56, half + 6 + y * 56
            draw.circle(centre, 24, outline="orange", width=2)
    sheet.save(IMAGES / "tutorial-classes.png", optimize=True)


def tutorial(viewer: Any) -> None:
    """Do what the tutorial says."""
    from napari_ghosthunter.plugin.docks import MAPPER, find_dock

    viewer.open_sample("napari-ghosthunter", "boracite")
    until(lambda: find_dock(viewer, MAPPER) is not None)
    mapper = find_dock(viewer, MAPPER)
    until(lambda: mapper.desk.session is not None)
    viewer.canvas.overlays.scale_bar.visible = True
    picture(viewer, "scan")

    mapper.show_page(mapper.label_page)
    mapper.label_page.paper_button.click()
    mapper.label_page.propose_button.click()
    label(viewer, mapper.desk.session, stop_before_last=7)
    picture(viewer, "points")
    label(viewer, mapper.desk.session)
    session = mapper.desk.session
    for _ in range(4):
        until(lambda: settled(session), 120)
        mapper.label_page.unsure_button.click()
        label(viewer, session)
    until(lambda: settled(session), 120)
    picture(viewer, "live")

    mapper.show_page(mapper.train_page)
    mapper.train_page.train_button.click()
    until(lambda: session.model is not None and not mapper.training.running, 600)
    until(lambda: session.segmentation.is_current and not mapper.mapping.running, 600)
    picture(viewer, "train")
    mapper.show_page(mapper.map_page)
    picture(viewer, "map")

    mapper.show_page(mapper.export_page)
    mapper.export_page.folder.setText(str(Path.home() / "maps"))
    picture(viewer, "export")


def label(viewer: Any, session: Any, stop_before_last: int = 0) -> None:
    """Label the points that wait with the true classes of the simulated scan."""
    truth, names = (viewer.layers[0].metadata[key] for key in ("truth", "truth_names"))
    while len(session.labels.waiting) > stop_before_last:
        session.label_current(names[truth[session.current]])


def settled(session: Any) -> bool:
    """Tell whether the live map knows all labels."""
    settling = session.live.settling
    return settling is not None and settling.labels[-1] == len(session.labels)


def until(done: Callable[[], bool], seconds: float = 60) -> None:
    """Let the window work until something is so."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while not done():
        QApplication.processEvents()
        time.sleep(0.005)
        if time.monotonic() > end:
            raise TimeoutError(f"The window did not get there in {seconds} s.")


def picture(viewer: Any, name: str) -> None:
    """Take a picture of the window once it has come to rest."""
    from PIL import Image

    rest = time.monotonic() + 1.5
    until(lambda: time.monotonic() > rest)
    pixels = viewer.window.screenshot(canvas_only=False, flash=False)
    Image.fromarray(pixels).convert("RGB").save(IMAGES / f"tutorial-{name}.png", optimize=True)


if __name__ == "__main__":
    main()
