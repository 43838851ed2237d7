"""A scan becomes a map, streamed: the same as each position alone, in bounded memory, and stoppable."""

import threading
import time
import warnings
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_ghosthunter.errors import ModelError, TrainingError
from napari_ghosthunter.learning import alignment
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.mapping import segmentation
from napari_ghosthunter.mapping.segmentation import part_rows, segment, segment_rows
from napari_ghosthunter.mapping.streaming import AT_ONCE
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.scan import Provenance, Scan

pytestmark = pytest.mark.usefixtures("one_thread")

POOLS = [("none", 1), ("mean", 1), ("mean", 3), ("mean", 5), ("max", 3), ("max", 5)]
SHAPES = [(7, 6, 16, 16), (1, 13, 16, 16), (11, 1, 17, 23), (1, 1, 20, 16), (2, 3, 9, 12)]


def cube(shape, dtype="uint16", seed=0):
    return np.random.default_rng(seed).poisson(20, shape).astype(dtype)


def everywhere(scan_shape):
    return [(y, x) for y in range(scan_shape[0]) for x in range(scan_shape[1])]


def alone(scan, model):
    """Classify each position on its own, the way training makes its inputs."""
    network, positions = model.load_network(), everywhere(scan.scan_shape)
    with torch.inference_mode():
        logits = torch.cat([network(model.patterns.inputs(scan, [position])) for position in positions])
    return logits.softmax(1).numpy().reshape(*scan.scan_shape, -1)


def streamed(scan, model, **how):
    bands = list(segment_rows(scan, model, device="cpu", **how))
    assert [row for band in bands for row in range(band.start, band.stop)] == list(range(scan.shape[0]))
    assert all(band.probabilities.shape[:2] == (band.stop - band.start, scan.shape[1]) for band in bands)
    return np.concatenate([band.probabilities for band in bands])


class Recorder:
    """A lazy array that remembers the largest block that was asked of it, and how often each position was."""

    def __init__(self, data):
        self.data, self.shape, self.dtype, self.largest, self.reads = data, data.shape, data.dtype, 0, 0
        self.count = np.zeros(data.shape[:2], int)

    def __getitem__(self, key):
        block = self.data[key]
        self.largest, self.reads = max(self.largest, block.nbytes), self.reads + 1
        self.count[key] += 1
        return block


@pytest.mark.parametrize(("pool", "pool_size"), POOLS)
@pytest.mark.parametrize("shape", SHAPES)
def test_streamed_equals_each_position_alone(make_model, shape, pool, pool_size):
    scan, model = Scan(cube(shape)), make_model(shape[2:], pool=pool, pool_size=pool_size)
    expected = alone(scan, model)
    assert np.ptp(expected) > 1e-3
    for block_bytes in (1, 3000, 10**9):
        result = streamed(scan, model, block_bytes=block_bytes)
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, expected, atol=1e-6)


@settings(max_examples=25)
@given(
    scan_y=st.integers(1, 12),
    scan_x=st.integers(1, 9),
    pool=st.sampled_from(POOLS),
    block_bytes=st.integers(1, 20_000),
)
def test_no_block_size_changes_the_map(make_model, scan_y, scan_x, pool, block_bytes):
    scan = Scan(cube((scan_y, scan_x, 16, 16)))
    model = make_model(pool=pool[0], pool_size=pool[1])
    np.testing.assert_allclose(streamed(scan, model, block_bytes=block_bytes), streamed(scan, model), atol=1e-6)


@pytest.mark.parametrize(("pool", "pool_size"), POOLS)
@pytest.mark.parametrize("threads", [1, 3])
def test_the_network_is_given_the_very_inputs_that_it_is_trained_on(make_model, monkeypatch, pool, pool_size, threads):
    scan, model = Scan(cube((5, 7, 40, 33))), make_model((40, 33), size=32, pool=pool, pool_size=pool_size)
    seen = []

    class Spy(torch.nn.Module):
        def forward(self, inputs):
            seen.append(inputs[: scan.shape[1]].clone())  # blank patterns follow
            return torch.zeros(len(inputs), 3)

    spy = Spy()
    spy.register_parameter("somewhere", torch.nn.Parameter(torch.zeros(1)))
    monkeypatch.setattr(Model, "load_network", lambda *_: spy)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    streamed(scan, model, block_bytes=2 * 40 * 33 * 7 * 2)
    torch.set_num_threads(before)
    expected = model.patterns.inputs(scan, everywhere(scan.scan_shape))
    found = {row.numpy().tobytes() for part in seen for row in part}  # in any order: rows are computed side by side
    assert found == {row.numpy().tobytes() for row in expected}


