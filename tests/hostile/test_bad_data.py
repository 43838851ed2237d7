"""Scans as detectors give them on a bad day, from the file to the exported map: a right result or one clear error."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest

from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.sampling import random_positions
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.training import train
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.virtual.images import virtual_image
from napari_ghosthunter.scan.virtual.masks import total_mask
from napari_ghosthunter.scan.virtual.means import mean_pattern

pytestmark = pytest.mark.usefixtures("one_thread")
SCAN, DETECTOR = (8, 10), (20, 20)


def scan_of(shape=SCAN, detector=DETECTOR, dtype="u2", most=4000):
    """Make a scan of two halves, whose patterns have a disk left or right of the beam, and its truth."""
    chance = np.random.default_rng(3)
    y, x = np.mgrid[: detector[0], : detector[1]]
    height, width = detector

    def disk(at):
        return np.hypot((y - height * 0.5) / height, (x - width * at) / width) < 0.12

    truth = np.zeros(shape, int)
    truth[:, shape[1] // 2 :] = 1
    if shape[1] == 1:
        truth[:] = 0
        truth[shape[0] // 2 :] = 1
    ideal = np.stack([disk(0.5) * 1.0 + disk(0.22) * 0.4, disk(0.5) * 1.0 + disk(0.78) * 0.4]) * most + most * 0.01
    return chance.poisson(ideal[truth]).clip(0, most * 2).astype(dtype), truth


def spoilt(change, **how):
    """Give a scan with some of its values changed, as `change(data)` does in place."""
    data, truth = scan_of(**how)
    change(data)
    return data, truth


def put(where, value):
    def change(data):
        data[where] = value

    return change


HALF = (slice(None), slice(None), slice(None, None, 2))
GOOD = {
    "nan pixels": lambda: spoilt(put((..., 3, 4), np.nan), dtype="f4"),
    "infinite pixels": lambda: spoilt(put((..., 5, slice(2)), np.inf), dtype="f8"),
    "minus infinity": lambda: spoilt(put((slice(None), slice(None), 1, 1), -np.inf), dtype="f4"),
    "nan patterns": lambda: spoilt(put((0, slice(2)), np.nan), dtype="f4"),
    "negative": lambda: spoilt(lambda data: np.subtract(data, 30, out=data), dtype="i4"),
    "negative floats": lambda: spoilt(lambda data: np.subtract(data, 30, out=data), dtype="f4"),
    "dark patterns": lambda: spoilt(put((2, slice(3)), 0)),
    "saturated patterns": lambda: spoilt(put((2, slice(3)), 65535)),
    "saturated beam": lambda: spoilt(lambda data: np.minimum(data, 1000, out=data)),
    "dead rows": lambda: spoilt(put((slice(None), slice(None), slice(4, 7)), 0)),
    "dead column": lambda: spoilt(put((..., 3), 0)),
    "hot pixel": lambda: spoilt(put((..., 2, 2), 65535)),
    "1 x N": lambda: scan_of((1, 40)),
    "N x 1": lambda: scan_of((40, 1)),
    "detector not square": lambda: scan_of(detector=(12, 36)),
    "odd sizes": lambda: scan_of((7, 9), (17, 23)),
    "tiny detector": lambda: scan_of(detector=(9, 8)),
    "8 bit": lambda: scan_of(dtype="u1", most=100),
    "signed 8 bit": lambda: scan_of(dtype="i1", most=50),
    "32 bit": lambda: scan_of(dtype="u4"),
    "64 bit": lambda: scan_of(dtype="i8"),
    "big-endian": lambda: scan_of(dtype=">u2"),
    "big-endian floats": lambda: scan_of(dtype=">f8"),
    "half floats": lambda: scan_of(dtype="f2"),
    "doubles": lambda: scan_of(dtype="f8"),
    "huge floats": lambda: spoilt(lambda data: np.multiply(data, 1e30, out=data), dtype="f8"),
    "tiny floats": lambda: spoilt(lambda data: np.multiply(data, 1e-30, out=data), dtype="f8"),
}
QUICK = {
    "nan pixels", "negative", "dark patterns", "saturated patterns", "dead rows", "1 x N", "N x 1",
    "detector not square", "odd sizes", "big-endian", "half floats",
}  # fmt: skip
BAD = {
    "one position": (lambda: scan_of((1, 1)), "label"),
    "all dark": (lambda: spoilt(put(..., 0)), None),
    "all nan": (lambda: spoilt(put(..., np.nan), dtype="f4"), None),
    "all the same": (lambda: spoilt(put(..., 7)), None),
    "one pixel": (lambda: scan_of(detector=(1, 1)), None),
    "one row of pixels": (lambda: scan_of(detector=(1, 30)), None),
}


def whole_way(path, truth, out):
    """Open, look, sample, label, train, map, export, and read the map again."""
    scan = open_scan(path)
    image = virtual_image(scan, total_mask(scan.detector_shape))
    assert image.shape == scan.scan_shape
    assert np.isfinite(image).all()
    assert np.isfinite(mean_pattern(scan)).all()
    drawn = random_positions(scan.scan_shape, count=min(24, truth.size), seed=1).proposals
    points = [(point.scan_y, point.scan_x) for point in drawn]
    labels = LabelSet(ClassScheme.from_names(["left", "right"]), scan.scan_shape)
    labels.label_many({(y, x): "right" if truth[y, x] else "left" for y, x in points})
    *_, report = train(scan, labels, TrainingConfig(network="swift"), PatternConfig(size=16), device="cpu")
    domain_map = segment(scan, report.model, device="cpu")
    assert np.isfinite(domain_map.probabilities).all()
    domain_map.save(out, "map")
    again = DomainMap.load(out, "map")
    np.testing.assert_array_equal(again.probabilities, domain_map.probabilities)
    return domain_map


@pytest.fixture(autouse=True)
def _told_of_nan():
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*held NaN or infinity")
        yield


@pytest.mark.parametrize(
    "case", [case if case in QUICK else pytest.param(case, marks=pytest.mark.slow) for case in GOOD]
)
def test_a_bad_scan_gives_a_right_map(tmp_path, case):
    data, truth = GOOD[case]()
    np.save(tmp_path / "a.npy", data)
    domain_map = whole_way(tmp_path / "a.npy", truth, tmp_path)
    assert np.mean(domain_map.classes_image == truth + 1) > 0.85


@pytest.mark.parametrize("case", BAD)
def test_a_scan_that_shows_nothing_is_refused_or_mapped_without_a_number_that_is_none(tmp_path, case):
    make, words = BAD[case]
    data, truth = make()
    np.save(tmp_path / "a.npy", data)
    told = ""
    try:
        whole_way(tmp_path / "a.npy", truth, tmp_path)
    except GhostHunterError as error:
        told = str(error)
        assert told.isprintable()
    assert words is None or words in told


def test_a_file_that_may_only_be_read_stays_as_it_is(tmp_path):
    data, truth = scan_of()
    folder = tmp_path / "archive"
    folder.mkdir()
    np.save(folder / "a.npy", data)
    before = (folder / "a.npy").read_bytes()
    (folder / "a.npy").chmod(0o444)
    folder.chmod(0o555)
    try:
        whole_way(folder / "a.npy", truth, tmp_path)
        assert [entry.name for entry in folder.iterdir()] == ["a.npy"]
    finally:
        folder.chmod(0o755)
    assert (folder / "a.npy").read_bytes() == before


@pytest.mark.parametrize("part", [0.1, 0.5, 0.99])
def test_a_file_that_is_still_written_says_what_is_missing(tmp_path, part):
    data, truth = scan_of()
    path = tmp_path / "a.npy"
    np.save(path, data)
    size = path.stat().st_size
    os.truncate(path, int(size * part))
    with pytest.raises(GhostHunterError, match="cut short"):
        open_scan(path)
    np.save(path, data)
    assert whole_way(path, truth, tmp_path).scan_shape == SCAN
