"""Sampling against slow and literal readings of the algorithms, and what must hold on any scan."""

from __future__ import annotations

import csv
import itertools
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.sampling import (
    Proposal,
    grid,
    midpoints,
    most_uncertain,
    next_round,
    random_positions,
)

Labels = dict[tuple[int, int], Any]

shapes = st.tuples(st.integers(1, 14), st.integers(1, 14))
steps = st.integers(1, 16)
truths = hnp.arrays(np.int8, shapes, elements=st.integers(0, 3))
some_labels = st.dictionaries(st.tuples(st.integers(0, 12), st.integers(0, 12)), st.integers(0, 4), max_size=60)


def literal_midpoints(labelled: Labels, step: int) -> list[Proposal]:
    """Algorithm 1, step 2, word by word and pair by pair."""
    proposals: list[Proposal] = []
    for point in sorted(labelled):
        closest, least = None, math.inf
        for other in sorted(labelled):
            if abs(other[0] - point[0]) > step or abs(other[1] - point[1]) > step:
                continue
            if labelled[other] == labelled[point]:
                continue
            distance = (other[0] - point[0]) ** 2 + (other[1] - point[1]) ** 2
            if distance < least:
                closest, least = other, distance
        if closest is None:
            continue
        middle = (round((point[0] + closest[0]) / 2), round((point[1] + closest[1]) / 2))
        if middle not in labelled and middle not in [proposal.position for proposal in proposals]:
            proposals.append(Proposal(*middle, f"midpoint of {point} and {closest}"))
    return proposals


def label_all(truth: np.ndarray, step: int, count: int | None = None) -> tuple[Labels, str]:
    """Label round after round from the truth until a round is empty."""
    labelled: Labels = {}
    for _ in range(truth.size + 1):
        found = next_round(labelled, truth.shape, step, count)
        if not found.proposals:
            return labelled, found.message
        labelled |= {proposal.position: int(truth[proposal.position]) for proposal in found.proposals}
    raise AssertionError("it stalls")


def neighbours(position: tuple[int, int]) -> list[tuple[int, int]]:
    steps = itertools.product((-1, 0, 1), repeat=2)
    return [(position[0] + y, position[1] + x) for y, x in steps if (y, x) != (0, 0)]


@given(shapes, steps)
def test_the_grid_is_every_multiple_of_the_step(shape: tuple[int, int], step: int) -> None:
    expected = [(y, x) for y in range(shape[0]) for x in range(shape[1]) if y % step == 0 and x % step == 0]
    assert grid(shape, step) == expected


@pytest.mark.parametrize(("step", "count"), [(30, 14), (10, 84), (6, 210)])
def test_the_grids_of_the_paper(step: int, count: int) -> None:
    assert len(grid((34, 206), step)) == count


@given(some_labels, steps)
def test_midpoints_are_those_of_the_literal_algorithm(labelled: Labels, step: int) -> None:
    assert midpoints(labelled, step) == literal_midpoints(labelled, step)