def test_rows_longer_than_a_batch_are_pooled_across_its_ends(make_model):
    scan = Scan(cube((2, 2 * AT_ONCE + 3, 16, 16)))
    model = make_model(pool="max", pool_size=5)
    np.testing.assert_allclose(streamed(scan, model), alone(scan, model), atol=1e-6)


@pytest.mark.parametrize("columns", [6, 70])  # with 2 threads, a product of 6 rows is added up in another order
def test_the_number_of_threads_changes_no_bit(make_model, columns):
    scan, model = Scan(cube((2, columns, 32, 32))), make_model((32, 32), size=32)
    before, found = torch.get_num_threads(), []
    for threads in (1, 2, 3, 8):
        torch.set_num_threads(threads)
        found.append(streamed(scan, model))
    torch.set_num_threads(before)
    assert all(np.array_equal(found[0], other) for other in found[1:])


@pytest.mark.parametrize(("pool", "pool_size"), POOLS)
@pytest.mark.parametrize("block_bytes", [1, 8000, 10**9])
def test_a_part_of_the_rows_is_that_part_of_the_map(make_model, pool, pool_size, block_bytes):
    data = cube((11, 7, 16, 16), "float32")
    data[:, 3, 4, 4] = np.nan  # one in each row
    scan, model = Scan(data), make_model(pool=pool, pool_size=pool_size)
    whole, network, window = streamed(scan, model), model.load_network(), model.patterns.window(scan)
    for start, stop in [(0, 1), (0, 4), (4, 5), (3, 9), (9, 11), (0, 11)]:
        bands = list(part_rows(scan, model, network, window, (start, stop), block_bytes))
        assert [row for band in bands for row in range(band.start, band.stop)] == list(range(start, stop))
        assert np.array_equal(np.concatenate([band.probabilities for band in bands]), whole[start:stop])
        assert bands[-1].nonfinite == stop - start


@pytest.mark.parametrize("dtype", [">u2", ">f4", "float64", "int32", "uint32", "uint8"])
def test_the_type_of_the_data_changes_nothing(make_model, dtype):
    data, model = cube((3, 4, 16, 16)), make_model()
    np.testing.assert_array_equal(
        segment(Scan(data.astype(dtype)), model, device="cpu").probabilities,
        segment(Scan(data), model, device="cpu").probabilities,
    )


# ---- memory ----


@pytest.mark.parametrize("pool", [("none", 1), ("max", 5)])
@pytest.mark.parametrize("shape", [(40, 10, 32, 32), (1, 400, 32, 32), (400, 1, 32, 32)])
def test_no_more_is_read_at_once_than_was_asked_for_and_each_pattern_once(make_model, shape, pool):
    recorder = Recorder(cube(shape))
    limit = 10 * 32 * 32 * 2
    streamed(Scan(recorder), make_model((32, 32), pool=pool[0], pool_size=pool[1]), block_bytes=limit)
    assert 0 < recorder.largest <= limit
    assert (recorder.count == 1).all()


def test_a_pattern_larger_than_a_block_is_read_alone(make_model):
    recorder = Recorder(cube((2, 3, 64, 64)))
    streamed(Scan(recorder), make_model((64, 64)), block_bytes=100)
    assert recorder.reads == 6


def test_what_small_patterns_are_reduced_to_counts_too(make_model):
    """Patterns of 8 x 8 bytes become inputs of 16 x 16 numbers, sixteen times as large."""
    recorder = Recorder(cube((64, 4, 8, 8), "uint8"))
    streamed(Scan(recorder), make_model((8, 8)), block_bytes=16 * 1024)
    assert recorder.largest <= 16 * 1024 / 16


