"""The clock of a Merlin: where rows end, which frames are dummies, and how little of a large file is read for it."""

import time
from pathlib import Path

import numpy as np
import pytest

from napari_ghosthunter.errors import ScanShapeError
from napari_ghosthunter.scan.readers import merlin_clock, open_scan
from napari_ghosthunter.scan.row_layout import TIMED_FRAMES
from tests.scan.writers import frames_of, write_mib


def row_times(rows, row, jitter, pause):
    gaps = np.random.default_rng(1).integers(-jitter, jitter + 1, rows * row) + 1_000_000
    gaps[::row] += pause
    return np.cumsum(gaps)


def test_mib_rows_are_found_by_their_pauses(tmp_path):
    path = write_mib(tmp_path / "a.mib", frames_of(42, (2, 2), "u1"), row_times(6, 7, jitter=40, pause=20_000))
    scan = open_scan(path)
    assert scan.scan_shape == (6, 7)
    assert "pause after each 7" in scan.provenance.notes[0]


@pytest.mark.parametrize(("jitter", "pause"), [(40, 0), (40, 300), (0, 0), (9000, 20_000)])
def test_mib_rows_are_not_guessed_from_jitter(tmp_path, jitter, pause):
    path = write_mib(tmp_path / "a.mib", frames_of(42, (2, 2), "u1"), row_times(6, 7, jitter, pause))
    with pytest.raises(ScanShapeError, match="42 patterns"):
        open_scan(path)


def test_mib_pauses_at_other_places_than_row_ends_are_no_rows(tmp_path):
    times = row_times(6, 7, jitter=40, pause=20_000)
    times[24:] += 20_000  # the third row pauses within, too
    with pytest.raises(ScanShapeError):
        open_scan(write_mib(tmp_path / "a.mib", frames_of(42, (2, 2), "u1"), times))


def test_mib_rows_that_shift_later_on_are_no_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(merlin_clock, "FIRST_FRAMES", 70)
    times = row_times(60, 7, jitter=40, pause=20_000)
    assert open_scan(write_mib(tmp_path / "a.mib", frames_of(420, (2, 2), "u1"), times)).scan_shape == (60, 7)
    lost = np.append(np.delete(times, 200), times[-1] + 1_000_000)  # a frame was lost, after those that are looked at
    with pytest.raises(ScanShapeError, match="420 patterns"):
        open_scan(write_mib(tmp_path / "a.mib", frames_of(420, (2, 2), "u1"), lost))


GAP = 1_000_000


def dummy_times(rows, late):
    """Times of rows of nine frames, of which some come late."""
    gaps = np.full(rows * 9, GAP) + np.random.default_rng(0).integers(-40, 41, rows * 9)
    for place, pause in late.items():
        gaps[place::9] += pause
    return np.cumsum(gaps)


STATED = {"ScanX": 8, "ScanY": 8}


@pytest.mark.parametrize(
    ("late", "first"),
    [
        ({0: 90_000, 1: 500_000}, 1),  # a dummy alone, before each row
        ({8: 20_000, 0: 5_000_000}, 0),  # after each row
        ({1: 90_000}, 1),
        ({8: 90_000}, 0),
    ],
)
@pytest.mark.parametrize("stated", [True, False])
def test_mib_dummies_are_left_out_where_the_times_show_them(tmp_path, late, first, stated):
    frames = frames_of(72, (2, 3), "u2")
    path = write_mib(tmp_path / "a.mib", frames, dummy_times(8, late), STATED if stated else None)
    scan = open_scan(path) if stated else open_scan(path, scan_shape=(8, 8))
    np.testing.assert_array_equal(scan.rows(0, 8), frames.reshape(8, 9, 2, 3)[:, first : first + 8])
    assert isinstance(scan.data, np.memmap)
    assert "more in each row, which were left out: the times" in " ".join(scan.provenance.notes)


@pytest.mark.parametrize("header", [STATED, {**STATED, "Frames per Trigger (Number)": 9}])
def test_mib_rows_of_nine_where_eight_are_stated_are_asked_for(tmp_path, header):
    """Which of the nine is the dummy, the first or the last?"""
    frames = frames_of(72, (2, 3), "u2")
    path = write_mib(tmp_path / "a.mib", frames, dummy_times(8, {0: 90_000}), header)
    with pytest.raises(ScanShapeError, match="8 too many. They may be 1 in each row") as raised:
        open_scan(path)
    assert raised.value.layouts == (((8, 8), 0, 1), ((8, 8), 1, 1))
    scan = open_scan(path, skip_frames=1, flyback=1)
    np.testing.assert_array_equal(scan.rows(0, 8), frames.reshape(8, 9, 2, 3)[:, 1:])


def test_mib_dummies_are_known_by_their_exposure(tmp_path):
    frames = frames_of(72, (2, 3), "u2")
    exposures = np.full(72, GAP)
    exposures[::9] = GAP // 4
    path = write_mib(tmp_path / "a.mib", frames, dummy_times(8, {0: 90_000}), STATED, exposures)
    np.testing.assert_array_equal(open_scan(path).rows(0, 8), frames.reshape(8, 9, 2, 3)[:, 1:])


