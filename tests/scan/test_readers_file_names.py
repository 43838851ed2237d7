"""Positions from the names of files: what is taken, what is asked and what is refused."""

from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.readers import open_again, open_scan
from napari_ghosthunter.scan.readers.file_names import series_in
from tests.scan.writers import PATTERNS, everything, write_png, write_positions

SHAPE = (3, 4)


@pytest.mark.parametrize(
    "form",
    [
        "{x}_{y}.png", "{x}_{y}_boxsize5.png", "x{x}_y{y}.png", "row_{y:03d}_col_{x:03d}.png", "Y{y}-X{x}.PNG",
        "scan3_x{x}_y{y}.png", "scan_x{x}_y{y}_t{n}.png", "pos_x={x},y={y}.png", "R{y}C{x}.png", "row{y}_column{x}.png",
        "dp_{x}_{y}.png", "dp ({x}, {y}).png", "col{x}_row{y}.png", "rx{x}_ry{y}.png", "line_{y}_col_{x}.png",
        "2024_run7_x{x:04d}y{y:04d}.png", "{x:03d}-{y:03d}.png",
    ],
)  # fmt: skip
def test_positions_are_taken_from_the_names(tmp_path, form):
    scan = open_scan(write_positions(tmp_path / "patterns", form))
    assert (scan.shape, scan.dtype, scan.provenance.reader) == ((3, 4, 6, 5), np.dtype("u2"), "folder")
    np.testing.assert_array_equal(everything(scan), PATTERNS)
    np.testing.assert_array_equal(scan.pattern(2, 1), PATTERNS[2, 1])
    words = any(word in form.lower() for word in ("x{x", "col", "c{x", "x="))
    assert any("taken as X_Y" in note for note in scan.provenance.notes) == (not words)
    np.testing.assert_array_equal(everything(open_again(scan.provenance, scan.provenance.path)), PATTERNS)


@pytest.mark.parametrize(
    "asked", [{"dataset": "Y_X.png"}, {"dataset": "Y_X"}, {"scan_shape": (3, 4)}, {"dataset": "X_Y.png"}]
)
def test_row_and_column_can_be_said(tmp_path, asked):
    scan = open_scan(write_positions(tmp_path / "patterns", "{y}_{x}.png"), **asked)
    wrong = asked.get("dataset") == "X_Y.png"
    np.testing.assert_array_equal(everything(scan), PATTERNS.swapaxes(0, 1) if wrong else PATTERNS)
    assert any("taken as X_Y" in note for note in scan.provenance.notes) == wrong
    again = open_again(scan.provenance, scan.provenance.path)
    np.testing.assert_array_equal(everything(again), everything(scan))


def test_letters_beside_the_numbers_stay_as_they_are(tmp_path):
    folder = write_positions(tmp_path / "patterns", "EXP_Y_{y}_{x}.png")
    assert open_scan(folder).provenance.dataset == "EXP_Y_X_Y.png"
    np.testing.assert_array_equal(everything(open_scan(folder, dataset="EXP_Y_Y_X.png")), PATTERNS)


def test_words_in_the_names_leave_no_choice(tmp_path):
    folder = write_positions(tmp_path / "patterns", "x{x}_y{y}.png")
    with pytest.raises(DatasetError, match="no dataset 'Y_X'.*xX_yY.png") as raised:
        open_scan(folder, dataset="Y_X")
    assert raised.value.candidates == ("xX_yY.png",)


@pytest.mark.parametrize("form", ["frame_{n}.png", "frame_{n:04d}.png", "{n}.png", "20240512_{n}.png", "a{n}_12.png"])
def test_names_that_only_count_are_taken_in_order_and_the_shape_is_asked(tmp_path, form):
    folder = write_positions(tmp_path / "patterns", form)
    with pytest.raises(ScanShapeError, match="12 patterns of 6 x 5 pixels in one row.*order of their names") as raised:
        open_scan(folder)
    assert (3, 4) in raised.value.candidates
    np.testing.assert_array_equal(everything(open_scan(folder, scan_shape=(3, 4))), PATTERNS)


