"""What derives from the probabilities of a map, against slow and literal reckoning."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.labelling.classes import ClassScheme, DomainClass
from napari_ghosthunter.mapping.domains import DomainMap, Wall
from napari_ghosthunter.scan.calibration import Calibration

PAPER = ClassScheme.from_names(["none", "vertical", "horizontal"])


def certain(ids, classes=PAPER, **rest):
    """Make a map of given ids, 0 = no data."""
    ids = np.asarray(ids)
    probabilities = np.eye(len(classes), dtype=np.float32)[np.maximum(ids, 1) - 1]
    probabilities[ids == 0] = np.nan
    return DomainMap(probabilities, classes, **rest)


def softmax(shape, n, seed=0):
    values = np.exp(np.random.default_rng(seed).normal(size=(*shape, n)) * 2)
    return (values / values.sum(axis=-1, keepdims=True)).astype(np.float32)


def naive_walls(ids, step_y, step_x):
    """Walk over all neighbours, one by one."""
    walls = {}
    for y in range(ids.shape[0]):
        for x in range(ids.shape[1]):
            for other, length in (((y, x + 1), step_y), ((y + 1, x), step_x)):
                if other[0] < ids.shape[0] and other[1] < ids.shape[1]:
                    first, second = sorted((int(ids[y, x]), int(ids[other])))
                    if first > 0 and first != second:
                        count, total = walls.get((first, second), (0, 0.0))
                        walls[first, second] = (count + 1, total + length)
    return walls


@given(
    ids=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.integers(0, 3)),
    step_y=st.floats(1e-3, 1e3),
    step_x=st.floats(1e-3, 1e3),
)
def test_walls_equal_a_literal_walk_over_all_neighbours(ids, step_y, step_x):
    result = certain(ids, calibration=Calibration(scan_step=(step_y, step_x), scan_units="nm"))
    expected = naive_walls(ids, step_y, step_x)
    assert (result.classes_image == ids).all()
    assert len(result.walls) == len(expected)
    for wall, ((first, second), (count, length)) in zip(result.walls, sorted(expected.items()), strict=True):
        assert (wall.first, wall.second) == (PAPER.names[first - 1], PAPER.names[second - 1])
        assert wall.length_px == count
        assert wall.length == pytest.approx(length)
    for entry in result.statistics:
        mine = [value for pair, value in expected.items() if entry.id in pair]
        assert entry.wall_length_px == sum(count for count, _ in mine)
        assert entry.wall_length == pytest.approx(sum(length for _, length in mine))


@given(
    ids=hnp.arrays(np.uint8, (6, 5), elements=st.integers(0, 3)),
    step=st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)),
)
def test_turning_a_map_turns_its_steps_and_keeps_its_figures(ids, step):
    straight = certain(ids, calibration=Calibration(scan_step=step))
    turned = certain(ids.T, calibration=Calibration(scan_step=step[::-1]))
    for one, other in zip(straight.statistics, turned.statistics, strict=True):
        assert one.area == pytest.approx(other.area)
        assert one.wall_length == pytest.approx(other.wall_length)
        assert (one.count, one.wall_length_px) == (other.count, other.wall_length_px)


def test_a_wall_has_the_length_of_the_pixel_sides_along_it():
    upright = certain([[1, 1, 2], [1, 1, 2]], calibration=Calibration(scan_step=(2.0, 5.0), scan_units="nm"))
    assert upright.walls == (Wall("none", "vertical", 2, 4.0),)
    lying = certain([[1, 1, 1], [2, 2, 2]], calibration=Calibration(scan_step=(2.0, 5.0), scan_units="nm"))
    assert lying.walls == (Wall("none", "vertical", 3, 15.0),)


def test_no_data_is_no_class_and_makes_no_wall():
    result = certain([[1, 0, 2], [1, 0, 2]])
    assert result.walls == ()
    assert result.has_data.tolist() == [[True, False, True]] * 2
    assert [entry.area_fraction for entry in result.statistics] == [0.5, 0.5, 0.0]


def test_statistics_count_areas_and_confidence():
    probabilities = np.array([[[0.6, 0.4], [0.9, 0.1], [0.2, 0.8], [np.nan, np.nan]]], np.float32)
    scheme = ClassScheme.from_names(["a", "b"])
    first, second = DomainMap(probabilities, scheme, Calibration(scan_step=(2.0, 3.0), scan_units="nm")).statistics
    assert (first.id, first.name, first.colour, first.count) == (1, "a", scheme.colours[0], 2)
    assert first.area_fraction == pytest.approx(2 / 3)
    assert first.area == pytest.approx(12.0)
    assert first.mean_confidence == pytest.approx(0.75)
    assert second.mean_confidence == pytest.approx(0.8)
    assert second.wall_length == pytest.approx(2.0)


def test_a_map_without_data_has_figures_too():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = DomainMap(np.full((3, 4, 3), np.nan, np.float32), PAPER)
        assert not result.classes_image.any()
        assert not result.confidence.any()
        assert not result.rgb.any()
        assert [(entry.count, entry.area_fraction, entry.mean_confidence) for entry in result.statistics] == [
            (0, 0.0, None)
        ] * 3


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_bad_probability_makes_a_position_without_data(bad):
    probabilities = softmax((2, 2), 3)
    probabilities[0, 1, 2] = bad
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = DomainMap(probabilities, PAPER)
        assert result.classes_image[0, 1] == 0
        assert result.confidence[0, 1] == 0
        assert (result.rgb[0, 1] == 0).all()
        assert result.classes_image.all(where=[[True, False], [True, True]])


@given(probabilities=hnp.arrays(np.float32, (3, 4, 3), elements=st.floats(0, 1, width=32)))
def test_pure_colours_show_the_probabilities_themselves(probabilities):
    expected = np.round(255 * probabilities.astype(np.float64)).astype(np.uint8)
    assert PAPER.colours == ("#ff0000", "#00ff00", "#0000ff")
    assert (DomainMap(probabilities, PAPER).rgb == expected).all()


def test_colours_of_many_classes_are_mixed():
    classes = ClassScheme(classes=(DomainClass(name="a", colour="#ff8000"), DomainClass(name="b", colour="#0080ff")))
    rgb = DomainMap(np.array([[[0.5, 0.5], [1.0, 0.0]]], np.float32), classes).rgb
    assert rgb.dtype == np.uint8
    assert rgb[0, 1].tolist() == [255, 128, 0]
    np.testing.assert_allclose(rgb[0, 0], [127.5, 128, 127.5], atol=0.6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (34, 20)])
@pytest.mark.parametrize("n", [2, 3, 255])
def test_images_have_their_types_and_shapes(shape, n):
    classes = ClassScheme.from_names(f"class {number}" for number in range(n))
    probabilities = softmax(shape, n)
    result = DomainMap(probabilities, classes)
    assert (result.classes_image.dtype, result.classes_image.shape) == (np.uint8, shape)
    assert (result.confidence.dtype, result.confidence.shape) == (np.float32, shape)
    assert (result.rgb.dtype, result.rgb.shape) == (np.uint8, (*shape, 3))
    assert (result.classes_image == probabilities.argmax(axis=2) + 1).all()
    assert (result.confidence == probabilities.max(axis=2)).all()
    assert sum(entry.count for entry in result.statistics) == shape[0] * shape[1]


def test_a_threshold_turns_unsure_positions_into_no_data():
    result = DomainMap(np.array([[[0.5, 0.3, 0.2], [0.1, 0.9, 0.0], [np.nan] * 3]], np.float32), PAPER)
    assert result.classes_above(0.0).tolist() == [[1, 2, 0]]
    assert result.classes_above(0.5).tolist() == [[1, 2, 0]]
    assert result.classes_above(0.6).tolist() == [[0, 2, 0]]
    assert result.classes_above(0.6).dtype == np.uint8


def test_a_map_cannot_be_changed_and_leaves_the_callers_array_alone():
    probabilities = softmax((2, 3), 3)
    result = DomainMap(probabilities, PAPER)
    with pytest.raises(ValueError, match="read-only"):
        result.probabilities[0, 0, 0] = 1
    probabilities[0, 0] = 0  # still the caller's to fill


def test_other_floats_become_float32():
    assert DomainMap(softmax((2, 3), 3).astype(np.float64), PAPER).probabilities.dtype == np.float32


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 2), (0, 3, 3), (1, 2, 3, 3)])
def test_probabilities_that_do_not_fit_are_refused(shape):
    with pytest.raises(MapError, match=r"classes|axes"):
        DomainMap(np.zeros(shape, np.float32), PAPER)


@pytest.mark.parametrize("step", [(0.0, 1.0), (1.0, -2.0), (np.nan, 1.0), (1.0, np.inf)])
def test_steps_that_are_no_sizes_are_refused(step):
    with pytest.raises(MapError, match="scan step"):
        DomainMap(softmax((2, 3), 3), PAPER, Calibration(scan_step=step))


def test_positions_are_left_out_and_counted():
    domains = DomainMap(softmax((5, 6), 3), PAPER, provenance={"seed": 1})
    hidden = np.zeros((5, 6), bool)
    hidden[1, 2] = hidden[3, 3] = True
    rest = domains.without(hidden, why="painted")
    np.testing.assert_array_equal(rest.has_data, ~hidden)
    assert rest.provenance == {"seed": 1, "positions_left_out": 2, "why": "painted"}
    assert rest.without(hidden) is rest  # they had no data
    assert domains.has_data.all()


def test_above_a_threshold_there_is_what_the_class_image_shows():
    domains = DomainMap(softmax((9, 7), 3), PAPER)
    sure = domains.above(0.7)
    np.testing.assert_array_equal(sure.classes_image, domains.classes_above(0.7))
    assert sure.provenance["confidence_threshold"] == 0.7
    assert sum(entry.count for entry in sure.statistics) == 63 - sure.provenance["positions_left_out"]
    assert domains.above(0) is domains


def test_rows_are_a_map_of_their_own():
    domains = DomainMap(softmax((5, 6), 3), PAPER)
    np.testing.assert_array_equal(domains.rows(1, 3).rgb, domains.rgb[1:3])
    assert domains.rows(0, 5) is domains


def test_colours_come_by_name():
    domains = certain([[1, 2, 3]])
    other = ClassScheme(
        classes=(DomainClass(name="vertical", colour="#123456"), DomainClass(name="x", colour="#ffffff"))
    )
    assert domains.recoloured(other).classes.colours == ("#ff0000", "#123456", "#0000ff")
    assert domains.recoloured(other).classes.names == PAPER.names
    assert domains.recoloured(PAPER) is domains
