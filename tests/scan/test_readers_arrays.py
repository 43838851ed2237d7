"""NumPy files: any shape, type and byte order comes back, lazily, and nothing is unpickled."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.readers import open_scan

DTYPES = ["u1", "i1", "<u2", ">u2", "<i2", ">i4", "<u4", ">u8", "<f2", "<f4", ">f4", ">f8", "?"]
CUBES = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(np.dtype(dtype), hnp.array_shapes(min_dims=4, max_dims=4, max_side=4))
)


@given(CUBES, st.booleans())
def test_npy_round_trip(tmp_path_factory, cube, fortran):
    path = tmp_path_factory.mktemp("npy") / "cube.npy"
    np.save(path, np.asfortranarray(cube) if fortran else cube)
    scan = open_scan(path)
    assert isinstance(scan.data, np.memmap)
    assert scan.dtype == cube.dtype
    np.testing.assert_array_equal(scan.rows(0, len(cube)), cube)


@given(CUBES, st.booleans(), st.booleans())
def test_npz_round_trip(tmp_path_factory, cube, compressed, fortran):
    path = tmp_path_factory.mktemp("npz") / "cube.npz"
    save = np.savez_compressed if compressed else np.savez
    save(path, mask=np.zeros(cube.shape[:2]), cube=np.asfortranarray(cube) if fortran else cube, text="words")
    scan = open_scan(path)
    assert isinstance(scan.data, np.memmap)
    assert scan.provenance.dataset == "cube"
    assert bool(scan.provenance.notes) == compressed
    np.testing.assert_array_equal(scan.rows(0, len(cube)), cube)


def test_a_file_larger_than_memory_opens_and_gives_a_pattern_at_once(tmp_path):
    path = tmp_path / "large.npy"
    array = np.lib.format.open_memmap(path, "w+", np.uint16, (1000, 1000, 64, 64))  # 8 GB, sparse
    array[999, 999] = 7
    del array
    tracemalloc.start()
    scan = open_scan(path)
    pattern = scan.pattern(999, 999)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (pattern == 7).all()
    assert scan.size_bytes == 8_192_000_000
    assert peak < 2e6


def test_several_arrays_must_be_chosen_from(tmp_path):
    path = tmp_path / "two.npz"
    np.savez(path, before=np.zeros((2, 2, 3, 3)), after=np.ones((2, 2, 3, 3)), flat=np.zeros((4, 3, 3)))
    with pytest.raises(DatasetError, match="--dataset NAME.*before, after, flat") as raised:
        open_scan(path)
    assert raised.value.candidates == ("before", "after", "flat")
    assert open_scan(path, dataset="after").pattern(0, 0).sum() == 9
    assert open_scan(path, dataset="flat", scan_shape=(1, 4)).shape == (1, 4, 3, 3)
    with pytest.raises(DatasetError, match="no dataset 'never'"):
        open_scan(path, dataset="never")


@pytest.mark.parametrize("ending", ["npy", "npz"])
def test_an_element_of_a_five_dimensional_array_is_chosen_by_index(tmp_path, ending):
    path = tmp_path / f"series.{ending}"
    series = np.arange(2 * 3 * 4 * 5 * 6, dtype=np.uint16).reshape(2, 3, 4, 5, 6)
    np.save(path, series) if ending == "npy" else np.savez(path, series=series)
    with pytest.raises(DatasetError, match=r"series has 5 axes; choose one.*series\[0\], series\[1\]") as raised:
        open_scan(path)
    scan = open_scan(path, dataset=raised.value.candidates[1])
    np.testing.assert_array_equal(scan.data, series[1])
    assert open_scan(path, dataset=scan.provenance.dataset).shape == scan.shape
    for wrong in ("series", "series[2]", "series[0,0,0]"):
        with pytest.raises(DatasetError, match="does not choose a scan"):
            open_scan(path, dataset=wrong)


def test_a_flat_array_asks_for_its_scan_shape(tmp_path):
    np.save(tmp_path / "flat.npy", np.zeros((12, 4, 4)))
    with pytest.raises(ScanShapeError, match="flat.npy: 12 patterns of 4 x 4"):
        open_scan(tmp_path / "flat.npy")
    scan = open_scan(tmp_path / "flat.npy", scan_shape=(3, 4))
    assert isinstance(scan.data, np.memmap)
    assert scan.provenance.options.scan_shape == (3, 4)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2, 3, 3), complex), "must be integer or floating point"),
        (np.array([None, 1]), "Python objects"),
        (np.zeros((5, 5)), r"no array in it|four axes"),
        (np.zeros((2, 0, 3, 3)), "no patterns|empty"),
    ],
)
def test_what_is_no_scan_is_refused(tmp_path, array, message):
    np.save(tmp_path / "no.npy", array)
    with pytest.raises(ScanError, match=f"(?i){message}"):
        open_scan(tmp_path / "no.npy")
