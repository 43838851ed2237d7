"""The live map: how long after a label it is seen, and whether labels that it asks for find a small island.

The window is a real one. Without a screen, on Linux, put `xvfb-run -a -s "-screen 0 1600x1000x24"` before it. An island
is 3 x 3 positions without ghosts, in a domain of a simulated scan of 34 x 206: it is found when a position in it is
proposed among the first 60.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import scratch
from benchmarks.rows import Row, at_least, at_most, run_alone
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.simulate import NONE, SimulationConfig, simulate

LABELS = 40
ISLAND_LAYOUTS, ISLAND_SEEDS, BUDGET, BATCH, STEP = ("wall", "curved", "stripes", "needles"), (1, 2, 3), 60, 5, 30


def rows(quick: bool) -> Iterator[Row]:
    """Measure the wait for the map, then look for islands."""
    shapes = {"demo scan, 34 x 64": ((34, 64), 300)} | ({} if quick else {"34 x 206 positions": ((34, 206), 1000)})
    for name, (shape, limit) in shapes.items():
        late, measured = milliseconds_late(shape, 8 if quick else LABELS)
        what = f"live map after a label, {name}"
        yield Row(f"{what}: median of {len(late)}", f"{np.median(late):.0f} ms", "", None)
        yield at_most(f"{what}: 95th percentile", float(np.percentile(late, 95)), limit, " ms")
        yield Row(f"looking at all patterns, {name}, 64 x 64 pixels", f"{measured:.1f} s")
    scans = [island_scan(layout, seed) for layout in ISLAND_LAYOUTS for seed in ISLAND_SEEDS][: 1 if quick else None]
    without, with_contrast = (sum(found(scan, truth, island, contrast=use) for scan, truth, island in scans)
                              for use in (False, True))  # fmt: skip
    yield at_least(
        f"islands of 3 x 3 found within {BUDGET} labels, of {len(scans)}", with_contrast, len(scans) / 2, "",
        f"{without} by uncertainty alone",
    )  # fmt: skip


def milliseconds_late(shape: tuple[int, int], count: int) -> tuple[list[float], float]:
    """Give labels one after the other, and take the time until each map is drawn; and of looking at the patterns."""
    import napari
    from qtpy.QtWidgets import QApplication

    from napari_ghosthunter.plugin.mapper.desk import Desk
    from napari_ghosthunter.plugin.mapper.labelling.label_page import LabelPage
    from napari_ghosthunter.plugin.mapper.labelling.sample_points import SamplePoints
    from napari_ghosthunter.plugin.scan_image import scan_layer
    from napari_ghosthunter.session.session import Session

    def turn(until: object, seconds: float = 60) -> None:
        end = time.perf_counter() + seconds
        while not until():  # type: ignore[operator]
            QApplication.processEvents()
            time.sleep(0.001)  # as a window waits for events: it must not keep Python from the other threads
            if time.perf_counter() > end:
                raise TimeoutError("The map did not come.")

    sample = simulate(SimulationConfig(scan_shape=shape, detector_shape=(64, 64)))
    viewer = napari.Viewer()
    data, layer, _ = scan_layer(sample.scan)
    viewer.add_image(data, **layer)
    with scratch() as folder:
        desk = Desk(viewer)
        viewer.window.add_dock_widget(LabelPage(desk, SamplePoints(desk)), area="right")
        session = Session.start(sample.scan, data_folder=folder)
        for name in sample.names:
            session.labels.add_class(name)
        session.propose(6)
        began = time.perf_counter()
        desk.layer = viewer.layers[0]
        desk.take(session)
        turn(lambda: session.live.complete)
        measured = time.perf_counter() - began
        late: list[float] = []
        while len(late) < count and session.current is not None:
            before, began = session.live.domain_map, time.perf_counter()
            session.label_current(sample.names[sample.truth[session.current]])
            if len(set(session.labels.values())) < 2:
                continue
            turn(lambda known=before: session.live.domain_map not in (None, known))
            QApplication.processEvents()
            late.append((time.perf_counter() - began) * 1000)
            pause = time.perf_counter() + 0.3  # nobody labels faster
            turn(lambda end=pause: time.perf_counter() > end)
        desk.close()
    viewer.close()
    return late[1:], measured  # napari makes the layers with the first


def island_scan(layout: str, seed: int) -> tuple[Scan, NDArray[np.uint8], tuple[int, int]]:
    """Simulate a scan, and put an island into it: as another scan with the same thickness, tilt and drift has it."""
    config = SimulationConfig(scan_shape=(34, 206), seed=seed, layout=layout, island_fraction=0)
    plain, holed = simulate(config), simulate(config.model_copy(update={"island_fraction": 0.5}))
    rng = np.random.default_rng(seed)
    spots = [
        (y, x)
        for y in range(2, 32)
        for x in range(2, 204)
        if (holed.truth[y - 2 : y + 3, x - 2 : x + 3] == NONE).all()
        and len(set(plain.truth[y - 2 : y + 3, x - 2 : x + 3].ravel()) | {NONE}) == 2
        and plain.truth[y, x] != NONE
    ]
    y, x = spots[rng.integers(len(spots))]
    part = slice(y - 1, y + 2), slice(x - 1, x + 2)
    cube, truth = np.array(plain.scan.data), plain.truth.copy()
    cube[part], truth[part] = np.asarray(holed.scan.data)[part], NONE
    return replace(plain.scan, data=cube), truth, (y, x)


def found(scan: Scan, truth: NDArray[np.uint8], island: tuple[int, int], *, contrast: bool) -> bool:
    """Label what is proposed, and tell whether a position of the island is among it."""
    from napari_ghosthunter.labelling.classes import ClassScheme
    from napari_ghosthunter.labelling.sampling import grid, most_uncertain
    from napari_ghosthunter.labelling.uncertain import contrasts
    from napari_ghosthunter.learning.network import COMPONENTS
    from napari_ghosthunter.mapping.live import live_map, measure
    from napari_ghosthunter.session.live import APART

    *_, features = measure(scan)
    differ = contrasts(features.values[..., :COMPONENTS]) if contrast else None
    classes = ClassScheme.from_names(["none", "vertical", "horizontal"])
    labels = {spot: classes.names[truth[spot]] for spot in grid(scan.scan_shape, STEP)}
    while len(labels) < BUDGET:
        mapped = live_map(features, labels, classes)
        likely = np.full((*scan.scan_shape, 2), 0.5) if mapped is None else mapped.probabilities
        proposed = most_uncertain(likely, labels, min(BATCH, BUDGET - len(labels)), APART, differ).proposals
        labels |= {one.position: classes.names[truth[one.position]] for one in proposed}
    return any(abs(y - island[0]) <= 1 and abs(x - island[1]) <= 1 for y, x in labels)


if __name__ == "__main__":
    run_alone("benchmarks.live", rows)
