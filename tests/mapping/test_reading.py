"""Patterns come block by block, in order, one ahead of their use."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from napari_ghosthunter.mapping.reading import Place, fill, places, reading
from napari_ghosthunter.scan.scan import Scan

CPU = torch.device("cpu")


def cube(shape, dtype="uint16"):
    return np.random.default_rng(0).integers(0, 60_000, shape).astype(dtype)


@pytest.mark.parametrize("readable", [1, 64, 200, 1000, 10**6])
def test_places_cover_the_rows_once_and_hold_no_more_than_was_said(readable):
    scan, seen = Scan(cube((7, 5, 4, 4))), np.zeros((7, 5), int)
    for block in places(scan, [(0, 2), (2, 2), (2, 7)], readable):
        assert [place.left for place in block] == sorted(place.left for place in block)
        for place in block:
            seen[place.top : place.bottom, place.left : place.right] += 1
            size = (place.bottom - place.top) * (place.right - place.left)
            assert size * 32 <= max(readable, 32)
            assert place.bottom <= 2 or place.top >= 2
    assert (seen == 1).all()


@pytest.mark.parametrize("mapped", [False, True])
def test_patterns_come_in_order(tmp_path, mapped):
    data = cube((4, 5, 8, 8))
    np.save(tmp_path / "scan.npy", data)
    scan = Scan(np.load(tmp_path / "scan.npy", mmap_mode="r") if mapped else data)
    wanted = [place for block in places(scan, [(0, 4)], 400) for place in block]
    assert len(wanted) > 4
    with reading(scan, wanted, CPU) as patterns:
        found = np.concatenate(list(patterns))
    np.testing.assert_array_equal(found, data.reshape(-1, 8, 8))


def test_one_place_is_read_ahead_and_no_more():
    asked, data = [], cube((9, 2, 4, 4))
    ahead = threading.Semaphore(0)

    class Watched:
        shape, dtype = data.shape, data.dtype

        def __getitem__(self, key):
            asked.append(key[0].start)
            ahead.release()
            return data[key]

    with reading(Scan(Watched()), [Place(row, row + 1, 0, 2) for row in range(9)], CPU) as patterns:
        for row in range(3):
            next(patterns)
            for _ in range(2 if row == 0 else 1):
                assert ahead.acquire(timeout=20)
            assert asked == list(range(row + 2))
    assert asked == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_several_threads_copy_all_patterns(count):
    source = torch.from_numpy(cube((count, 6, 6)))
    target = torch.zeros_like(source)
    with ThreadPoolExecutor(4) as copiers:
        fill(target, source, copiers)
    assert np.array_equal(target.numpy(), source.numpy())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU of CUDA")
@pytest.mark.parametrize("dtype", ["uint16", "float32", "int32", "uint8"])
def test_patterns_come_to_the_gpu_as_they_are_stored(dtype):
    data = cube((6, 5, 32, 32), dtype)
    scan = Scan(data)
    wanted = [place for block in places(scan, [(0, 6)], 20_000) for place in block]
    with reading(scan, wanted, torch.device("cuda")) as patterns:
        found = [part.cpu().numpy() for part in patterns]
    np.testing.assert_array_equal(np.concatenate(found), data.reshape(-1, 32, 32))
