"""One model, many scans: each is mapped or reported, whatever the others are."""

import gc
import os
import threading
import weakref
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from napari_ghosthunter.errors import MapError, ScanError, TrainingError
from napari_ghosthunter.learning.looks import describe_looks
from napari_ghosthunter.learning.material import fit_template
from napari_ghosthunter.learning.patterns import FittedPatterns
from napari_ghosthunter.mapping.batch import map_scans, names_of
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.segmentation import segment, segment_rows
from napari_ghosthunter.scan.fingerprint import PATTERNS, fingerprint
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Provenance, Scan
from napari_ghosthunter.scan.spread import spread_positions
from napari_ghosthunter.scan.statistics import measure_statistics

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def cube():
    k_y, k_x = np.ogrid[:16, :16]
    disk = np.hypot(k_y - 7, k_x - 8) < 3
    return (disk * np.random.default_rng(0).poisson(50, (5, 7, 1, 1))).astype(np.uint16)


@pytest.fixture
def files(tmp_path, cube):
    """Two scans of two shapes."""
    np.save(tmp_path / "one.npy", cube)
    np.save(tmp_path / "two.npy", cube[:3])
    return [tmp_path / "one.npy", tmp_path / "two.npy"]


def ends(reports):
    return {report.index: report for report in reports if report.finished}


def test_each_is_mapped_as_alone_and_written(make_model, files, tmp_path):
    model = make_model()
    reports = list(map_scans(model, files, tmp_path / "maps", device="cpu"))
    for index, path in enumerate(files):
        own = [report for report in reports if report.index == index]
        scan = open_scan(path)
        assert (own[0].rows, own[0].of) == (0, scan.shape[0])
        assert own[-1].rows == scan.shape[0]
        assert [report.finished for report in own] == [False] * (len(own) - 1) + [True]
        alone = segment(scan, model, device="cpu")
        assert np.array_equal(own[-1].domain_map.probabilities, alone.probabilities)
        assert np.array_equal(DomainMap.load(tmp_path / "maps", path.stem).probabilities, alone.probabilities)
        assert {written.name for written in own[-1].written} >= {f"{path.stem}_map.json"}


def test_without_a_folder_nothing_is_written(make_model, files, tmp_path):
    before = set(tmp_path.rglob("*"))
    found = ends(map_scans(make_model(), files, device="cpu"))
    assert [end.written for end in found.values()] == [(), ()]
    assert all(end.domain_map is not None for end in found.values())
    assert set(tmp_path.rglob("*")) == before


def test_what_fails_is_reported_first_and_stops_nothing(make_model, files, tmp_path, cube):
    np.save(tmp_path / "wide.npy", np.zeros((2, 2, 20, 20)))
    (tmp_path / "cut.npy").write_bytes((tmp_path / "one.npy").read_bytes()[:500])
    scans = [files[0], tmp_path / "wide.npy", tmp_path / "cut.npy", tmp_path / "none.npy", files[1]]
    reports = list(map_scans(make_model(), scans, tmp_path / "maps", device="cpu"))
    assert [report.index for report in reports[:3]] == [1, 2, 3]
    found = ends(reports)
    words = ["", "patterns of 16 x 16 pixels, but this scan has 20 x 20", "cut short", "no file", ""]
    for index, said in enumerate(words):
        assert said in found[index].error
        assert bool(said) == bool(found[index].error)


def test_a_scan_that_cannot_be_read_to_its_end(make_model, files, tmp_path, cube):
    class Broken:
        shape, dtype = (40, 3, 16, 16), np.dtype("u2")

        def __getitem__(self, key):
            raise OSError("The disk is gone.")

    found = ends(map_scans(make_model(), [Scan(Broken()), files[1]], tmp_path / "maps", device="cpu"))
    assert found[0].error == "The disk is gone."
    assert found[1].written


def test_old_maps_are_kept_unless_told_otherwise(make_model, files, tmp_path):
    list(map_scans(make_model(), files[:1], tmp_path, device="cpu"))
    other = make_model(seed=1)
    found = ends(map_scans(other, files, tmp_path, device="cpu"))
    assert "exist already" in found[0].error
    assert found[1].written
    found = ends(map_scans(other, files, tmp_path, device="cpu", overwrite=True))
    assert DomainMap.load(tmp_path, "one").provenance["model_hash"] == other.hash


# ---- going on where a batch was stopped ----