def test_names_without_numbers_are_taken_in_order(tmp_path):
    folder = tmp_path / "patterns"
    folder.mkdir()
    for letter, pattern in zip("abcdef", PATTERNS[0].tolist() + PATTERNS[1, :2].tolist(), strict=True):
        write_png(folder / f"{letter}.png", np.array(pattern, "u2"))
    np.testing.assert_array_equal(everything(open_scan(folder, scan_shape=(1, 6)))[0, 4], PATTERNS[1, 0])


def test_a_number_that_is_missing_from_a_count_is_told(tmp_path):
    folder = write_positions(tmp_path / "patterns", "frame_{n}.png")
    (folder / "frame_5.png").unlink()
    with pytest.raises(ScanShapeError, match="11 patterns.*gaps, the widest from 4 to 6"):
        open_scan(folder)


@pytest.mark.parametrize("form", ["{x}_{y}.png", "x{x}_y{y}.png"])
def test_positions_without_a_file_are_counted(tmp_path, form):
    folder = write_positions(tmp_path / "patterns", form)
    (folder / form.format(x=1, y=2)).unlink()
    with pytest.raises(ScanError, match=r"3 x 4 .*1 of the positions have none, the first at x 1, y 2"):
        open_scan(folder)


def test_a_position_that_comes_twice_names_both(tmp_path):
    folder = write_positions(tmp_path / "patterns", "{x}_{y}.png")
    write_png(folder / "03_2.png", PATTERNS[0, 0])
    with pytest.raises(ScanError, match="(3_2.png and 03_2|03_2.png and 3_2).png are both at x 3, y 2"):
        open_scan(folder)


def test_names_that_count_from_elsewhere_are_told(tmp_path):
    folder = tmp_path / "patterns"
    folder.mkdir()
    for y, x in np.ndindex(SHAPE):
        write_png(folder / f"x{10 + 2 * x}_y{y + 1}.png", PATTERNS[y, x])
    scan = open_scan(folder)
    np.testing.assert_array_equal(everything(scan), PATTERNS)
    assert "x from 10 in steps of 2 and y from 1" in scan.provenance.notes[0]


def test_a_single_row_is_a_scan_where_the_names_say_so(tmp_path):
    scan = open_scan(write_positions(tmp_path / "patterns", "x{x}_y{y}.png", PATTERNS[:1]))
    assert scan.scan_shape == (1, 4)


@pytest.mark.parametrize("form", ["x{x}.0_y{y}.5.png", "x{x}.50_y{y}.png"])
def test_positions_with_decimals_are_refused(tmp_path, form):
    with pytest.raises(ScanError, match="positions with decimals.*rename the files to rows and columns"):
        open_scan(write_positions(tmp_path / "patterns", form))


def test_a_dash_is_no_minus_and_told(tmp_path):
    scan = open_scan(write_positions(tmp_path / "patterns", "x-{x}_y-{y}.png"))
    np.testing.assert_array_equal(everything(scan), PATTERNS)
    assert "no minus" in scan.provenance.notes[0]


def test_names_from_another_system_are_no_numbers():
    assert series_in(["a²_1.png", "a²_2.png", "a٣_1.png"])[0].name == "a²_N.png"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 4)), min_size=2, unique=True), st.booleans())
def test_a_grid_is_whole_or_refused(places, words):
    """Whatever positions there are: each file is at the place that its name says, or the scan is refused."""
    form = "x{}_y{}.png" if words else "{}_{}.png"
    found = series_in([form.format(x, y) for x, y in places])[0]
    xs, ys = ({place[axis] for place in places} for axis in (0, 1))
    xs, ys = (range(min(s), max(s) + 1, gcd(*(v - min(s) for v in s)) or 1) for s in (xs, ys))
    if words:
        assert bool(found.refused) == (len(xs) * len(ys) > len(places))
    if found.grid is None:
        assert found.refused or found.name.count("N")
        assert len(found.files) == len(places)
        return
    assert found.grid == (len(ys), len(xs))
    assert found.files == tuple(form.format(x, y) for y in ys for x in xs)
