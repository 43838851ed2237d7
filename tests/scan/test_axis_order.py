"""Axes in another order, axes of length one, and arrays of five axes: opened right, with a note, or asked about."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_ghosthunter.errors import DatasetError, ScanError
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers import gatan, open_scan
from napari_ghosthunter.scan.readers.axis_order import Reordered, Squeezed, role_of, scan_first, without_single_axes
from tests.scan.zarr_stores import new_array, write_zarr

CUBE = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)  # (scan_y, scan_x, k_y, k_x)


class Lazy:
    """An array that is no numpy array."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, key):
        return self.array[key]


entries = st.one_of(st.integers(-2, 1), st.slices(2), st.slices(5), st.just(Ellipsis), st.just(slice(None, None, -1)))


@given(st.permutations(range(4)), st.lists(entries, max_size=4).map(tuple))
def test_a_reordered_array_is_indexed_like_a_transposed_one(order, key):
    if sum(entry is Ellipsis for entry in key) > 1:
        return
    expected = CUBE.transpose(order)
    lazy = Reordered(Lazy(CUBE), tuple(order))
    assert lazy.shape == expected.shape
    np.testing.assert_array_equal(lazy[key], expected[key])


@given(st.lists(entries, max_size=4).map(tuple))
def test_a_squeezed_array_is_indexed_like_one_without_the_axis(key):
    if sum(entry is Ellipsis for entry in key) > 1:
        return
    lazy = Squeezed(Lazy(CUBE[:, :, None, :, :, None]), (2, 5))
    assert lazy.shape == CUBE.shape
    np.testing.assert_array_equal(lazy[key], CUBE[key])


@pytest.mark.parametrize(
    ("axis", "name", "role"),
    [
        ((0.1, "1/nm"), "", "detector"), ((0.1, "k_A^-1"), "x", "detector"), ((0.1, "mrad"), "scan_x", "detector"),
        ((1.0, "nm"), "", "scan"), ((1.0, "nm"), "depth", None),
        (None, "kx", "detector"), (None, "Q_y", "detector"), (None, "qx", "detector"),
        (None, "R_x", "scan"), (None, "y", "scan"), (None, "scan_y", "scan"), (None, "probe row", "scan"),
        (None, "Reciprocal x", "detector"), (None, "time", None), (None, "", None), (None, "detector_y", "detector"),
    ],
)  # fmt: skip
def test_units_tell_an_axis_before_its_name(axis, name, role):
    assert role_of(axis, name) == role


def test_axes_are_turned_only_where_two_are_surely_the_detectors():
    assert scan_first(["detector", "detector", None, None]) == (2, 3, 0, 1)
    assert scan_first(["detector", "scan", "detector", "scan"]) == (1, 3, 0, 2)
    assert scan_first(["scan", "scan", "detector", "detector"]) == (0, 1, 2, 3)
    for unsure in ([None] * 4, ["detector", None, None, None], ["detector"] * 3 + [None], ["scan", "scan", None, None]):
        assert scan_first(unsure) == (0, 1, 2, 3)


def hyperspy(path, data, units, names=("",) * 5, signal=None):
    store = h5py.File(path, "w") if path.suffix == ".hspy" else zarr.open_group(str(path), mode="w")
    group = store.create_group("Experiments").create_group("a")
    group.attrs["a"] = 1
    if path.suffix == ".hspy":
        group["data"] = data
    else:
        new_array(group, "data", data)
    for number, unit in enumerate(units):
        axis = group.create_group(f"axis-{number}")
        for key, value in {"scale": 0.05 if "1/" in unit else 2.0, "units": unit, "name": names[number]}.items():
            axis.attrs[key] = value
        axis.attrs["navigate"] = number not in (signal or (data.ndim - 2, data.ndim - 1))
    if path.suffix == ".hspy":
        store.close()


@pytest.mark.parametrize("ending", ["hspy", "zspy"])
def test_a_cube_ordered_by_detector_pixel_is_turned_in_every_dialect(tmp_path, ending):
    path = tmp_path / f"scan.{ending}"
    hyperspy(path, CUBE.transpose(2, 3, 0, 1), ["1/nm", "1/nm", "nm", "nm"])
    scan = open_scan(path)
    assert scan.calibration == Calibration((2, 2), "nm", (0.05, 0.05), "1/nm")
    np.testing.assert_array_equal(scan.block(slice(None), slice(None)), CUBE)
    assert any("ordered by detector pixel" in note for note in scan.provenance.notes)
    hyperspy(path, CUBE, ["nm", "nm", "1/nm", "1/nm"])
    assert open_scan(path).provenance.notes == ()


def test_names_tell_where_units_do_not(tmp_path):
    hyperspy(tmp_path / "scan.hspy", CUBE.transpose(2, 3, 0, 1), ["", "", "", ""], ["ky", "kx", "y", "x"])
    np.testing.assert_array_equal(open_scan(tmp_path / "scan.hspy").pattern(1, 2), CUBE[1, 2])