class Lender:
    """A lazy array that knows how many bytes of what it gave are still in memory, and how many there were at most."""

    def __init__(self, data):
        self.data, self.shape, self.dtype, self.lent, self.most = data, data.shape, data.dtype, 0, 0

    def __getitem__(self, key):
        block = self.data[key].copy()
        self.lent += block.nbytes
        self.most = max(self.most, self.lent)
        weakref.finalize(block, self._take_back, block.nbytes)
        return block

    def _take_back(self, nbytes):
        self.lent -= nbytes


@pytest.mark.parametrize("shape", [(60, 10, 32, 32), (1, 600, 32, 32), (600, 1, 32, 32)])
def test_no_more_than_four_blocks_are_in_memory(make_model, shape):
    lender, block = Lender(cube(shape)), 10 * 32 * 32 * 2
    streamed(Scan(lender), make_model((32, 32)), block_bytes=block)
    assert block < lender.most <= 4 * block  # two are reduced, one waits, one is being read


def test_rows_are_read_as_they_are_asked_for(make_model):
    recorder = Recorder(cube((20, 4, 16, 16)))
    bands = segment_rows(Scan(recorder), make_model(), device="cpu", block_bytes=1)
    assert recorder.reads == 0
    next(bands)
    read = recorder.count.any(axis=1).sum()
    assert read <= 4  # one for the rows that are here, one for those on the way, one more is read
    bands.close()
    reads = recorder.reads
    time.sleep(0.05)
    assert recorder.reads == reads
    assert recorder.count.any(axis=1).sum() <= 4
    assert list(bands) == []


def threads_of_ours():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("ghosthunter")]


def test_no_thread_outlives_the_map(make_model):
    bands = segment_rows(Scan(cube((20, 4, 16, 16))), make_model(), device="cpu", block_bytes=1)
    next(bands)
    assert threads_of_ours()
    bands.close()
    assert not threads_of_ours()
    segment(Scan(cube((4, 4, 16, 16))), make_model(), device="cpu")
    assert not threads_of_ours()


@pytest.mark.parametrize("row", [0, 3, 19])
def test_what_the_reading_raises_is_raised_in_its_place(make_model, row):
    class Broken(Recorder):
        def __getitem__(self, key):
            if key[0].start == row:
                raise OSError("the disk is gone")
            return super().__getitem__(key)

    bands, done = segment_rows(Scan(Broken(cube((20, 4, 16, 16)))), make_model(), device="cpu", block_bytes=1), []
    with pytest.raises(OSError, match="the disk is gone"):
        done.extend(band.stop for band in bands)
    assert max(done, default=0) <= row
    assert not threads_of_ours()


def test_a_gpu_without_memory_for_all_patterns_takes_fewer_at_once(make_model, monkeypatch):
    monkeypatch.setattr(segmentation, "answering", lambda network: network)  # as on a GPU
    scan, model = Scan(cube((2, 13, 16, 16))), make_model()
    whole, sizes, network = streamed(scan, model), [], model.load_network()
    forward = type(network).forward

    def scarce(self, inputs, most=8):
        sizes.append(len(inputs))
        if len(inputs) > most:
            raise torch.cuda.OutOfMemoryError
        return forward(self, inputs)

    monkeypatch.setattr(type(network), "forward", scarce)
    np.testing.assert_allclose(streamed(scan, model), whole, atol=1e-6)
    assert sorted(sizes) == sorted([16, 8, 8] * 2)  # two threads
    monkeypatch.setattr(type(network), "forward", lambda self, inputs: scarce(self, inputs, most=0))
    with pytest.raises(TrainingError, match="not enough memory even for one pattern"):
        streamed(scan, model)


def test_the_number_of_threads_stays_as_it_was(make_model):
    before = torch.get_num_threads()
    for _ in segment_rows(Scan(cube((4, 4, 16, 16))), make_model(), device="cpu", block_bytes=1):
        assert torch.get_num_threads() == before


# ---- the map and its provenance ----


