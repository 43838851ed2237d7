"""Virtual detectors against naive numpy, on awkward shapes and types, and what streaming must not do."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan import scan as scan_module
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.scan.virtual import (
    BeamCentre,
    annular_mask,
    bright_field_mask,
    columns,
    dark_field_mask,
    mean_pattern,
    measure_scan_beam,
    total_mask,
    virtual_image,
    virtual_images,
    virtual_rows,
)

SHAPES = [(3, 4, 8, 6), (1, 13, 7, 5), (11, 1, 5, 9), (1, 1, 1, 1), (2, 3, 1, 17)]
DTYPES = ["uint8", "bool", "int16", "uint16", ">u2", "uint32", ">i4", "float16", "float32", ">f4", "float64"]


class Recorder:
    """A lazy array that remembers the largest block that was asked of it."""

    def __init__(self, data):
        self.data, self.shape, self.dtype, self.largest, self.reads = data, data.shape, data.dtype, 0, 0

    def __getitem__(self, key):
        block = self.data[key]
        self.largest, self.reads = max(self.largest, block.nbytes), self.reads + 1
        return block


def cube(shape, dtype="uint16", seed=0):
    rng = np.random.default_rng(seed)
    dtype = np.dtype(dtype)
    if dtype.kind in "ui":
        info = np.iinfo(dtype)
        return rng.integers(info.min, info.max, shape, dtype.newbyteorder("="), endpoint=True).astype(dtype)
    return (rng.random(shape) * 2).astype(dtype)


def naive(data, mask):
    return (data.astype(np.float64) * mask).sum(axis=(2, 3))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_images_equal_naive_sums(shape, dtype):
    data = cube(shape, dtype)
    rng = np.random.default_rng(1)
    masks = [rng.random(shape[2:]) < 0.5, rng.normal(size=shape[2:]), np.ones(shape[2:], int)]
    images = virtual_images(Scan(data), masks)
    assert images.dtype == np.float64
    for image, mask in zip(images, masks, strict=True):
        np.testing.assert_allclose(image, naive(data, mask), rtol=1e-12, atol=1e-6)
        np.testing.assert_allclose(virtual_image(Scan(data), mask), image, rtol=1e-12, atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint16", ">u2", "uint32", "int32"])
def test_counts_are_summed_exactly(dtype):
    data = cube((2, 5, 64, 64), dtype)
    mask = np.random.default_rng(0).random((64, 64)) < 0.7
    exact = data[..., mask].astype(object).sum(axis=-1).astype(np.int64)
    assert (virtual_image(Scan(data), mask).astype(np.int64) == exact).all()


@settings(max_examples=40)
@given(
    data=hnp.arrays(np.uint16, hnp.array_shapes(min_dims=4, max_dims=4, max_side=5)),
    seed=st.integers(0, 100),
    block_bytes=st.sampled_from([1, 40, 300, 10**6]),
)
def test_blocks_and_boxes_do_not_change_the_result(data, seed, block_bytes):
    mask = np.random.default_rng(seed).random(data.shape[2:]) < 0.3
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(columns, "BLOCK_BYTES", block_bytes)
        assert (virtual_image(Scan(data), mask) == naive(data, mask)).all()
        np.testing.assert_allclose(mean_pattern(Scan(data)), data.mean(axis=(0, 1), dtype=np.float64))


@settings(max_examples=25)
@given(data=hnp.arrays(np.uint8, (2, 3, 5, 4)), inner=st.floats(0, 6))
def test_disk_and_the_rest_add_up_to_the_total(data, inner):
    beam = BeamCentre(2.2, 1.4, 1.0)
    disk = annular_mask((5, 4), beam, 0, inner)
    images = virtual_images(Scan(data), [disk, ~disk, total_mask((5, 4))])
    assert (images[0] + images[1] == images[2]).all()


def test_masks_lie_around_the_beam():
    beam = BeamCentre(10.0, 20.0, 5.0)
    bright, dark = bright_field_mask((31, 40), beam), dark_field_mask((31, 40), beam)
    assert bright[10, 25]
    assert bright[15, 20]
    assert not bright[10, 26]
    assert not dark[10, 27]
    assert dark[10, 28]
    assert dark[30, 39]
    assert not (bright & dark).any()


def test_a_beam_off_the_detector_selects_nothing_and_gives_a_dark_image():
    mask = bright_field_mask((8, 8), BeamCentre(-20.0, 3.0, 2.0))
    recorder = Recorder(cube((2, 3, 8, 8)))
    assert not virtual_image(Scan(recorder), mask).any()
    assert recorder.reads == 0


def test_only_the_box_of_the_mask_is_read():
    recorder = Recorder(cube((4, 5, 32, 32)))
    mask = annular_mask((32, 32), BeamCentre(10, 12, 0), 0, 2)
    np.testing.assert_array_equal(virtual_image(Scan(recorder), mask), naive(recorder.data, mask))
    assert recorder.largest == 4 * 5 * 5 * 5 * 2


@pytest.mark.parametrize("shape", [(64, 8, 16, 16), (1, 512, 16, 16)])
def test_memory_is_bounded_for_tall_and_for_long_scans(shape, monkeypatch):
    monkeypatch.setattr(columns, "BLOCK_BYTES", 20_000)
    monkeypatch.setattr(scan_module.Scan.row_blocks, "__defaults__", (20_000, 0, None))
    recorder = Recorder(cube(shape))
    virtual_image(Scan(recorder), total_mask((16, 16)))
    mean_pattern(Scan(recorder))
    assert recorder.largest <= 20_000


def test_rows_stream_in_order_and_a_caller_may_stop(monkeypatch):
    monkeypatch.setattr(scan_module.Scan.row_blocks, "__defaults__", (1, 0, None))
    recorder = Recorder(cube((6, 3, 4, 4)))
    stream = virtual_rows(Scan(recorder), [total_mask((4, 4)), np.eye(4)])
    start, stop, rows = next(stream)
    assert (start, stop, rows.shape, recorder.reads) == (0, 1, (2, 1, 3), 1)
    stream.close()
    assert recorder.reads == 1
    blocks = [(start, stop) for start, stop, _ in virtual_rows(Scan(recorder), [np.eye(4)])]
    assert blocks == [(row, row + 1) for row in range(6)]


def test_progress_counts_rows_up_to_all(monkeypatch):
    monkeypatch.setattr(scan_module.Scan.row_blocks, "__defaults__", (200, 0, None))
    seen = []
    virtual_image(Scan(cube((7, 3, 4, 4))), total_mask((4, 4)), lambda done, of: seen.append((done, of)))
    assert seen == [(2, 7), (4, 7), (6, 7), (7, 7)]
    seen.clear()
    mean_pattern(Scan(cube((7, 3, 4, 4))), progress=lambda done, of: seen.append((done, of)))
    assert seen[-1] == (7, 7)
    assert seen == sorted(seen)


def test_no_masks_give_no_images():
    assert virtual_images(Scan(cube((2, 3, 4, 4))), []).shape == (0, 2, 3)


@pytest.mark.parametrize("mask", [np.ones((4, 5)), np.ones(16), np.full((4, 4), np.nan)])
def test_a_mask_that_does_not_fit_is_refused_before_the_first_row(mask):
    with pytest.raises(ScanError, match="mask"):
        virtual_rows(Scan(cube((2, 3, 4, 4))), [mask])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_pixels_that_are_not_numbers_count_as_zero_and_are_reported_once(bad):
    data = cube((3, 4, 6, 6), "float32")
    clean = data.copy()
    for position in [(0, 0, 1, 1), (0, 0, 2, 3), (2, 3, 5, 5)]:
        data[position], clean[position] = bad, 0
    masks = [total_mask((6, 6)), np.eye(6)]
    with pytest.warns(UserWarning, match="3 detector pixels") as caught:
        images = virtual_images(Scan(data), masks)
    assert len(caught) == 1
    np.testing.assert_allclose(images, [naive(clean, mask) for mask in masks])
    with pytest.warns(UserWarning, match="3 detector pixels") as caught:
        mean = mean_pattern(Scan(data))
    assert len(caught) == 1
    np.testing.assert_allclose(mean, clean.mean(axis=(0, 1)), rtol=1e-6)


def test_opposite_infinities_raise_no_alarm_of_numpy():
    data = np.zeros((1, 2, 3, 3))
    data[0, 0, 0, 0], data[0, 1, 0, 0], data[0, 0, 1, 1] = np.inf, -np.inf, -np.inf
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert not virtual_image(Scan(data), total_mask((3, 3))).any()
        assert not mean_pattern(Scan(data)).any()
    assert {warning.category for warning in caught} == {UserWarning}


def test_clean_floats_give_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        virtual_image(Scan(cube((2, 2, 4, 4), "float32")), np.eye(4))


def test_mean_of_some_positions():
    data = cube((5, 4, 6, 7), ">u2")
    positions = [(0, 0), (4, 3), (2, 1)]
    expected = np.mean([data[position] for position in positions], axis=0)
    np.testing.assert_allclose(mean_pattern(Scan(data), positions), expected)
    with pytest.raises(ScanError, match="outside"):
        mean_pattern(Scan(data), [(5, 0)])
    with pytest.raises(ScanError, match="at least one"):
        mean_pattern(Scan(data), [])


def test_the_beam_of_a_scan_comes_from_a_bounded_number_of_patterns():
    y, x = np.indices((24, 30))
    pattern = 100.0 * np.clip(4.5 - np.hypot(y - 11.3, x - 16.2), 0, 1)
    recorder = Recorder(np.broadcast_to(pattern.astype(np.float32), (20, 50, 24, 30)))
    beam = measure_scan_beam(Scan(recorder), 30)
    assert recorder.reads <= 30
    assert np.hypot(beam.k_y - 11.3, beam.k_x - 16.2) < 0.1
    assert beam.radius == pytest.approx(4.0, abs=0.2)


def test_memmap_and_dask_give_the_same(tmp_path):
    import dask.array as da

    data = cube((4, 5, 6, 7), ">u2")
    np.save(tmp_path / "scan.npy", data)
    mapped = Scan(np.load(tmp_path / "scan.npy", mmap_mode="r"))
    lazy = Scan(da.from_array(data, chunks=(3, 2, 6, 7)))
    mask = np.random.default_rng(0).random((6, 7))
    for scan in (mapped, lazy):
        np.testing.assert_allclose(virtual_image(scan, mask), naive(data, mask))
        np.testing.assert_allclose(mean_pattern(scan), data.mean(axis=(0, 1)))