@pytest.mark.parametrize("ending", ["hspy", "zspy"])
def test_hyperspys_flags_tell_where_neither_units_nor_names_do(tmp_path, ending):
    path = tmp_path / f"scan.{ending}"
    hyperspy(path, CUBE.transpose(2, 3, 0, 1), ["px"] * 4, signal=(0, 1))
    scan = open_scan(path)
    np.testing.assert_array_equal(scan.block(slice(None), slice(None)), CUBE)
    assert any("ordered by detector pixel" in note for note in scan.provenance.notes)
    hyperspy(path, CUBE, ["px"] * 4)
    assert open_scan(path).provenance.notes == ()


@pytest.mark.parametrize(
    ("units", "names", "signal"),
    [
        (["1/nm", "1/nm", "nm"], ["", "", ""], None),
        (["px"] * 3, ["ky", "kx", "frame"], None),
        (["px"] * 3, ["", "", ""], (0, 1)),
    ],
)
def test_a_row_of_patterns_ordered_by_detector_pixel_is_turned(tmp_path, units, names, signal):
    rows = CUBE.reshape(6, 4, 5)
    hyperspy(tmp_path / "rows.hspy", rows.transpose(1, 2, 0), units, names, signal)
    scan = open_scan(tmp_path / "rows.hspy", scan_shape=(2, 3))
    np.testing.assert_array_equal(scan.block(slice(None), slice(None)), CUBE)
    assert any("ordered by detector pixel" in note for note in scan.provenance.notes)


SERIES = np.stack([CUBE, CUBE + 1, CUBE + 2])  # (t, y, x, ky, kx)


@pytest.mark.parametrize("ending", ["hspy", "zspy"])
@pytest.mark.parametrize(
    ("order", "units", "names", "signal"),
    [
        ((1, 2, 3, 4, 0), ["nm", "nm", "1/nm", "1/nm", "s"], [""] * 5, None),
        ((1, 2, 0, 3, 4), ["px"] * 5, ["y", "x", "time", "ky", "kx"], None),
        ((3, 4, 0, 1, 2), ["px"] * 5, ["ky", "kx", "t", "y", "x"], None),
        ((1, 2, 3, 4, 0), ["nm", "nm", "px", "px", "s"], [""] * 5, (2, 3)),
        ((1, 3, 0, 2, 4), ["nm", "1/nm", "nm", "nm", "1/nm"], ["y", "ky", "height", "x", "kx"], None),
    ],
)
def test_an_axis_too_many_is_chosen_along_wherever_it_lies(tmp_path, ending, order, units, names, signal):
    path = tmp_path / f"series.{ending}"
    hyperspy(path, SERIES.transpose(order), units, names, signal)
    with pytest.raises(DatasetError) as raised:
        open_scan(path)
    assert [name.rpartition("[")[2] for name in raised.value.candidates] == ["0]", "1]", "2]"]
    assert set(raised.value.shapes.values()) == {CUBE.shape}
    scan = open_scan(path, dataset=raised.value.candidates[2])
    np.testing.assert_array_equal(scan.block(slice(None), slice(None)), CUBE + 2)
    assert any("is not the first" in note or "ordered by detector" in note for note in scan.provenance.notes)


@pytest.mark.parametrize("names", [["", "", "", "", ""], ["a", "b", "c", "d", "e"]])
def test_a_series_of_unnamed_axes_counts_along_the_first(tmp_path, names):
    hyperspy(tmp_path / "series.hspy", SERIES, ["px"] * 5, names)
    scan = open_scan(tmp_path / "series.hspy", dataset="Experiments/a/data[1]")
    np.testing.assert_array_equal(scan.block(slice(None), slice(None)), CUBE + 1)


def test_the_names_that_xarray_writes_tell_too(tmp_path):
    root = zarr.open_group(str(tmp_path / "scan.zarr"), mode="w")
    array = new_array(root, "data", CUBE.transpose(2, 3, 0, 1))
    array.attrs["_ARRAY_DIMENSIONS"] = ["kx", "ky", "x", "y"]
    np.testing.assert_array_equal(open_scan(tmp_path / "scan.zarr").pattern(1, 2), CUBE[1, 2])


@pytest.mark.parametrize("shape", [(2, 3, 1, 4, 5), (1, 2, 3, 4, 5), (2, 3, 4, 5, 1), (1, 2, 3, 1, 4, 5)])
@pytest.mark.parametrize("kind", ["npy", "npz", "compressed", "h5", "zarr"])
def test_axes_of_length_one_are_left_out_with_a_note(tmp_path, shape, kind):
    data = CUBE.reshape(shape)
    path = tmp_path / f"scan.{'npz' if kind == 'compressed' else kind}"
    if kind == "npy":
        np.save(path, data)
    elif kind in {"npz", "compressed"}:
        (np.savez if kind == "npz" else np.savez_compressed)(path, data=data)
    elif kind == "h5":
        with h5py.File(path, "w") as file:
            file.create_dataset("data", data=data, chunks=True)
    else:
        write_zarr(path, {"data": data})
    scan = open_scan(path)
    assert scan.shape == (2, 3, 4, 5)
    np.testing.assert_array_equal(scan.block(slice(None), slice(None)), CUBE)
    assert any("length one" in note for note in scan.provenance.notes)


