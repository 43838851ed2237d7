"""A map of a grid of positions: the same answers as the whole map has there."""

from __future__ import annotations

import numpy as np
import pytest

from napari_ghosthunter.mapping.coarse import CoarseMaps, grid, spread
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.scan import Scan

pytestmark = pytest.mark.usefixtures("one_thread")


class Watched:
    """An array that counts how often it was read."""

    def __init__(self, data: np.ndarray) -> None:
        self.data, self.shape, self.dtype, self.reads = data, data.shape, data.dtype, 0

    def __getitem__(self, key):
        self.reads += 1
        return self.data[key]


@pytest.fixture
def data() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 50, (7, 10, 16, 16)).astype(np.uint16)


@pytest.mark.parametrize("pool", ["none", "mean"])
@pytest.mark.parametrize("stride", [1, 2, 4, 8])
def test_it_agrees_with_the_whole_map_where_it_looked(data, make_model, pool, stride) -> None:
    model, scan = make_model(pool=pool), Scan(data)
    coarse, whole = CoarseMaps(scan).classify(model, stride), segment(scan, model, device="cpu")
    assert coarse is not None
    assert coarse.scan_shape == scan.scan_shape
    assert coarse.has_data.all()
    assert coarse.classes == model.classes
    assert coarse.provenance["preview"] is True
    for y, x in grid(scan.scan_shape, stride):
        np.testing.assert_allclose(coarse.probabilities[y, x], whole.probabilities[y, x], atol=1e-5)


@pytest.mark.parametrize(("shape", "stride"), [((1, 1), 4), ((5, 9), 2), ((7, 10), 4), ((3, 30), 8)])
def test_every_position_has_what_the_nearest_of_the_grid_has(shape, stride) -> None:
    spots = grid(shape, stride)
    found = spread(np.arange(len(spots), dtype=np.float32)[:, None], shape, stride)[:, :, 0]
    for y in range(shape[0]):
        for x in range(shape[1]):
            near_y, near_x = spots[int(found[y, x])]
            assert abs(near_y - y) == min(abs(spot[0] - y) for spot in spots)
            assert abs(near_x - x) == min(abs(spot[1] - x) for spot in spots)


def test_patterns_are_read_once_for_all_looks(data, make_model) -> None:
    watched = Watched(data)
    maps = CoarseMaps(Scan(watched))
    maps.classify(make_model(seed=1), 4)
    assert watched.reads == 6
    maps.classify(make_model(seed=2), 4)
    assert watched.reads == 6
    maps.classify(make_model(seed=2), 2)  # the coarser grid is part of the finer one
    assert watched.reads == 20
    maps.classify(make_model(scaling="linear"), 4)  # other inputs
    assert watched.reads == 26


def test_another_network_gives_another_map(data, make_model) -> None:
    maps = CoarseMaps(Scan(data))
    one, other = (maps.classify(make_model(seed=seed), 2) for seed in (1, 2))
    assert not np.allclose(one.probabilities, other.probabilities)


@pytest.mark.parametrize("asked", [0, 1, 5])
def test_it_is_given_up_when_it_takes_too_long_and_loses_nothing(data, make_model, asked) -> None:
    watched, answers = Watched(data), iter([True] * asked + [False] * 9)
    maps, model = CoarseMaps(Scan(watched)), make_model()
    assert maps.classify(model, 1, lambda: next(answers)) is None
    assert maps.classify(model, 1) is not None
    assert watched.reads == 70