def test_mib_frames_after_the_last_row_are_left_out_where_the_times_show_it(tmp_path):
    frames = frames_of(72, (2, 3), "u2")
    path = write_mib(tmp_path / "a.mib", frames, row_times(9, 8, 40, 20_000), STATED)
    scan = open_scan(path)
    np.testing.assert_array_equal(scan.rows(0, 8), frames[:64].reshape(8, 8, 2, 3))
    assert "8 pattern(s) more than the scan; the last were left out" in scan.provenance.notes[0]


@pytest.mark.parametrize("late", [{8: 90_000}, {0: 90_000, 1: 500_000}])
def test_mib_that_dummies_made_end_early_is_not_opened_as_stated(tmp_path, late):
    """The detector was told to take 64 frames, of which seven rows took a dummy each."""
    frames, first = frames_of(64, (2, 3), "u2"), 1 if 1 in late else 0
    path = write_mib(tmp_path / "a.mib", frames, dummy_times(8, late)[:64], STATED)
    with pytest.raises(
        ScanShapeError, match="states a scan of 8 x 8. The times .* show rows of 9, not 8: say"
    ) as raised:
        open_scan(path)
    shape, skip, flyback = raised.value.layouts[0]
    assert (shape, skip, flyback) == ((7, 8), first, 1)
    scan = open_scan(path, scan_shape=shape, skip_frames=skip, flyback=flyback)
    np.testing.assert_array_equal(scan.rows(0, 7), frames[:63].reshape(7, 9, 2, 3)[:, first : first + 8])
    scan = open_scan(path, scan_shape=(8, 8))
    assert scan.scan_shape == (8, 8)
    assert "show rows of 9, not 8" in scan.provenance.notes[0]
    assert open_scan(path, flyback=0).provenance.notes == ()


@pytest.mark.parametrize("count", [40, 45, 62, 63])
def test_mib_with_dummies_that_was_interrupted_offers_its_rows(tmp_path, count):
    frames = frames_of(count, (2, 3), "u2")
    path = write_mib(tmp_path / "a.mib", frames, dummy_times(8, {8: 90_000})[:count], STATED)
    with pytest.raises(
        ScanShapeError, match=f"holds {count}: {64 - count} missing. The times .* show rows of 9"
    ) as raised:
        open_scan(path)
    assert raised.value.layouts[0] == (((count + 1) // 9, 8), 0, 1)
    for (rows, columns), skip, flyback in raised.value.layouts[:1]:
        scan = open_scan(path, scan_shape=(rows, columns), skip_frames=skip, flyback=flyback)
        np.testing.assert_array_equal(scan.rows(0, rows), [frames[9 * y : 9 * y + 8] for y in range(rows)])


def test_mib_frames_after_a_row_that_the_user_states_deduce_no_shape(tmp_path):
    path = write_mib(tmp_path / "a.mib", frames_of(72, (2, 3), "u2"), dummy_times(8, {0: 90_000}))
    assert open_scan(path).scan_shape == (8, 9)
    with pytest.raises(ScanShapeError, match="1 after each row, of an unknown scan shape.*example 8x8") as raised:
        open_scan(path, flyback=1)
    assert raised.value.layouts[0] == ((8, 8), 0, 1)


def test_mib_whose_clock_shows_rows_offers_them_where_the_last_was_cut_off(tmp_path):
    path = write_mib(tmp_path / "a.mib", frames_of(40, (2, 3), "u2"), row_times(6, 7, 40, 20_000)[:40])
    with pytest.raises(ScanShapeError, match="40 patterns") as raised:
        open_scan(path)
    assert raised.value.candidates[0] == (5, 7)
    assert open_scan(path, scan_shape=(5, 7)).scan_shape == (5, 7)


def test_mib_one_trigger_for_all_frames_states_no_scan_shape(tmp_path):
    path = write_mib(tmp_path / "a.mib", frames_of(72, (2, 3), "u2"), header={"Frames per Trigger (Number)": 72})
    with pytest.raises(ScanShapeError, match="72 patterns"):
        open_scan(path)


def memory():
    """Bytes in memory; 0 where the system does not say so."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return 0
    with status.open() as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS")) * 1024


def test_a_large_mib_opens_at_once(tmp_path):
    """65 GB, of which some hundred kB are written and none of the rest is read."""
    side, rows = 256, 700
    size = 384 + side * side * 2
    path = write_mib(tmp_path / "a.mib", frames_of(1, (side, side), "u2"))
    header = path.read_bytes()[:384]
    with path.open("r+b") as file:
        file.truncate(size * rows * rows)
        for number in range(TIMED_FRAMES):
            nanoseconds = GAP * number + 40 * (number % 3)
            file.seek(number * size)
            file.write(header.replace(b"51:00.001000000", f"51:{nanoseconds / 1e9:012.9f}".encode()))
    assert path.stat().st_size > 64e9
    open_scan(path, scan_shape=(rows, rows))
    before, start = memory(), time.monotonic()
    with pytest.raises(ScanShapeError, match="490000 patterns"):
        open_scan(path)
    assert time.monotonic() - start < 1
    assert memory() - before < 50e6
