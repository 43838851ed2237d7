"""Scan: a lazy cube, whatever kind of array is underneath."""

import warnings
from pathlib import Path

import dask.array as da
import h5py
import numpy as np
import pytest
import zarr
from hypothesis import given
from hypothesis import strategies as st

from napari_ghosthunter.errors import ScanError, ScanIndexError
from napari_ghosthunter.scan.describe import describe
from napari_ghosthunter.scan.scan import (
    Calibration,
    Provenance,
    Scan,
    native,
    warn_of_nonfinite,
    zero_nonfinite,
)
from tests.scan.zarr_stores import write_zarr

DATA = np.random.default_rng(0).integers(0, 60_000, (3, 4, 5, 6)).astype(np.uint16)


@pytest.fixture(params=["memory", "memmap", "big-endian memmap", "dask", "hdf5", "zarr"])
def scan(request, tmp_path):
    """Give the same scan over each kind of array."""
    match request.param:
        case "memory":
            yield Scan(DATA.copy())
        case "dask":
            yield Scan(da.from_array(DATA, chunks=(2, 3, 5, 4)))
        case "hdf5":
            with h5py.File(tmp_path / "scan.h5", "w") as file:
                yield Scan(file.create_dataset("data", data=DATA, chunks=(1, 2, 5, 6)))
        case "zarr":
            yield Scan(zarr.open(str(write_zarr(tmp_path / "scan.zarr", DATA)), mode="r"))
        case _:
            kind = ">u2" if "big" in request.param else "<u2"
            np.save(tmp_path / "scan.npy", DATA.astype(kind))
            yield Scan(np.load(tmp_path / "scan.npy", mmap_mode="r"))


def test_every_way_to_read_gives_the_same_numbers(scan):
    assert (scan.shape, scan.scan_shape, scan.detector_shape) == ((3, 4, 5, 6), (3, 4), (5, 6))
    assert scan.size_bytes == DATA.nbytes
    positions = [(2, 3), (0, 1), (0, 1)]
    reads = {
        "pattern": (scan.pattern(1, 2), DATA[1, 2]),
        "patterns": (scan.patterns(positions), np.stack([DATA[p] for p in positions])),
        "rows": (scan.rows(1, 3), DATA[1:3]),
        "block": (scan.block(slice(0, 2), slice(1, 3)), DATA[0:2, 1:3]),
        "past the end": (scan.block(slice(2, 9), slice(3, 9)), DATA[2:, 3:]),
    }
    for what, (block, expected) in reads.items():
        assert isinstance(block, np.ndarray), what
        assert block.dtype == np.dtype("uint16"), what
        assert block.dtype.isnative, what
        assert block.flags.c_contiguous, what
        np.testing.assert_array_equal(block, expected, err_msg=what)


@pytest.mark.parametrize("position", [(3, 0), (0, 4), (-1, 0), (0, -1)])
def test_a_position_outside_is_refused(scan, position):
    with pytest.raises(ScanError, match="outside the scan"):
        scan.pattern(*position)
    with pytest.raises(ScanError, match="outside the scan"):
        scan.patterns([(0, 0), position])


@pytest.mark.parametrize("shape", [(4, 5, 6), (2, 3, 4, 5, 6), (), (0, 2, 3, 4), (2, 3, 4, 0)])
def test_what_is_not_four_dimensional_or_is_empty_is_refused(shape):
    with pytest.raises(ScanError, match="four axes|empty"):
        Scan(np.zeros(shape))


@pytest.mark.parametrize("dtype", ["complex64", "U3", "O", "M8[s]", [("a", int)]])
def test_what_is_not_a_plain_number_is_refused(dtype):
    with pytest.raises(ScanError, match="integer or floating point"):
        Scan(np.zeros((1, 1, 2, 2), dtype))


class Untouchable:
    """An array that must not be read."""

    shape, dtype = (200, 300, 512, 512), np.dtype(">u2")

    def __getitem__(self, key):
        pytest.fail("was read")


def test_nothing_is_read_to_make_or_describe_a_scan():
    scan = Scan(Untouchable(), Calibration((2.0, 3.0), "nm"), Provenance(notes=("a note",)))
    assert list(scan.row_blocks())
    description = describe(scan)
    assert description["shape"] == [200, 300, 512, 512]
    assert description["size_bytes"] == scan.size_bytes == 200 * 300 * 512 * 512 * 2
    assert (description["dtype"], description["scan_step"], description["notes"]) == (">u2", [2.0, 3.0], ["a note"])


