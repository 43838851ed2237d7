"""The neighbours' say: against slow and literal reckoning, and what it may and may not do."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.neighbours import strength_in, with_neighbours
from napari_ghosthunter.mapping.offered import STRONGEST


@st.composite
def probabilities(draw, fewest=1, holes=True):
    """Draw maps of any shape, also of one row or column, with positions that have no data."""
    shape = draw(st.tuples(st.integers(1, 7), st.integers(1, 7), st.integers(fewest, 4)))
    odds = draw(hnp.arrays(np.float64, shape, elements=st.floats(1e-6, 1)))
    found = (odds / odds.sum(axis=2, keepdims=True)).astype(np.float32)
    if holes:
        found[draw(hnp.arrays(np.bool_, shape[:2]))] = draw(st.sampled_from([np.nan, np.inf]))
    return found


strengths = st.floats(0, STRONGEST)


def literal(given_, strength):
    """Go over all positions, classes and neighbours, one by one."""
    rows, columns, classes = given_.shape
    known = [[all(np.isfinite(given_[y, x])) for x in range(columns)] for y in range(rows)]
    found = given_.copy()
    for y in range(rows):
        for x in range(columns):
            if not known[y][x]:
                continue
            pulled = []
            for k in range(classes):
                mean = 0.0
                for beside_y, beside_x in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1)):
                    if 0 <= beside_y < rows and 0 <= beside_x < columns and known[beside_y][beside_x]:
                        mean += float(given_[beside_y, beside_x, k]) / 4
                pulled.append(float(given_[y, x, k]) * np.exp(strength * mean))
            found[y, x] = [value / sum(pulled) for value in pulled]
    return found


@given(given_=probabilities(), strength=strengths)
def test_it_equals_a_literal_walk(given_, strength):
    before = given_.copy()
    found = with_neighbours(given_, strength)
    np.testing.assert_allclose(found, literal(given_, strength), rtol=1e-5)
    np.testing.assert_array_equal(given_, before)
    assert (found.dtype, found.shape) == (np.float32, given_.shape)


@given(given_=probabilities(), strength=strengths)
def test_probabilities_still_sum_to_one_and_what_has_no_data_stays(given_, strength):
    found, known = with_neighbours(given_, strength), np.isfinite(given_).all(2)
    np.testing.assert_allclose(found[known].sum(1), 1, atol=1e-6)
    assert (found[known] >= 0).all()
    np.testing.assert_array_equal(found[~known], given_[~known])


@given(given_=probabilities())
def test_without_strength_it_is_what_was_given_bit_by_bit(given_):
    found = with_neighbours(given_, 0)
    assert found.tobytes() == given_.tobytes()
    assert not np.shares_memory(found, given_)


@given(given_=probabilities(), strength=strengths, random=st.randoms())
def test_classes_may_come_in_any_order_and_the_scan_lie_any_way(given_, strength, random):
    order = list(range(given_.shape[2]))
    random.shuffle(order)
    found = with_neighbours(given_, strength)
    np.testing.assert_allclose(with_neighbours(given_[..., order], strength), found[..., order], rtol=1e-5)
    for turn in (np.flipud, np.fliplr, lambda values: values.swapaxes(0, 1)):
        np.testing.assert_allclose(with_neighbours(turn(given_), strength), turn(found), rtol=1e-5)


@given(one=probabilities(holes=False), strength=strengths)
def test_a_map_that_is_the_same_everywhere_keeps_its_class(one, strength):
    same = np.broadcast_to(one[:1, :1], one.shape)
    found = with_neighbours(same, strength)
    best = one[0, 0].argmax()
    assert (found[..., best] >= found.max(2) * (1 - 1e-6)).all()
    assert (found[..., best] >= same[..., best] - 1e-6).all()


@given(given_=probabilities(fewest=2), strength=strengths)
def test_who_is_sure_enough_keeps_the_class(given_, strength):
    limit = np.exp(strength) / (1 + np.exp(strength))
    sure = np.nan_to_num(given_.max(2), posinf=0) > limit + 1e-5
    assert (with_neighbours(given_, strength).argmax(2) == given_.argmax(2))[sure].all()


@pytest.mark.parametrize(("own", "kept"), [(0.55, False), (0.9, True)])
def test_one_that_is_unsure_goes_with_its_neighbours_and_one_that_is_sure_does_not(own, kept):
    around = np.full((5, 5, 2), (0.95, 0.05), np.float32)
    around[2, 2] = 1 - own, own
    found = with_neighbours(around, 1.0).argmax(2)
    assert (found[2, 2] == 1) == kept
    assert found.sum() == kept


def test_rows_of_one_position_and_lone_positions():
    line = np.array([[[0.9, 0.1], [0.45, 0.55], [0.9, 0.1]]], np.float32)
    assert with_neighbours(line, 1.0).argmax(2).tolist() == [[0, 0, 0]]
    assert with_neighbours(line.swapaxes(0, 1), 1.0).argmax(2).tolist() == [[0], [0], [0]]
    np.testing.assert_allclose(with_neighbours(line[:, 1:2], 4.0), line[:, 1:2])


# ---- of a map ----


@pytest.fixture
def plain():
    values = np.random.default_rng(0).dirichlet([1, 1, 1], (4, 6)).astype(np.float32)
    return DomainMap(values, ClassScheme.from_names("abc"), provenance={"model_hash": "x"})


def test_a_map_says_that_neighbours_have_helped_and_how_much(plain):
    helped = plain.with_neighbours(1.5)
    np.testing.assert_array_equal(helped.probabilities, with_neighbours(plain.probabilities, 1.5))
    assert helped.provenance == {"model_hash": "x", "neighbours": 1.5}
    assert strength_in(helped.provenance) == 1.5
    assert strength_in(plain.provenance) == 0
    assert plain.with_neighbours(0) is plain
    assert (helped.classes, helped.calibration) == (plain.classes, plain.calibration)


def test_the_strength_comes_back_from_disk(plain, tmp_path):
    helped = plain.with_neighbours(0.1)
    helped.save(tmp_path, "m")
    assert strength_in(DomainMap.load(tmp_path, "m").provenance) == 0.1
    helped.above(0.6).save(tmp_path, "n")
    assert strength_in(DomainMap.load(tmp_path, "n").provenance) == 0.1


@pytest.mark.parametrize("strength", [-0.1, 4.1, np.nan, np.inf])
def test_a_strength_out_of_bounds_is_refused(plain, strength):
    with pytest.raises(MapError, match="from 0 .not at all. to 4"):
        plain.with_neighbours(strength)


def test_neighbours_help_once_and_where_all_are_there(plain):
    for late in (plain.with_neighbours(1), plain.above(0.6)):
        with pytest.raises(MapError, match="once, and in a map with all of its positions"):
            late.with_neighbours(1)
        assert late.with_neighbours(0) is late


@pytest.mark.parametrize("told", ["1", None, [], {}, True, -1, 5, float("nan")])
def test_nonsense_in_a_file_is_no_strength(plain, told):
    with pytest.raises(MapError):
        strength_in(replace(plain, provenance={"neighbours": told}).provenance)
