"""Scores against scikit-learn, wall distances against a literal loop, and truths that do not fit."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.evaluation import evaluate, likelier_names

NAMES = ("none", "vertical", "horizontal")


def map_of(ids, names=NAMES):
    """Make a certain map of ids from 0; -1 = no data."""
    ids = np.asarray(ids)
    probabilities = np.eye(len(names), dtype=np.float32)[np.maximum(ids, 0)]
    probabilities[ids < 0] = np.nan
    return DomainMap(probabilities, ClassScheme.from_names(names))


def naive_near(truth):
    """Mark positions within 2 pixels of one that touches a wall, by looking at each pair."""
    height, width = truth.shape
    touching = [
        (y, x)
        for y in range(height)
        for x in range(width)
        for v, u in ((y - 1, x), (y + 1, x), (y, x - 1), (y, x + 1))
        if 0 <= v < height and 0 <= u < width and truth[y, x] >= 0 and truth[v, u] >= 0 and truth[y, x] != truth[v, u]
    ]
    return np.array(
        [[any((y - v) ** 2 + (x - u) ** 2 <= 4 for v, u in touching) for x in range(width)] for y in range(height)]
    ).reshape(height, width)


scans = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=8)


@settings(max_examples=60)
@given(data=st.data(), shape=scans)
def test_everything_equals_slow_reckoning(data, shape):
    metrics = pytest.importorskip("sklearn.metrics")
    truth = data.draw(hnp.arrays(np.int8, shape, elements=st.integers(-1, 2)))
    mapped = data.draw(hnp.arrays(np.int8, shape, elements=st.integers(-1, 2)))
    exclude = data.draw(st.lists(st.tuples(st.integers(0, shape[0] - 1), st.integers(0, shape[1] - 1)), max_size=5))
    keep = truth >= 0
    for position in exclude:
        keep[position] = False
    if not keep.any():
        with pytest.raises(MapError, match="nothing to compare"):
            evaluate(map_of(mapped), truth, exclude=exclude)
        return
    result = evaluate(map_of(mapped), truth, exclude=exclude)
    true, given_ids = truth[keep], np.where(mapped < 0, 3, mapped)[keep]
    assert result.n == keep.sum()
    assert result.n + result.excluded + result.unknown == truth.size
    assert result.no_data == (given_ids == 3).sum()
    assert result.accuracy == pytest.approx(metrics.accuracy_score(true, given_ids))
    recalls = metrics.recall_score(true, given_ids, labels=[0, 1, 2], average=None, zero_division=0)
    assert result.balanced_accuracy == pytest.approx(np.mean([recalls[k] for k in np.unique(true)]))
    full = metrics.confusion_matrix(true, given_ids, labels=[0, 1, 2, 3])
    assert result.confusion.labels == NAMES
    assert np.array(result.confusion.matrix).tolist() == full[:3, :3].tolist()
    assert list(result.confusion.no_data) == full[:3, 3].tolist()
    scores = metrics.precision_recall_fscore_support(true, given_ids, labels=[0, 1, 2], zero_division=0)
    for index, name in enumerate(NAMES):
        mine = result.per_class[name]
        assert mine.count == scores[3][index]
        assert (mine.precision or 0) == pytest.approx(scores[0][index])
        assert (mine.recall or 0) == pytest.approx(scores[1][index])
        assert (mine.f1 or 0) == pytest.approx(scores[2][index])
    near = naive_near(truth)
    right = truth == mapped
    assert result.wall_n == (keep & near).sum()
    assert result.wall_accuracy == (pytest.approx(right[keep & near].mean()) if (keep & near).any() else None)
    assert result.interior_accuracy == (pytest.approx(right[keep & ~near].mean()) if (keep & ~near).any() else None)
    low, high = result.accuracy_interval
    assert 0 <= low <= result.accuracy <= high <= 1


def test_a_known_case_by_hand():
    truth = np.zeros((1, 10), int)
    truth[0, 5:] = 1
    mapped = truth.copy()
    mapped[0, 4] = 1  # wrong beside the wall
    mapped[0, 9] = -1  # not mapped, away from it
    result = evaluate(map_of(mapped), truth)
    assert (result.n, result.no_data, result.accuracy) == (10, 1, 0.8)
    assert result.wall_n == 6  # 2 .. 7
    assert result.wall_accuracy == pytest.approx(5 / 6)
    assert result.interior_accuracy == pytest.approx(3 / 4)
    assert result.per_class["none"].recall == 0.8
    assert result.per_class["horizontal"].recall is None
    assert result.per_class["horizontal"].f1 is None
    assert result.balanced_accuracy == pytest.approx(0.8)
    assert result.accuracy_interval == pytest.approx((0.4902, 0.9433), abs=1e-4)


def test_names_give_the_truth_another_order():
    truth = np.array([[0, 1, 2, -5]])
    result = evaluate(map_of([[2, 0, 1, 0]]), truth, ["horizontal", "none", "vertical"])
    assert result.accuracy == 1.0
    assert result.unknown == 1
    assert result.truth_names == ("horizontal", "none", "vertical")


def test_names_without_positions_do_not_matter():
    result = evaluate(map_of([[0, 1]]), [[0, 1]], ["none", "vertical", "elsewhere"])
    assert result.accuracy == 1.0
    assert result.unknown_classes == ()


def test_a_class_that_the_model_never_learned_counts_as_wrong_and_is_named():
    result = evaluate(map_of([[0, 1, 1]], ("vertical", "horizontal")), [[1, 2, 0]], NAMES)
    assert result.accuracy == pytest.approx(2 / 3)
    assert result.unknown_classes == ("none",)
    assert result.confusion.labels == ("vertical", "horizontal", "none")
    assert result.per_class["none"].recall == 0.0


def test_a_class_that_only_the_model_knows_is_fine():
    result = evaluate(map_of([[0, 1, 2]]), [[0, 1, 1]], ["none", "vertical"])
    assert result.accuracy == pytest.approx(2 / 3)
    assert result.per_class["horizontal"].count == 0


@pytest.mark.parametrize("names", [("na", "vertical", "horizontal"), ("a", "b", "c")])
def test_names_that_do_not_belong_together_are_shown(names):
    with pytest.raises(MapError, match=f"{', '.join(names)}.*none, vertical, horizontal"):
        evaluate(map_of([[0, 1, 2]]), [[0, 1, 2]], names)


@pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", ">i2", "float32", "uint64"])
def test_whole_numbers_of_any_type_are_ids(dtype):
    truth = np.array([[0, 1, 1]]).astype(dtype)
    assert evaluate(map_of([[0, 1, 0]]), truth).accuracy == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("truth", "message"),
    [
        (np.zeros((3, 2), int), "transposed"),
        (np.zeros((2, 4), int), r"\(2, 4\)"),
        (np.zeros(6, int), r"\(6,\)"),
        (np.full((2, 3), 0.5), "fractions"),
        (np.full((2, 3), np.nan), "NaN"),
        (np.full((2, 3), 3), "id 3.*0 to 2"),
        (np.full((2, 3), 255, np.uint8), "id 255.*write -1"),
        (np.array([[1, 2, 3], [1, 2, 3]]), r"id 3.*ids start at 0 here \(those in _classes.tif start at 1\)"),
        (np.full((2, 3), 2**64 - 1, np.uint64), "only 0 to 2"),
        (np.full((2, 3), "none"), "integer ids"),
        (np.full((2, 3), -1), "nothing to compare"),
    ],
)
def test_a_truth_that_does_not_fit_is_explained(truth, message):
    with pytest.raises(MapError, match=message):
        evaluate(map_of([[0, 1, 2], [0, 1, 2]]), truth)


def test_names_must_differ():
    with pytest.raises(MapError, match="differ"):
        evaluate(map_of([[0, 1]]), [[0, 1]], ["none", "none"])


@pytest.mark.parametrize("position", [(2, 0), (0, 3), (-1, 0)])
def test_an_excluded_position_must_lie_in_the_map(position):
    with pytest.raises(MapError, match="outside"):
        evaluate(map_of([[0, 1, 2], [0, 1, 2]]), np.zeros((2, 3), int), exclude=[position])


def test_excluding_twice_counts_once():
    result = evaluate(map_of([[0, 1, 2]]), [[0, 1, 0]], exclude=[(0, 2), (0, 2)])
    assert (result.excluded, result.n, result.accuracy) == (1, 2, 1.0)


def test_the_result_is_ready_for_json():
    result = evaluate(map_of([[0, 1, -1]]), [[0, 1, 1]])
    plain = result.to_dict()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["confusion"] == {
        "labels": list(NAMES), "matrix": [[1, 0, 0], [0, 1, 0], [0, 0, 0]], "no_data": [0, 1, 0]
    }  # fmt: skip
    assert plain["per_class"]["vertical"] == {"count": 2, "recall": 0.5, "precision": 1.0, "f1": pytest.approx(2 / 3)}
    assert set(plain) == {
        "accuracy", "accuracy_interval", "balanced_accuracy", "n", "per_class", "wall_accuracy", "wall_n",
        "interior_accuracy", "confusion", "excluded", "unknown", "no_data", "unknown_classes",
        "truth_names",
    }  # fmt: skip


def test_turning_map_and_truth_together_changes_nothing():
    rng = np.random.default_rng(0)
    truth, mapped = rng.integers(-1, 3, (2, 12, 9))
    straight, turned = evaluate(map_of(mapped), truth), evaluate(map_of(mapped.T), truth.T)
    assert straight == turned


def test_names_in_another_order_are_noticed():
    mapped = np.array([[0, 0, 0, 1, 1, 1, 2, 2, 2, 2]])
    truth = np.array([[2, 2, 2, 0, 0, 0, 1, 1, 1, 0]])
    assert likelier_names(evaluate(map_of(mapped), truth)) == ("vertical", "horizontal", "none")
    assert likelier_names(evaluate(map_of(mapped), truth, ("vertical", "horizontal", "none"))) is None
    assert likelier_names(evaluate(map_of(mapped), mapped)) is None