@pytest.fixture
def resumed(make_model, files, tmp_path):
    """Map both scans; then give a function that resumes, and tells which maps were kept."""
    list(map_scans(make_model(), files, tmp_path / "maps", device="cpu"))

    def again(model=None, scans=files):
        found = ends(map_scans(model or make_model(), scans, tmp_path / "maps", device="cpu", resume=True))
        assert [end.error for end in found.values()] == [""] * len(scans)
        assert all(bool(end.written) != end.resumed for end in found.values())
        loaded = [DomainMap.load(tmp_path / "maps", end.name) for end in found.values()]
        whole = [segment(open_scan(path), model or make_model(), device="cpu") for path in scans]
        for end, on_disk, expected in zip(found.values(), loaded, whole, strict=True):
            assert np.array_equal(end.domain_map.probabilities, expected.probabilities)
            assert np.array_equal(on_disk.probabilities, expected.probabilities)
            assert (end.rows, end.of) == (expected.scan_shape[0],) * 2
        return [end.resumed for end in found.values()]

    return again


def test_what_is_whole_is_kept(resumed, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "maps").iterdir()}
    assert resumed() == [True, True]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "maps").iterdir()} == before


def test_a_new_scan_is_mapped(resumed, files, tmp_path, cube):
    np.save(tmp_path / "three.npy", cube[1:])
    assert resumed(scans=[*files, tmp_path / "three.npy"]) == [True, True, False]


@pytest.mark.parametrize("suffix", ["_map.json", "_rgb.png", "_probabilities.npy"])
def test_a_map_without_one_of_its_files_is_made_anew(resumed, tmp_path, suffix):
    (tmp_path / "maps" / f"one{suffix}").unlink()
    assert resumed() == [False, True]
    assert resumed() == [True, True]


@pytest.mark.parametrize("name", ["one_map.json", "one_probabilities.npy"])
def test_a_damaged_map_is_made_anew(resumed, tmp_path, name):
    path = tmp_path / "maps" / name
    path.write_bytes(path.read_bytes()[:200])
    assert resumed() == [False, True]


def test_a_map_of_another_model_is_made_anew(resumed, make_model):
    assert resumed(make_model(seed=1)) == [False, False]


def test_a_map_of_another_scan_is_made_anew(resumed, files, tmp_path, cube):
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "other" / "one.npy", cube + 1)
    assert resumed(scans=[tmp_path / "other" / "one.npy", files[1]]) == [False, True]


def test_a_scan_that_was_recorded_again_is_mapped_anew(resumed, files, cube, tmp_path):
    np.save(files[0], cube[::-1])
    later = (tmp_path / "maps" / "one_map.json").stat().st_mtime + 10
    os.utime(files[0], (later, later))
    assert resumed() == [False, True]


def test_a_scan_of_another_shape_is_mapped_anew(resumed, files, cube):
    np.save(files[0], cube[:4])
    os.utime(files[0], (0, 0))
    assert resumed() == [False, True]


def test_a_map_that_lacks_uncertain_positions_is_made_anew(resumed, tmp_path):
    domains = DomainMap.load(tmp_path / "maps", "one")
    domains.without(np.eye(*domains.scan_shape, dtype=bool)).save(tmp_path / "maps", "one", overwrite=True)
    assert resumed() == [False, True]


def test_a_scan_that_fails_does_not_stop_a_resumed_batch(make_model, files, tmp_path):
    list(map_scans(make_model(), files, tmp_path / "maps", device="cpu"))
    scans = [files[0], tmp_path / "none.npy", files[1]]
    found = ends(map_scans(make_model(), scans, tmp_path / "maps", device="cpu", resume=True))
    assert [(end.resumed, bool(end.error)) for _, end in sorted(found.items())] == [
        (True, False), (False, True), (True, False),
    ]  # fmt: skip


def test_neighbours_help_in_the_whole_map_whoever_computes_it(make_model, files):
    def row_by_row(scan, model, *, device):
        return segment_rows(scan, model, device=device, block_bytes=1)

    for segmenter in (segment_rows, row_by_row):
        found = ends(map_scans(make_model(), files, device="cpu", segmenter=segmenter, neighbours=2.0))
        for index, path in enumerate(files):
            plain = segment(open_scan(path), make_model(), device="cpu")
            expected, made = plain.with_neighbours(2.0), found[index].domain_map
            assert made.probabilities.tobytes() == expected.probabilities.tobytes() != plain.probabilities.tobytes()
            assert made.provenance == expected.provenance


def test_a_map_with_other_help_of_neighbours_is_made_anew(make_model, files, tmp_path):
    kept = []
    for strength in (0.0, 0.0, 1.0, 1.0, 1.5, 0.0):
        reports = map_scans(make_model(), files[:1], tmp_path, device="cpu", resume=True, neighbours=strength)
        (end,) = ends(reports).values()
        kept.append(end.resumed)
        made = segment(open_scan(files[0]), make_model(), device="cpu").with_neighbours(strength)
        for domains in (end.domain_map, DomainMap.load(tmp_path, "one")):
            assert np.array_equal(domains.probabilities, made.probabilities)
            assert domains.provenance == made.provenance
    assert kept == [False, True, False, True, False, False]