@given(
    scan_y=st.integers(1, 50), row_values=st.integers(1, 1000), block_bytes=st.integers(0, 10_000)
)  # fmt: skip
def test_row_blocks_cover_the_scan_once_and_are_no_larger_than_asked(scan_y, row_values, block_bytes):
    scan = Scan(np.broadcast_to(np.uint16(0), (scan_y, 1, 1, row_values)))
    blocks = list(scan.row_blocks(block_bytes))
    assert [row for start, stop in blocks for row in range(start, stop)] == list(range(scan_y))
    assert all(stop - start == 1 or (stop - start) * row_values * 2 <= block_bytes for start, stop in blocks)


def test_a_scan_is_named_after_its_file(tmp_path):
    assert Scan(DATA).name == "scan"
    assert Scan(DATA, provenance=Provenance(path=tmp_path / "in situ 3.dm4")).name == "in situ 3"


def test_another_calibration_keeps_the_data():
    scan = Scan(DATA, provenance=Provenance(reader="test"))
    other = scan.with_calibration(Calibration((2.0, 2.0), "nm"))
    assert other.data is scan.data
    assert other.provenance == scan.provenance
    assert other.calibration.scan_units == "nm"
    assert scan.calibration.scan_units == "px"


def test_native_copies_only_what_it_must():
    assert np.shares_memory(native(DATA), DATA)
    for awkward in (DATA[:, ::-1], DATA.astype(">u2"), DATA.transpose(2, 3, 0, 1)):
        fixed = native(awkward)
        assert fixed.flags.c_contiguous
        assert fixed.dtype.isnative
        np.testing.assert_array_equal(fixed, awkward)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_what_is_no_number_becomes_zero_in_a_copy(dtype):
    block = np.array([1, np.nan, np.inf, -np.inf, -2], dtype)
    clean, count = zero_nonfinite(block)
    assert clean.tolist() == [1, 0, 0, 0, -2]
    assert clean.dtype == block.dtype
    assert count == 3
    assert np.isnan(block[1])


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool", "float32"])
def test_a_block_of_numbers_is_not_copied(dtype):
    block = np.ones(4, dtype)
    clean, count = zero_nonfinite(block)
    assert clean is block
    assert count == 0


def test_a_warning_counts_the_pixels_and_comes_only_if_there_are_any():
    with pytest.warns(UserWarning, match="^1 detector pixel of"):
        warn_of_nonfinite(1)
    with pytest.warns(UserWarning, match="^7 detector pixels of"):
        warn_of_nonfinite(7)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_nonfinite(0)


WRONG = [
    (3,), 3, (0, 4), (0, 0, 5), (0, 0, 0, 6), (-4,), (0, 0, 0, 0, 0), (slice(1.5, 2),), 1.5, "rows", ([0, 3],),
    object, (np.zeros((2, 2), bool),),
]  # fmt: skip


@pytest.mark.parametrize("key", WRONG, ids=repr)
def test_a_wrong_index_is_the_callers_fault_and_not_the_files(scan, key):
    kept = Scan(scan.data, provenance=Provenance(path=Path("some.file")))
    for one in (scan, kept):
        with pytest.raises(
            ScanIndexError, match=r"\(3, 4, 5, 6\) \(scan_y, scan_x, k_y, k_x\) has no part \["
        ) as refused:
            one.read(key)
        assert isinstance(refused.value, IndexError)
        assert isinstance(refused.value, ScanError)
        assert "damaged" not in str(refused.value)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("key", [(slice(None, None, -1),), ([2, 0],), (None,), ([1, 1],)], ids=repr)
def test_an_index_that_a_library_does_not_know_is_not_called_damage(tmp_path, key):
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        scan = Scan(file.create_dataset("data", data=DATA), provenance=Provenance(path=tmp_path / "scan.h5"))
        with pytest.raises(ScanIndexError, match="cannot be read at.*read a block and index that"):
            scan.read(key)


def test_a_long_index_is_told_in_a_line():
    with pytest.raises(ScanIndexError) as refused:
        Scan(DATA).read(np.arange(1000).reshape(20, 50))
    assert len(str(refused.value)) < 300
    assert "\n" not in str(refused.value)


def test_damage_is_still_damage():
    class Broken:
        shape, dtype = (3, 4, 5, 6), np.dtype(np.uint8)

        def __getitem__(self, key):
            raise IndexError("chunk 7 is not there")

    with pytest.raises(ScanError, match=r"scan\.mib cannot be read as patterns: it is damaged.*chunk 7") as refused:
        Scan(Broken(), provenance=Provenance(path=Path("scan.mib"))).read((0, 0))
    assert not isinstance(refused.value, IndexError)


@pytest.mark.parametrize("position", [(3, 0), (0, 4), (-1, 0), (0.5, 0)])
def test_a_pattern_outside_is_an_index_error_too(scan, position):
    with pytest.raises(ScanIndexError):
        scan.pattern(*position)
