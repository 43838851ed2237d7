"""Virtual detectors: the masks of the core, and what a hand does to them."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ghosthunter.plugin.diffraction.detector import make_detector
from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.virtual.masks import bright_field_mask, dark_field_mask, total_mask

SHAPE = (20, 32)
BEAM = BeamCentre(8.3, 15.6, 3.0)


def test_buttons_give_the_masks_of_the_core() -> None:
    for kind, mask in (
        ("bright field", bright_field_mask(SHAPE, BEAM)),
        ("annular dark field", dark_field_mask(SHAPE, BEAM)),
        ("total", total_mask(SHAPE)),
        ("custom", bright_field_mask(SHAPE, BEAM)),
    ):
        np.testing.assert_array_equal(make_detector(kind, SHAPE, BEAM).mask(), mask)


@pytest.mark.parametrize(
    ("distance", "handle"), [(0, "move"), (2.0, "move"), (3.2, "outer"), (4.0, "outer"), (6.0, None)]
)
def test_a_disk_is_moved_by_its_inside_and_resized_by_its_edge(distance: float, handle: str | None) -> None:
    disk = make_detector("bright field", SHAPE, BEAM)
    assert disk.grab((BEAM.k_y, BEAM.k_x + distance), tolerance=1.0) == handle


def test_a_tiny_disk_can_still_be_moved() -> None:
    disk = make_detector("bright field", SHAPE, BeamCentre(8, 8, 1.0))
    assert disk.grab((8, 8), tolerance=10.0) == "move"


def test_an_annulus_has_two_edges_and_a_hole() -> None:
    annulus = make_detector("custom", SHAPE, BEAM).resized(2.0, 6.0)
    at = [annulus.grab((BEAM.k_y, BEAM.k_x + d), 0.6) for d in (0.5, 2.3, 4.0, 6.2, 8.0)]
    assert at == ["move", "inner", None, "outer", None]
    assert annulus.title == "custom annulus"
    assert len(annulus.outline()) == 2 * len(annulus.resized(0, 6).outline())


def test_the_whole_detector_has_nothing_to_grab() -> None:
    total = make_detector("total", SHAPE, BEAM)
    assert total.grab((8, 15), 5) is None
    assert total.outline().shape == (0, 2, 2)


def test_dragging() -> None:
    disk = make_detector("bright field", SHAPE, BEAM)
    moved = disk.dragged("move", (8, 15), (10, 12))
    assert (moved.k_y, moved.k_x) == pytest.approx((10.3, 12.6))
    assert moved.kind == "custom"
    assert moved.title == "custom disk"
    assert disk.dragged("move", (8, 15), (-50, 99)).mask().any()
    resized = disk.dragged("outer", (0, 0), (BEAM.k_y + 5, BEAM.k_x))
    assert resized.outer == pytest.approx(5)
    assert disk.dragged("outer", (0, 0), (BEAM.k_y, BEAM.k_x)).outer == 0.5


def test_radii_stay_in_order() -> None:
    annulus = make_detector("custom", SHAPE, BEAM).resized(2.0, 6.0)
    assert annulus.resized(9, 6).inner == 5.5
    shrunk = annulus.dragged("outer", (0, 0), (BEAM.k_y, BEAM.k_x + 1.0))
    assert (shrunk.inner, shrunk.outer) == pytest.approx((0.5, 1.0))
    assert annulus.dragged("inner", (0, 0), (BEAM.k_y, BEAM.k_x + 50)).inner == 5.5