@pytest.mark.parametrize("classes", [2, 3, 20])
@pytest.mark.parametrize("step", [1, 2, 5, 9, 40])
def test_midpoints_of_many_labels(step: int, classes: int) -> None:
    random = np.random.default_rng(step * classes)
    spots = random.integers(0, 40, (300, 2)).tolist()
    labelled = {(y, x): str(random.integers(classes)) for y, x in spots}
    assert midpoints(labelled, step) == literal_midpoints(labelled, step)
    smooth = {(y, x): str((x + y) * classes // 80) for y, x in spots}
    assert midpoints(smooth, step) == literal_midpoints(smooth, step)


@given(truths, steps)
def test_midpoints_along_a_whole_run(truth: np.ndarray, step: int) -> None:
    labelled: Labels = {}
    while proposals := next_round(labelled, truth.shape, step).proposals:
        if proposals[0].reason != "grid":
            assert list(proposals) == literal_midpoints(labelled, step)
        labelled |= {proposal.position: int(truth[proposal.position]) for proposal in proposals}
    assert literal_midpoints(labelled, step) == []


def test_a_corner_of_the_square_counts_and_a_point_beyond_its_side_does_not() -> None:
    labelled = {(10, 10): "a", (10, 15): "b", (14, 14): "b"}  # the closest is 5 away in one axis, the corner 5.7
    assert [proposal.position for proposal in midpoints(labelled, 4)] == [(12, 12)]
    assert midpoints(labelled, 3) == []


def test_ties_go_to_the_first_position() -> None:
    labelled = {(4, 4): "a", (0, 4): "b", (4, 0): "b", (4, 8): "b", (8, 4): "b"}
    assert Proposal(2, 4, "midpoint of (4, 4) and (0, 4)") not in midpoints(labelled, 4)[1:]
    assert midpoints(labelled, 4)[0] == Proposal(2, 4, "midpoint of (0, 4) and (4, 4)")
    assert [proposal.position for proposal in midpoints(labelled, 4)] == [(2, 4), (4, 2), (4, 6), (6, 4)]


def test_halves_are_rounded_to_even() -> None:
    assert midpoints({(0, 0): "a", (0, 5): "b"}, 5) == [Proposal(0, 2, "midpoint of (0, 0) and (0, 5)")]
    assert midpoints({(0, 0): "a", (0, 7): "b"}, 7) == [Proposal(0, 4, "midpoint of (0, 0) and (0, 7)")]


def test_midpoints_of_nothing() -> None:
    assert midpoints({}, 3) == []
    assert midpoints({(0, 0): "a"}, 3) == []
    assert midpoints({(0, 0): "a", (0, 1): "a"}, 3) == []


def test_a_label_set_does_as_well_as_a_dict() -> None:
    labelled = {(0, 0): "a", (0, 8): "b", (8, 0): "c"}
    labels = LabelSet(ClassScheme.from_names("abc"), (9, 9), labelled)
    assert midpoints(labels, 8) == midpoints(labelled, 8) != []
    assert next_round(labels, (9, 9), 8) == next_round(labelled, (9, 9), 8)


@given(truths, steps, some_labels, st.none() | st.integers(0, 20))
def test_a_round_is_inside_the_scan_unlabelled_and_without_repeats(
    truth: np.ndarray, step: int, labelled: Labels, count: int | None
) -> None:
    labelled = {spot: name for spot, name in labelled.items() if spot[0] < truth.shape[0] and spot[1] < truth.shape[1]}
    full = next_round(labelled, truth.shape, step)
    found = next_round(labelled, truth.shape, step, count)
    spots = [proposal.position for proposal in found.proposals]
    assert len(spots) == len(set(spots)) == (len(full.proposals) if count is None else min(count, len(full.proposals)))
    assert all(0 <= y < truth.shape[0] and 0 <= x < truth.shape[1] for y, x in spots)
    assert not set(spots) & set(labelled)
    assert [proposal for proposal in full.proposals if proposal in found.proposals] == list(found.proposals)
    assert found.message.endswith(".")
    nodes = {spot for spot in grid(truth.shape, step) if spot not in labelled}
    if nodes:
        assert {proposal.position for proposal in full.proposals} == nodes
        assert {proposal.reason for proposal in full.proposals} == {"grid"}


@given(truths, steps, st.none() | st.integers(1, 5))
def test_labelling_always_comes_to_an_end(truth: np.ndarray, step: int, count: int | None) -> None:
    labelled, message = label_all(truth, step, count)
    assert set(grid(truth.shape, step)) <= set(labelled)
    one_class = len(set(labelled.values())) == 1
    assert message.startswith("All labels are of one class" if one_class else "No boundary is left")


@given(truths, steps)
def test_the_search_closes_in_on_a_boundary(truth: np.ndarray, step: int) -> None:
    labelled, _ = label_all(truth, step)
    walls = [
        spot
        for spot, name in labelled.items()
        if any(labelled.get(neighbour, name) != name for neighbour in neighbours(spot))
    ]
    for point, other in itertools.permutations(labelled, 2):
        if labelled[point] != labelled[other] and max(abs(point[0] - other[0]), abs(point[1] - other[1])) <= step:
            assert min(math.dist(point, wall) for wall in walls) <= 2 * math.dist(point, other)


@given(st.integers(2, 400), steps, st.data())
def test_a_wall_across_a_line_scan_is_found_to_the_pixel(length: int, step: int, data: st.DataObject) -> None:
    last = (length - 1) // step * step
    wall = data.draw(st.integers(0, length - 1))
    truth = (np.arange(length) >= wall).astype(int)
    for shape in ((1, length), (length, 1)):
        labelled, _ = label_all(truth.reshape(shape), step)
        found = {max(spot): name for spot, name in labelled.items()}
        if 0 < wall <= last:  # between two points of the grid
            assert (found[wall - 1], found[wall]) == (0, 1)
            assert len(found) <= len(grid(shape, step)) + (math.log2(step) + 1) ** 2


@given(shapes, steps, st.integers(1, 13))
def test_a_straight_wall_is_bracketed_in_every_row_of_the_grid(shape: tuple[int, int], step: int, wall: int) -> None:
    truth = np.broadcast_to(np.arange(shape[1]) >= wall, shape)
    labelled, _ = label_all(truth, step)
    if wall <= (shape[1] - 1) // step * step:
        for y in range(0, shape[0], step):
            assert (labelled[y, wall - 1], labelled[y, wall]) == (0, 1)


def test_count_takes_the_points_that_spread_best() -> None:
    positions = [proposal.position for proposal in next_round({}, (21, 21), 10, 5).proposals]
    assert positions == [(0, 0), (0, 20), (10, 10), (20, 0), (20, 20)]
    positions = [proposal.position for proposal in next_round({(0, 0): "a"}, (21, 21), 10, 1).proposals]
    assert positions == [(20, 20)]


def test_every_round_says_what_it_is() -> None:
    assert next_round({}, (5, 9), 4).message == "Grid with step 4: 6 of 6 points to label."
    assert "here are 2 of them, spread over the scan" in next_round({}, (5, 9), 4, 2).message
    assert next_round({(0, 0): "a", (0, 4): "b"}, (1, 5), 4).message == (
        "Midpoints between different labels: 1 to label."
    )
    one_class = next_round({(0, 0): "a"}, (3, 3), 4)
    assert one_class.proposals == ()
    assert "smaller step" in one_class.message


def test_ten_thousand_labels_are_quick() -> None:
    random = np.random.default_rng(1)
    y, x = np.divmod(random.choice(10**6, 10_000, replace=False), 1000)
    names = (x > 500 + 100 * np.sin(y / 50)).tolist()
    labelled = dict(zip(zip(y.tolist(), x.tolist(), strict=True), names, strict=True))
    midpoints(dict(itertools.islice(labelled.items(), 10)), 30)  # loads scipy
    begin = time.perf_counter()
    proposals = midpoints(labelled, 30)
    assert len(proposals) > 500
    assert time.perf_counter() - begin < 1.0, "all pairs would take a minute"


def test_replaying_the_papers_labels(shared_data: Path) -> None:
    with (shared_data / "paper_labels" / "all_labels_merged.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.reader(stream) if not row[0].startswith("#")]
    known = {(int(y), int(x)): int(name) for x, y, name in rows[1:]}
    assert len(known) == 1653
    spots = np.array(list(known))
    y, x = np.mgrid[:34, :206]
    closest = ((y[..., None] - spots[:, 0]) ** 2 + (x[..., None] - spots[:, 1]) ** 2).argmin(axis=-1)
    truth = np.array(list(known.values()))[closest]
    on_wall = [
        spot for spot in np.ndindex(truth.shape) if any(differs(truth, spot, other) for other in neighbours(spot))
    ]
    share = len(on_wall) / truth.size
    for step, budget in ((30, 50), (10, 100), (6, 250)):
        labelled, message = label_all(truth, step)
        assert message.startswith("No boundary is left")
        assert len(labelled) > budget, "the budgets of the paper do not run dry"
        assert len(set(on_wall) & set(labelled)) / len(labelled) > 1.5 * share, "labels gather at the boundaries"


def differs(truth: np.ndarray, spot: tuple[int, int], other: tuple[int, int]) -> bool:
    inside = 0 <= other[0] < truth.shape[0] and 0 <= other[1] < truth.shape[1]
    return inside and bool(truth[spot] != truth[other])


@given(shapes, st.integers(0, 250), st.integers(0, 3), st.data())
def test_random_positions(shape: tuple[int, int], count: int, seed: int, data: st.DataObject) -> None:
    everywhere = list(np.ndindex(shape))
    exclude = data.draw(st.lists(st.sampled_from(everywhere)))
    found = random_positions(shape, count, seed, exclude)
    spots = [proposal.position for proposal in found.proposals]
    left = set(everywhere) - set(exclude)
    assert len(spots) == len(set(spots)) == min(count, len(left))
    assert set(spots) <= left
    assert {proposal.reason for proposal in found.proposals} <= {"random"}
    assert ("all that are left" in found.message) == (count > len(left))
    assert found == random_positions(shape, count, seed, exclude)


def test_random_positions_depend_on_the_seed_and_are_plain() -> None:
    first, second = (random_positions((34, 206), 50, seed).proposals for seed in (0, 1))
    assert first != second
    assert type(first[0].scan_y) is type(first[0].scan_x) is int


def literal_uncertain(values: np.ndarray, labelled: list[tuple[int, int]], count: int, apart: float) -> list[Proposal]:
    ranked = []
    for spot in np.ndindex(values.shape[:2]):
        second, first = sorted(values[spot])[-2:]
        if np.isfinite(values[spot]).all():
            ranked.append((float(first) - float(second), spot, float(first)))
    taken, chosen = list(labelled), []
    for _, spot, top in sorted(ranked):
        if len(chosen) < count and spot not in taken and all(math.dist(spot, other) >= apart for other in taken):
            taken.append(spot)
            chosen.append(Proposal(*spot, f"uncertain {top:.2f}"))
    return chosen


@settings(max_examples=40)
@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(2, 4)),
        elements=st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.625, 1.0, np.nan, np.inf]),
    ),
    st.integers(0, 40),
    st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 50.0]),
    st.data(),
)
def test_most_uncertain_is_the_literal_greedy_choice(
    values: np.ndarray, count: int, apart: float, data: st.DataObject
) -> None:
    labelled = data.draw(st.lists(st.sampled_from(list(np.ndindex(values.shape[:2]))), max_size=5))
    found = most_uncertain(values, labelled, count, apart)
    assert list(found.proposals) == literal_uncertain(values, labelled, count, apart)
    assert ("no other is" in found.message) == (len(found.proposals) < count)


