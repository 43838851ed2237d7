"""Layouts of domains: each is what its name says, and tells on which side of a wall a position lies."""

from typing import get_args

import numpy as np
import pytest
from scipy.ndimage import label

from napari_ghosthunter.scan.layouts import LAYOUTS, Layout, level, smooth
from napari_ghosthunter.scan.simulate import HORIZONTAL, VERTICAL, SimulationConfig, simulate

SHAPE = (40, 200)


def sides(layout, seed=0, shape=SHAPE, period=12.0):
    return level(layout, shape, period, np.random.default_rng(seed)) > 0


def domains(which):
    """How many patches there are on either side, (one, other), without crumbs of a few positions."""
    found = []
    for side in (which, ~which):
        patches, count = label(side)
        found.append(int((np.bincount(patches.ravel(), minlength=count + 1)[1:] >= 4).sum()))
    return tuple(found)


def runs(line):
    """Lengths of the runs of equal values, without the first and the last, which the border cuts."""
    ends = np.flatnonzero(np.diff(line.astype(int)))
    return np.diff(ends)


def test_every_layout_has_a_name_and_every_name_a_layout():
    assert set(LAYOUTS) == set(get_args(Layout))


@pytest.mark.parametrize("layout", get_args(Layout))
@pytest.mark.parametrize("shape", [(40, 200), (64, 64), (1, 30), (30, 1), (1, 1), (3, 5)])
def test_any_shape_gives_finite_levels_that_the_seed_decides(layout, shape):
    one, again, other = (level(layout, shape, 8, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == shape
    assert np.isfinite(one).all()
    assert (one == again).all()
    assert shape == (1, 1) or (one != other).any()


@pytest.mark.parametrize("layout", get_args(Layout))
@pytest.mark.parametrize("seed", range(5))
def test_both_sides_are_there_and_neither_is_rare(layout, seed):
    assert 0.15 < sides(layout, seed).mean() < 0.85


@pytest.mark.parametrize("layout", get_args(Layout))
def test_the_level_is_a_distance_that_grows_away_from_the_wall(layout):
    values = level(layout, SHAPE, 20, np.random.default_rng(3))
    which = values > 0
    touches = np.zeros(SHAPE, bool)
    wall = np.diff(which.astype(int), axis=1) != 0
    touches[:, 1:] |= wall
    touches[:, :-1] |= wall
    assert np.abs(values[touches]).mean() < 0.5 * np.abs(values).mean()
    assert np.abs(values[touches]).max() < 2.5 / max(SHAPE)  # no jump from side to side


@pytest.mark.parametrize("seed", range(5))
def test_one_wall_parts_two_domains(seed):
    assert domains(sides("wall", seed)) == (1, 1)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shape", [SHAPE, SHAPE[::-1]])
def test_a_curved_wall_winds_along_the_longer_side(seed, shape):
    which = sides("curved", seed, shape)
    assert domains(which) == (1, 1)
    along = which if shape[1] > shape[0] else which.T
    heights = along.sum(axis=0)
    turns = np.diff(np.sign(np.diff(heights[::5].astype(float))))
    assert np.count_nonzero(turns) >= 3
    assert np.ptp(heights) > 0.4 * min(shape)


@pytest.mark.parametrize("period", [6, 12, 30])
def test_stripes_are_half_a_period_wide(period):
    lengths = np.concatenate([runs(line) for line in sides("stripes", 4, (40, 240), period)])
    assert np.median(lengths) == pytest.approx(period / 2, rel=0.25)


def test_needles_taper_to_a_point_within_the_scan():
    which = sides("needles", 5, (60, 200), 20)
    widths = which.sum(axis=1)
    assert widths[0] > 2 * widths[-1]
    assert (np.diff(widths) <= 2).all()  # they do not get wider
    tips = [int(np.flatnonzero(column).max()) for column in which.T if column.any()]
    assert len(set(tips)) > 5
    assert domains(which)[0] >= 8


def test_the_smooth_field_is_smooth_and_of_unit_size():
    fields = np.stack([smooth((40, 60), np.random.default_rng(seed)) for seed in range(60)])
    assert fields.std() == pytest.approx(1, abs=0.15)
    assert np.abs(np.diff(fields, axis=2)).max() < 0.8
    assert smooth((1, 1), np.random.default_rng(0)).shape == (1, 1)


@pytest.mark.parametrize("layout", get_args(Layout))
def test_simulated_domains_follow_their_layout(layout):
    config = SimulationConfig(
        layout=layout, period=14, scan_shape=(20, 80), detector_shape=(16, 16), wall_fraction=0.1, island_fraction=0
    )
    truth = simulate(config).truth
    which = level(layout, (20, 80), 14, np.random.default_rng(0)) > 0
    assert (which[truth == HORIZONTAL]).all()
    assert not (which[truth == VERTICAL]).any()
    assert min((truth == HORIZONTAL).mean(), (truth == VERTICAL).mean()) > 0.15