def test_neighbours_that_cannot_help_so_much_are_refused_at_once(make_model, files):
    with pytest.raises(MapError, match="strength from 0"):
        map_scans(make_model(), files, neighbours=5)


def test_scans_from_no_file_are_never_taken_for_mapped(make_model, cube, tmp_path):
    for _ in range(2):
        (end,) = ends(map_scans(make_model(), [Scan(cube)], tmp_path, device="cpu", resume=True)).values()
        assert end.written


def test_old_maps_are_either_replaced_or_kept(make_model, files, tmp_path):
    with pytest.raises(ValueError, match="either"):
        map_scans(make_model(), files, tmp_path, overwrite=True, resume=True)


def test_somebody_else_may_compute(make_model, files):
    asked = []

    def elsewhere(scan, model, *, device):
        asked.append(device)
        return segment_rows(scan, model, device="cpu")

    found = ends(map_scans(make_model(), files, device="there", segmenter=elsewhere))
    alone = [segment(open_scan(path), make_model(), device="cpu") for path in files]
    for index, expected in enumerate(alone):
        assert np.array_equal(found[index].domain_map.probabilities, expected.probabilities)
    assert set(asked) == {"there"}


def test_differences_are_told_before_the_work_unless_not_wanted(make_model, files, cube):
    model = make_model()
    looks = describe_looks(Scan(cube), model.patterns, measure_statistics(Scan(cube)))
    model = replace(model, record=model.record.model_copy(update={"scan": looks}))
    moved = Scan(np.roll(cube, 5, axis=3))
    first = next(map_scans(model, [moved], device="cpu"))
    assert "centre" in {difference.what for difference in first.differences}
    assert next(map_scans(model, [moved], device="cpu", check=False)).differences == ()
    assert next(map_scans(model, files[:1], device="cpu")).differences == ()


def test_what_is_not_a_number_is_noted(make_model, cube):
    odd = cube.astype(np.float32)
    odd[0, 0, 0, :2] = np.nan
    (end,) = ends(
        map_scans(make_model(), [Scan(odd, provenance=Provenance(notes=("A note.",)))], device="cpu")
    ).values()
    assert end.notes[0] == "A note."
    assert end.notes[1].startswith("2 detector pixels")


def test_leaving_the_loop_leaves_whole_maps_only(make_model, files, tmp_path):
    reports = map_scans(make_model(), files, tmp_path / "maps", device="cpu")
    list(islice(reports, 2))
    reports.close()
    assert not (tmp_path / "maps").exists()


def test_a_device_that_is_not_there_is_refused_at_once(make_model, files):
    with pytest.raises(TrainingError, match="no device 'nope'"):
        map_scans(make_model(), files, device="nope")


# ---- one ahead ----


class Opener:
    """Opens in-memory scans by number, notes when, and waits where it is told to."""

    def __init__(self, cubes, bad=()):
        self.cubes, self.bad = cubes, bad
        self.begun = [threading.Event() for _ in cubes]
        self.may = [threading.Event() for _ in cubes]
        self.counts = [0] * len(cubes)
        self.alive = weakref.WeakSet()
        self.most = 0

    def __call__(self, path):
        index = int(path.stem)
        self.counts[index] += 1
        if index and self.counts[index] == 1:  # the look at all before the first is mapped
            return Scan(self.cubes[index])
        self.begun[index].set()
        assert self.may[index].wait(WAIT_S)
        if index in self.bad:
            raise ScanError(f"Scan {index} is broken.")
        scan = Scan(Tracked(self.cubes[index]))
        self.alive.add(scan.data)
        gc.collect()
        self.most = max(self.most, len(self.alive))
        return scan

    def open_all(self):
        for event in self.may:
            event.set()