def test_most_uncertain_tells_the_top_probability() -> None:
    values = np.array([[[0.9, 0.1, 0.0], [0.48, 0.4, 0.12]]])
    assert most_uncertain(values, [], 1, 3).proposals == (Proposal(0, 1, "uncertain 0.48"),)
    assert most_uncertain(values, {(0, 1): "a"}, 1, 2).proposals == ()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: grid((3, 3), 0), "step is 0; it must be a whole number of at least 1"),
        (lambda: grid((3, 3), 1.5), "step is 1.5"),
        (lambda: grid((0, 3), 1), "height is 0"),
        (lambda: grid((3, -1), 1), "width is -1"),
        (lambda: midpoints({}, -2), "step is -2"),
        (lambda: next_round({}, (3, 3), 0), "step is 0"),
        (lambda: next_round({}, (3, 3), 1, -1), "number of points is -1"),
        (lambda: next_round({(3, 0): "a"}, (3, 3), 1), "outside the scan of 3 x 3"),
        (lambda: next_round({(5, 1): "a"}, (3, 9), 1), "check that scan_y and scan_x are not swapped"),
        (lambda: random_positions((3, 3), -1, 0), "number of points is -1"),
        (lambda: random_positions((3, 3), 1, 0, [(0, 3)]), "outside the scan"),
        (lambda: most_uncertain(np.zeros((3, 3)), [], 1, 0), r"shape \(3, 3\)"),
        (lambda: most_uncertain(np.zeros((3, 3, 1)), [], 1, 0), "2 or more classes"),
        (lambda: most_uncertain(np.zeros((3, 3, 2)), [], -1, 0), "number of points is -1"),
        (lambda: most_uncertain(np.zeros((3, 3, 2)), [], 1, -1), "must be 0 or more"),
        (lambda: most_uncertain(np.zeros((3, 3, 2)), [], 1, math.nan), "must be 0 or more"),
        (lambda: most_uncertain(np.zeros((3, 3, 2)), [(3, 0)], 1, 0), "outside the scan"),
    ],
)
def test_errors_say_what_is_wrong(wrong: Callable[[], Any], words: str) -> None:
    with pytest.raises(LabelError, match=words):
        wrong()
