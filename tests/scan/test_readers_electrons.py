"""Counted electrons as stempy writes them: lists of hit pixels, given as patterns."""

import h5py
import numpy as np
import pytest

from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.readers import open_again, open_scan
from tests.scan.writers import write_electrons

SHAPE, DETECTOR = (3, 4), (7, 5)


def lists_of(count, seed=0, most=40):
    random = np.random.default_rng(seed)
    return [random.integers(0, 35, random.integers(0, most)).astype("u4") for _ in range(count)]


def dense(lists):
    """Count slowly and plainly."""
    pattern = np.zeros(DETECTOR, int)
    for hits in lists:
        for hit in hits:
            pattern[hit // DETECTOR[1], hit % DETECTOR[1]] += 1
    return pattern


def everything(scan):
    return scan.rows(0, scan.shape[0])


WAYS = {
    "plain": {},
    "chunked": {"chunks": (5,)},
    "gzip": {"chunks": (5,), "compression": "gzip", "shuffle": True},
    "new": {"libver": "latest"},
    "userblock": {"userblock_size": 512},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", ["u4", "u2", "i8"])
def test_each_list_is_a_pattern(tmp_path, way, kind):
    lists = lists_of(12)
    write_electrons(tmp_path / "a.h5", lists, SHAPE, DETECTOR, kind=kind, **WAYS[way])
    scan = open_scan(tmp_path / "a.h5")
    assert (scan.shape, scan.dtype, scan.provenance.dataset) == ((3, 4, 7, 5), np.uint16, "electron_events/frames")
    expected = np.array([dense([hits]) for hits in lists]).reshape(*SHAPE, *DETECTOR)
    np.testing.assert_array_equal(everything(scan), expected)
    np.testing.assert_array_equal(scan.data[1:, 2, 3:], expected[1:, 2, 3:])
    np.testing.assert_array_equal(everything(open_again(scan.provenance, tmp_path / "a.h5")), expected)


def test_long_lists_have_heaps_of_their_own(tmp_path):
    lists = lists_of(12, most=30_000)
    write_electrons(tmp_path / "a.h5", lists, SHAPE, DETECTOR)
    np.testing.assert_array_equal(open_scan(tmp_path / "a.h5").pattern(2, 3), dense(lists[-1:]))


def test_several_frames_at_a_position_are_summed(tmp_path):
    lists = lists_of(24)
    write_electrons(tmp_path / "a.h5", lists, SHAPE, DETECTOR, version=3)
    scan = open_scan(tmp_path / "a.h5")
    assert "sum of 2 frames" in scan.provenance.notes[0]
    expected = np.array([dense(lists[2 * n : 2 * n + 2]) for n in range(12)]).reshape(*SHAPE, *DETECTOR)
    np.testing.assert_array_equal(everything(scan), expected)


def test_frames_are_put_where_the_file_says(tmp_path):
    """Older files say the position of each frame: some have two, and some, of which packets were lost, none."""
    lists, places = lists_of(12), np.array([0, 1, 2, 2, 4, 5, 6, 7, 8, 9, 11, 10])
    write_electrons(tmp_path / "a.h5", lists, SHAPE, DETECTOR, places=places, version=None)
    scan = open_scan(tmp_path / "a.h5")
    expected = np.array([dense([lists[n] for n in np.flatnonzero(places == at)]) for at in range(12)])
    np.testing.assert_array_equal(everything(scan), expected.reshape(*SHAPE, *DETECTOR))
    assert [note.split(" of the")[0].split(" pos")[0] for note in scan.provenance.notes] == ["1", "1"]


def test_a_grid_of_lists(tmp_path):
    lists = lists_of(12)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        data = file.create_dataset("electron_events/data", SHAPE, h5py.vlen_dtype("u4"))
        for n, hits in enumerate(lists):
            data[n // 4, n % 4] = hits
        data.attrs.update(Nx=7, Ny=5)
    scan = open_scan(tmp_path / "a.h5")
    assert scan.scan_shape == SHAPE
    np.testing.assert_array_equal(scan.pattern(2, 1), dense(lists[9:10]))


def test_without_a_scan_shape_it_is_asked_and_the_camera_is_assumed(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("electron_events/frames", 12, h5py.vlen_dtype("u4"))[3] = [5, 5, 600]
    with pytest.raises(ScanShapeError, match="12 patterns of 576 x 576 pixels.*4D Camera"):
        open_scan(tmp_path / "a.h5")
    pattern = open_scan(tmp_path / "a.h5", scan_shape=(3, 4)).pattern(0, 3)
    assert (pattern[0, 5], pattern[1, 24], pattern.sum()) == (2, 1, 3)


def test_a_dense_array_beside_the_lists_can_be_chosen(tmp_path):
    write_electrons(tmp_path / "a.h5", lists_of(12), SHAPE, DETECTOR)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["frames"] = np.ones((12, 7, 5), "u2")
    assert open_scan(tmp_path / "a.h5").provenance.dataset == "electron_events/frames"
    assert open_scan(tmp_path / "a.h5", dataset="electron_events").scan_shape == SHAPE
    assert everything(open_scan(tmp_path / "a.h5", dataset="/frames", scan_shape=(3, 4))).max() == 1


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda lists, _: lists[3].__setitem__(0, 35), "an electron lies outside the detector"),
        (lambda _, options: options.update(places=np.full(12, 12), version=None), "positions outside the scan"),
        (lambda _, options: options.update(detector=(0, 5)), "sides of 0 x 5, which cannot be"),
        (lambda _, options: options.update(detector=(10**6, 10**6)), "which cannot be"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, spoil, problem):
    lists, options = lists_of(12), {"detector": DETECTOR}
    spoil(lists, options)
    write_electrons(tmp_path / "a.h5", lists, SHAPE, **options)
    with pytest.raises(ScanError, match=problem):
        everything(open_scan(tmp_path / "a.h5"))


def test_patterns_missing_at_the_end_are_counted(tmp_path):
    write_electrons(tmp_path / "a.h5", lists_of(10), SHAPE, DETECTOR, version=3)
    with pytest.raises(ScanShapeError, match="needs 12 patterns, but .* holds 10: 2 missing"):
        open_scan(tmp_path / "a.h5")