class Tracked:
    """An array that can be referred to weakly."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __getitem__(self, key):
        return self.array[key]


WAIT_S = 30  # for what comes at once unless it is broken


@pytest.fixture
def opener(cube):
    opener = Opener([cube + number for number in range(4)])
    yield opener
    opener.open_all()


def paths_of(opener):
    return [Path(f"{number}.x") for number in range(len(opener.cubes))]


def ahead_threads():
    return [thread for thread in threading.enumerate() if thread.name.startswith("ghosthunter-ahead")]


def test_the_next_scan_is_opened_while_the_present_one_is_computed(make_model, opener):
    opener.may[0].set()
    reports = map_scans(make_model(), paths_of(opener), device="cpu", opener=opener)
    first = next(reports)
    assert (first.index, first.rows) == (0, 0)
    assert opener.begun[1].wait(WAIT_S)  # and cannot end: the first is mapped all the same
    assert next(report for report in reports if report.finished).index == 0
    assert not opener.begun[2].is_set()
    opener.open_all()
    rest = [(report.index, report.finished) for report in reports]
    assert rest == sorted(rest)
    assert [index for index, finished in rest if finished] == [1, 2, 3]
    assert ahead_threads() == []


def test_no_more_than_two_scans_are_open(make_model, opener):
    opener.open_all()
    list(map_scans(make_model(), paths_of(opener), device="cpu", opener=opener))
    assert opener.most == 2


def test_a_scan_that_fails_ahead_is_reported_in_its_turn(make_model, opener):
    opener.open_all()
    opener.bad = (1, 3)
    reports = list(map_scans(make_model(), paths_of(opener), device="cpu", opener=opener))
    assert [report.index for report in reports] == sorted(report.index for report in reports)
    assert [(end.index, end.error) for end in reports if end.finished] == [
        (0, ""), (1, "Scan 1 is broken."), (2, ""), (3, "Scan 3 is broken."),
    ]  # fmt: skip


@pytest.mark.parametrize("leave", ["close", "throw"])
def test_leaving_the_loop_ends_the_thread(make_model, opener, leave):
    opener.may[0].set()
    reports = map_scans(make_model(), paths_of(opener), device="cpu", opener=opener)
    next(reports)
    assert opener.begun[1].wait(WAIT_S)
    opener.open_all()
    if leave == "close":
        reports.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            reports.throw(KeyboardInterrupt)
    assert ahead_threads() == []
    assert not opener.begun[2].is_set()


def test_a_bug_in_the_thread_keeps_its_traceback(make_model, cube):
    def broken(path):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(map_scans(make_model(), [Path("0.x")], device="cpu", opener=broken))
    assert ahead_threads() == []


# ---- names ----


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["a.dm4", "b.npy"], ["a", "b"]),
        (["mon/a.dm4", "tue/a.dm4", "b.npy"], ["mon_a", "tue_a", "b"]),
        (["mon/a.dm4", "mon/a.npy"], ["mon_a", "mon_a_2"]),
        (["mon/a.dm4", "tue/A.dm4"], ["mon_a", "tue_A"]),
        (["x/mon/a.dm4", "y/mon/a.dm4", "mon_a.npy", "mon_a_2.npy"], ["mon_a", "mon_a_2", "mon_a_3", "mon_a_2_2"]),
        ([None, None], ["scan", "scan_2"]),
    ],
)
def test_names_of_scans_are_told_apart(paths, names):
    blank = np.zeros((1, 1, 2, 2))
    scans = [Scan(blank) if path is None else Path(path.replace("/", os.sep)) for path in paths]
    found = names_of(scans)
    assert len({name.casefold() for name in found}) == len(scans)
    assert found == names


# ---- no more reading than it takes ----


class Counting:
    """An array that counts by what kind of index it is read."""

    def __init__(self, data):
        self.data, self.shape, self.dtype, self.single = data, data.shape, data.dtype, 0

    def __getitem__(self, key):
        self.single += isinstance(key, tuple) and len(key) == 3  # as the fingerprint alone does, pattern by pattern
        return self.data[key]


@pytest.fixture
def aligned_model(make_model, cube):
    """A model of another scan, whose patterns are laid on a template."""
    model = make_model()
    other = Scan(np.roll(cube[::-1], 1, axis=3))
    fitted = fit_template(model.patterns, other)
    looks = describe_looks(other, fitted, measure_statistics(other))
    return replace(model, patterns=fitted, record=model.record.model_copy(update={"scan": looks}))


@pytest.mark.parametrize("count", [1, 3])
def test_each_scan_is_fingerprinted_and_seen_once(aligned_model, cube, monkeypatch, count):
    seen = []
    measure = FittedPatterns._measured_in
    monkeypatch.setattr(FittedPatterns, "_measured_in", lambda self, scan: seen.append(scan) or measure(self, scan))
    scans = [Scan(Counting(cube + number)) for number in range(count)]
    found = ends(map_scans(aligned_model, scans, device="cpu"))
    assert not any(end.error for end in found.values())
    once = len(spread_positions(scans[0].scan_shape, PATTERNS))
    assert [scan.data.single for scan in scans] == [once] * count
    assert seen == scans
    for index, scan in enumerate(scans):
        alone = segment(scan, aligned_model, device="cpu")
        assert np.array_equal(found[index].domain_map.probabilities, alone.probabilities)
        assert found[index].domain_map.provenance == alone.provenance


@pytest.mark.parametrize("leave", [False, True])
def test_nothing_is_remembered_of_a_scan_that_was_given_once_the_batch_is_left(aligned_model, cube, leave):
    scans = [Scan(cube.copy()), Scan(cube.copy())]
    reports = map_scans(aligned_model, scans, device="cpu")
    before = [fingerprint(scan) for scan in scans]
    if leave:
        next(reports)
        reports.close()
    else:
        list(reports)
    for scan, was in zip(scans, before, strict=True):
        assert fingerprint(scan) == was
        scan.data[:] += 1
        assert fingerprint(scan) != was