def test_a_map_knows_what_it_comes_from(make_model, tmp_path):
    calibration = Calibration((2.0, 2.5), "nm")
    scan = Scan(cube((4, 5, 16, 16)), calibration, Provenance(path=tmp_path / "a.dm4", reader="test"))
    model = make_model(names=("up", "down"), seed=4)
    domains = segment(scan, model, device="cpu")
    assert domains.probabilities.shape == (4, 5, 2)
    np.testing.assert_allclose(domains.probabilities.sum(axis=2), 1, atol=1e-6)
    assert domains.has_data.all()
    assert domains.classes == model.classes
    assert domains.calibration == calibration
    assert domains.provenance["scan"]["path"] == str(tmp_path / "a.dm4")
    assert domains.provenance["model_hash"] == model.hash
    assert domains.provenance["network"] == "ghosthunter"
    assert domains.provenance["seed"] == 4
    assert domains.provenance["nonfinite_pixels"] == 0
    assert set(domains.provenance["versions"]) == {"napari-ghosthunter", "numpy", "torch"}


def test_progress_is_told_in_rows_and_ends_with_all(make_model):
    seen = []
    segment(Scan(cube((6, 4, 16, 16))), make_model(), device="cpu", progress=lambda done, of: seen.append((done, of)))
    assert seen == sorted(seen)
    assert seen[-1] == (6, 6)


def test_a_progress_that_raises_stops_the_work(make_model):
    class StopError(Exception):
        pass

    def stop(done, of):
        raise StopError

    with pytest.raises(StopError):
        segment(Scan(cube((6, 4, 16, 16))), make_model(), device="cpu", progress=stop)


@pytest.mark.parametrize("pool", [("none", 1), ("mean", 3)])
def test_pixels_that_are_no_numbers_are_counted_once_and_told_and_zero(make_model, pool):
    data = cube((5, 4, 16, 16), "float32")
    clean, model = data.copy(), make_model(pool=pool[0], pool_size=pool[1])
    for index, value in [((0, 0, 3, 4), np.nan), ((2, 3, 0, 0), np.inf), ((4, 1, 15, 2), -np.inf)]:
        data[index], clean[index] = value, 0
    with pytest.warns(UserWarning, match="3 detector pixels") as told:
        domains = segment(Scan(data), model, device="cpu")
    assert told[0].filename == __file__
    assert domains.provenance["nonfinite_pixels"] == 3
    np.testing.assert_array_equal(domains.probabilities, segment(Scan(clean), model, device="cpu").probabilities)
    counts = [band.nonfinite for band in segment_rows(Scan(data), model, device="cpu", block_bytes=1)]
    assert counts == sorted(counts)
    assert counts[-1] == 3


def test_a_scan_on_disk_gives_the_same_map_without_a_warning(make_model, tmp_path):
    data = cube((4, 5, 16, 16))
    np.save(tmp_path / "scan.npy", data)
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            mapped = segment(Scan(np.load(tmp_path / "scan.npy", mmap_mode="r")), make_model(), device="cpu")
    finally:
        torch.set_warn_always(False)
    np.testing.assert_array_equal(mapped.probabilities, segment(Scan(data), make_model(), device="cpu").probabilities)


# ---- refusals, at once ----


@pytest.mark.parametrize("detector", [(16, 17), (32, 32), (17, 16)])
def test_a_scan_of_another_detector_is_refused_at_once(make_model, detector):
    scan = Scan(cube((2, 2, *detector)))
    for start in (segment_rows, segment):
        with pytest.raises(ModelError, match=f"16 x 16 pixels, but this scan has {detector[0]} x {detector[1]}"):
            start(scan, make_model(), device="cpu")


def test_an_unknown_device_is_refused_at_once(make_model):
    with pytest.raises(TrainingError, match="no device 'abacus'"):
        segment_rows(Scan(cube((2, 2, 16, 16))), make_model(), device="abacus")


def test_what_aligning_keeps_is_made_by_one_thread(make_model, monkeypatch):
    """Two that made it at once gave other last bits in one run of ten."""
    real, makers = torch.hann_window, []

    def hann_window(*arguments, **options):
        makers.append(threading.current_thread())
        return real(*arguments, **options)

    monkeypatch.setattr(torch, "hann_window", hann_window)
    alignment._window.cache_clear()
    model = make_model()
    template = ((1.0,) * 16,) * 16
    model = replace(model, patterns=model.patterns._replaced(template=template))
    segment(Scan(cube((4, 70, 16, 16))), model, device="cpu")
    assert makers
    assert set(makers) == {threading.current_thread()}
