"""How good a model is, against literal counting and published figures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_ghosthunter.learning.validation import HeldOut, confusion_matrix, wilson_interval


# Figures of the score interval, as in Newcombe (1998), Statistics in Medicine 17, 857, table I.
@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_wilsons(right, total, low, high):
    assert wilson_interval(right, total) == pytest.approx((low, high), abs=5e-5)


@given(total=st.integers(1, 10_000), data=st.data())
def test_the_interval_holds_the_share_and_mirrors(total, data):
    right = data.draw(st.integers(0, total))
    low, high = wilson_interval(right, total)
    assert 0 <= low <= right / total <= high <= 1
    assert low < high
    assert (1 - high, 1 - low) == pytest.approx(wilson_interval(total - right, total), abs=1e-12)


def test_no_trials_tell_nothing():
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=40))
def test_confusion_counts_pairs(pairs):
    truth, predicted = np.array(pairs, np.intp).reshape(-1, 2).T
    matrix = confusion_matrix(truth, predicted, 5)
    assert matrix.shape == (5, 5)
    for row in range(5):
        for column in range(5):
            assert matrix[row, column] == pairs.count((row, column))


def test_confusion_does_not_overflow_small_integers():
    ids = np.full((3, 4), 200, np.uint8)
    assert confusion_matrix(ids, ids, 255)[200, 200] == 12


def test_held_out_figures_derive_from_the_matrix():
    held = HeldOut(names=("a", "b"), confusion=((3, 1), (0, 4)))
    assert (held.count, held.right, held.accuracy) == (8, 7, 7 / 8)
    assert held.interval == wilson_interval(7, 8)
    assert str(held) == (
        "7 of 8 held-out labels right: accuracy 0.875 (95 % interval 0.53 to 0.98); they also chose the epoch, "
        "so it is probably a little too high"
    )


def test_labels_at_walls_are_an_excuse_only_where_some_are_wrong():
    some, none = (HeldOut(names=("a", "b"), confusion=((3, wrong), (0, 4)), crossed=True) for wrong in (1, 0))
    assert some.how.endswith("labels at walls are harder than the map as a whole")
    assert "harder" not in none.how


def test_nothing_held_out_is_said_so():
    held = HeldOut(names=("a", "b"), confusion=((0, 0), (0, 0)))
    assert held.accuracy is None
    assert held.interval == (0.0, 1.0)
    assert "nothing is known" in str(held)


def test_what_few_labels_cannot_tell_is_said():
    few = HeldOut(names=("a", "b", "c"), confusion=((3, 1, 0), (0, 6, 0), (0, 0, 0))).cautions
    assert few[0].startswith("This rests on 10 labels only")
    assert few[1].startswith("No label was kept back of the class c:")
    assert HeldOut(names=("a", "b"), confusion=((40, 1), (0, 40))).cautions == ()
    assert len(HeldOut(names=("a", "b"), confusion=((0, 0), (0, 0))).cautions) == 1