@pytest.mark.parametrize("shape", [(1, 6, 4, 5), (6, 1, 4, 5), (2, 3, 4, 1), (2, 3, 1, 5)])
def test_scans_of_four_axes_stay_what_they_are(tmp_path, shape):
    np.save(tmp_path / "scan.npy", np.ones(shape, np.uint8))
    scan = open_scan(tmp_path / "scan.npy")
    assert scan.shape == shape
    assert scan.provenance.notes == ()
    assert without_single_axes(shape) == ()


def test_a_fifth_axis_that_is_longer_than_one_is_asked_about(tmp_path):
    series = np.stack([CUBE, CUBE + 1])[:, :, :, None]  # (t, y, x, 1, ky, kx)
    np.save(tmp_path / "series.npy", series)
    with pytest.raises(DatasetError) as raised:
        open_scan(tmp_path / "series.npy")
    assert raised.value.candidates == ("series[0]", "series[1]")
    scan = open_scan(tmp_path / "series.npy", dataset="series[1]")
    np.testing.assert_array_equal(scan.block(slice(None), slice(None)), CUBE + 1)


def gatan_image(shape, offset, units=("nm", "nm", "1/nm", "1/nm", "s"), **data):
    """What RosettaSciIO's parser gives of an image; sizes and units fastest first."""
    sizes = {str(number): length for number, length in enumerate(reversed(shape))}
    dimension = {
        str(number): {"Scale": 0.5, "Units": unit} for number, unit in enumerate(reversed(units[: len(shape)]))
    }
    content = {"Data": {"endian": "little", "offset": offset}} | data
    return {"ImageData": {"Dimensions": sizes, "DataType": 10, "Calibrations": {"Dimension": dimension}, **content}}


def test_elements_of_a_gatan_cube_of_five_axes_can_be_chosen(tmp_path, monkeypatch):
    path = tmp_path / "series.dm4"
    series = np.stack([CUBE, CUBE + 1])
    path.write_bytes(series.tobytes())
    image = gatan_image(series.shape, 0, ("s", "nm", "nm", "1/nm", "1/nm"))
    monkeypatch.setattr(gatan, "_images", lambda _: {"image0": image})
    monkeypatch.setattr("napari_ghosthunter.scan.readers.check_kind", lambda *_: None)
    with pytest.raises(DatasetError) as raised:
        open_scan(path)
    assert raised.value.candidates == ("image0[0]", "image0[1]")
    scan = open_scan(path, dataset="image0[1]")
    np.testing.assert_array_equal(scan.block(slice(None), slice(None)), CUBE + 1)
    assert scan.calibration == Calibration((0.5, 0.5), "nm", (0.5, 0.5), "1/nm")
    assert scan.provenance.dataset == "image0[1]"


def test_units_tell_which_axis_of_a_gatan_cube_is_too_many(tmp_path, monkeypatch):
    path = tmp_path / "series.dm4"
    stored = np.ascontiguousarray(SERIES.transpose(1, 2, 3, 4, 0))
    path.write_bytes(stored.tobytes())
    image = gatan_image(stored.shape, 0, ("nm", "nm", "1/nm", "1/nm", "s"))
    monkeypatch.setattr(gatan, "_images", lambda _: {"image0": image})
    monkeypatch.setattr("napari_ghosthunter.scan.readers.check_kind", lambda *_: None)
    with pytest.raises(DatasetError) as raised:
        open_scan(path)
    assert raised.value.candidates == ("image0[0]", "image0[1]", "image0[2]")
    scan = open_scan(path, dataset="image0[2]")
    np.testing.assert_array_equal(scan.block(slice(None), slice(None)), CUBE + 2)
    assert scan.calibration == Calibration((0.5, 0.5), "nm", (0.5, 0.5), "1/nm")


@pytest.mark.parametrize("content", [{"Data": None}, {"Data": {"size": 3}}])
def test_a_gatan_file_whose_data_lie_elsewhere_says_so(tmp_path, monkeypatch, content):
    path = tmp_path / "elsewhere.dm4"
    path.write_bytes(b"tags")
    monkeypatch.setattr(gatan, "_images", lambda _: {"image0": gatan_image(CUBE.shape, 0, **content)})
    monkeypatch.setattr("napari_ghosthunter.scan.readers.check_kind", lambda *_: None)
    with pytest.raises(ScanError, match="lie in another file"):
        open_scan(path)
