"""What is prepared one ahead, and what is read of a scan."""

import threading

import numpy as np
import pytest

from napari_ghosthunter.mapping.ahead import one_ahead, read_ahead
from napari_ghosthunter.scan.scan import Scan


def test_each_is_handed_out_in_order():
    with one_ahead(str, range(5)) as ahead:
        assert [ahead.take() for _ in range(5)] == list("01234")


def test_nothing_to_prepare():
    prepared = []
    with one_ahead(prepared.append, []) as ahead, pytest.raises(AssertionError):
        ahead.take()
    assert prepared == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("ghosthunter-ahead")]


def test_all_is_done_in_one_other_thread():
    with one_ahead(lambda _: threading.get_ident(), range(4)) as ahead:
        threads = {ahead.take() for _ in range(4)}
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


def test_an_error_comes_in_its_turn_and_stops_nothing():
    with one_ahead(lambda item: 1 / item, [1, 0, 2]) as ahead:
        assert ahead.take() == 1
        with pytest.raises(ZeroDivisionError):
            ahead.take()
        assert ahead.take() == 0.5


class Asked:
    """Notes the largest part that was asked for."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.largest, self.times = array, array.shape, array.dtype, 0, 0

    def __getitem__(self, key):
        part = self.array[key]
        self.largest = max(self.largest, part.nbytes)
        self.times += 1
        return part


@pytest.mark.parametrize("dtype", ["u1", ">u2", "f8", "?"])
@pytest.mark.parametrize("block_bytes", [1, 500, 4000, 10**6])
def test_no_more_than_a_block_is_read(dtype, block_bytes):
    asked = Asked(np.zeros((3, 5, 8, 8), dtype))
    read_ahead(Scan(asked), block_bytes)
    assert asked.times == 1
    pattern = 64 * asked.dtype.itemsize
    assert pattern <= asked.largest <= max(block_bytes, pattern)
