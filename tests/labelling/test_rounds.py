"""Which step and which round, told from the points alone."""

from __future__ import annotations

import math

import pytest

from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.rounds import round_number, sensible_step, step_of
from napari_ghosthunter.labelling.sampling import grid, next_round


@pytest.mark.parametrize("shape", [(12, 20), (34, 206), (64, 64), (512, 512), (1, 200), (100, 7)])
def test_a_first_grid_is_some_thirty_points(shape: tuple[int, int]) -> None:
    step = sensible_step(shape)
    assert 20 <= math.ceil(shape[0] / step) * math.ceil(shape[1] / step) <= 44


def test_a_tiny_scan_is_labelled_whole() -> None:
    assert sensible_step((1, 1)) == 1
    assert sensible_step((4, 5)) == 1


def points_of(*steps: int, shape: tuple[int, int] = (50, 70)) -> dict[tuple[int, int], str]:
    return {spot: "grid" for step in steps for spot in grid(shape, step)}


@pytest.mark.parametrize(("steps", "found"), [((10,), 10), ((10, 5), 5), ((10, 4), 4), ((7,), 7), ((69,), 69)])
def test_the_step_is_read_off_the_grid(steps: tuple[int, ...], found: int) -> None:
    points = points_of(*steps)
    assert step_of(points, (50, 70)) == found
    assert step_of(points | {(3, 1): "by hand", (1, 1): "midpoint of (0, 0) and (2, 2)"}, (50, 70)) == found


def test_a_grid_that_lost_some_points_still_has_its_step() -> None:
    points = points_of(10)
    for spot in ((10, 10), (20, 30), (0, 0)):
        del points[spot]
    assert step_of(points, (50, 70)) == 10


def test_without_a_grid_there_is_no_step() -> None:
    assert step_of({}, (50, 70)) is None
    assert step_of({(0, 0): "grid", (3, 4): "by hand"}, (50, 70)) is None


def test_rounds_are_counted() -> None:
    labels = LabelSet(scan_shape=(9, 17))
    labels.add_class("left")
    labels.add_class("right")
    for number in range(1, 6):
        found = next_round(labels, (9, 17), 8)
        if not found.proposals:
            break
        labels.add_points({one.position: one.reason for one in found.proposals})
        assert round_number(labels.points, [one.position for one in found.proposals]) == number
        for one in found.proposals:
            labels.label(one.position, "left" if one.scan_x < 5 else "right")
    assert number > 3


def test_a_midpoint_of_points_that_are_gone_counts_as_the_second() -> None:
    points = {(2, 2): "midpoint of (0, 0) and (4, 4)", (1, 1): "midpoint of (1, 1) and (1, 1)"}
    assert round_number(points, [(2, 2)]) == 2
    assert round_number(points, [(1, 1)]) == 2
    assert round_number(points, []) == 1
