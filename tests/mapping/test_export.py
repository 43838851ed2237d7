"""The files of a map: what other programs read in them, what comes back, and what is never half written."""

import csv
import errno
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.mapping import export
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.pictures import tiff_calibration
from napari_ghosthunter.scan.calibration import Calibration

CLASSES = ClassScheme.from_names(["none", "vertical", "horizontal"])
PROVENANCE = {
    "scan": {"path": "/data/série 7/scan_A.dm4", "reader": "rsciio.digitalmicrograph", "shape": [5, 4, 64, 64]},
    "model_hash": "0f" * 32,
    "versions": {"napari-ghosthunter": "1.2.3"},
    "seed": 7,
    "nonfinite_pixels": 0,
}


@pytest.fixture
def domain_map():
    values = np.random.default_rng(0).random((5, 4, 3)).astype(np.float32)
    probabilities = values / values.sum(axis=2, keepdims=True)
    probabilities[4] = np.nan  # cancelled before the last row
    calibration = Calibration(scan_step=(2.5, 1.25), scan_units="nm", k_step=(0.1, 0.1), k_units="1/nm")
    return DomainMap(probabilities, CLASSES, calibration, PROVENANCE)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_set_has_the_promised_names(domain_map, tmp_path):
    paths = domain_map.save(tmp_path / "new" / "folder", "a")
    assert {path.name for path in paths} == {
        "a_classes.tif", "a_probabilities.npy", "a_rgb.png", "a_confidence.tif", "a_domains.csv", "a_map.json",
        "a_figure.png",
    }  # fmt: skip
    assert names(tmp_path / "new" / "folder") == sorted(path.name for path in paths)


def test_files_take_the_name_of_the_scan(domain_map, tmp_path):
    assert domain_map.save(tmp_path)[0].name == "scan_A_map.json"
    in_memory = DomainMap(domain_map.probabilities, CLASSES, provenance={"scan": {"path": None}})
    assert in_memory.save(tmp_path)[0].name == "scan_map.json"
    assert DomainMap(domain_map.probabilities, CLASSES).save(tmp_path / "b")[0].name == "scan_map.json"


def test_a_map_comes_back_as_it_was(domain_map, tmp_path):
    domain_map.save(tmp_path, "a")
    back = DomainMap.load(tmp_path)
    np.testing.assert_array_equal(back.probabilities, domain_map.probabilities)
    assert back.classes.names == CLASSES.names
    assert back.classes.colours == CLASSES.colours
    assert back.calibration == domain_map.calibration
    assert back.provenance == PROVENANCE
    assert back.statistics == domain_map.statistics
    assert back.save(tmp_path / "again", "a")[0].read_text("utf-8") == (tmp_path / "a_map.json").read_text("utf-8")


def test_the_pictures_hold_the_map(domain_map, tmp_path):
    domain_map.save(tmp_path, "a")
    classes, confidence = tifffile.imread(tmp_path / "a_classes.tif"), tifffile.imread(tmp_path / "a_confidence.tif")
    assert (classes.dtype, confidence.dtype) == (np.uint8, np.float32)
    np.testing.assert_array_equal(classes, domain_map.classes_image)
    np.testing.assert_array_equal(confidence, domain_map.confidence)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a_rgb.png")), domain_map.rgb)
    np.testing.assert_array_equal(np.asarray(Image.open(tmp_path / "a_classes.tif")), domain_map.classes_image)
    probabilities = np.load(tmp_path / "a_probabilities.npy", allow_pickle=False)
    assert (probabilities.dtype, probabilities.shape) == (np.float32, (5, 4, 3))


def test_imagej_shows_the_classes_in_their_colours(domain_map, tmp_path):
    domain_map.save(tmp_path, "a")
    with tifffile.TiffFile(tmp_path / "a_classes.tif") as tiff:
        assert tiff.is_imagej
        metadata = tiff.imagej_metadata
    table = metadata["LUTs"]
    assert table.shape == (3, 256)
    assert table[:, :5].T.tolist() == [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255], [0, 0, 0]]
    assert (metadata["min"], metadata["max"]) == (0, 255)
    *names, origin = metadata["Info"].splitlines()
    assert names == ["0 = no data", "1 = none", "2 = vertical", "3 = horizontal"]
    assert json.loads(origin.removeprefix("provenance = ")) == PROVENANCE


def read_step(path):
    """Read the pixel size (y, x) and its unit as ImageJ does."""
    with tifffile.TiffFile(path) as tiff:
        tags = tiff.pages.first.tags
        assert tags["ResolutionUnit"].value == 1
        width, height = (tags[name].value[1] / tags[name].value[0] for name in ("XResolution", "YResolution"))
        return (height, width), tiff.imagej_metadata["unit"]


@pytest.mark.parametrize("suffix", ["_classes.tif", "_confidence.tif"])
@pytest.mark.parametrize(
    ("step", "units", "expected_step", "expected_unit"),
    [
        ((2.5, 1.25), "nm", (2.5, 1.25), "nm"),
        ((0.0123456, 0.0123456), "um", (0.0123456, 0.0123456), "um"),
        ((0.0123456, 3.0), "µm", (0.0123456, 3.0), "um"),
        ((0.7, 0.7), "angstrom", (0.7, 0.7), "angstrom"),
        ((0.7, 0.7), "Å", (0.7, 0.7), "angstrom"),
        ((35.0, 36.0), "pm", (35.0, 36.0), "pm"),
        ((1.0, 1.0), "px", (1.0, 1.0), "pixel"),
        ((2.0, 3.0), "px", (2.0, 3.0), "pixel"),
        ((1.234567e-8, 1.234567e-8), "nm", (1.234567e-8, 1.234567e-8), "nm"),
        ((1.234567e-10, 1.234567e-10), "nm", (1.234567e-7, 1.234567e-7), "pm"),
        ((1.234567e8, 9.87654e8), "pm", (1.234567e8, 9.87654e8), "pm"),
        ((1.234567e10, 9.87654e10), "pm", (1.234567e8, 9.87654e8), "angstrom"),
        ((1.5e-9, 2e-9), "m", (1.5, 2.0), "nm"),
        ((0.5, 0.5), "s", (0.5, 0.5), "s"),
        ((1e-30, 1e-30), "nm", (1.0, 1.0), "pixel"),
        ((0.5, 0.5), "一", (0.5, 0.5), "pixel"),
    ],
)
def test_pictures_keep_the_size_of_their_pixels(
    suffix, step, units, expected_step, expected_unit, domain_map, tmp_path
):
    calibration = Calibration(scan_step=step, scan_units=units)
    DomainMap(domain_map.probabilities, CLASSES, calibration).save(tmp_path, "a")
    read, unit = read_step(tmp_path / f"a{suffix}")
    assert unit == expected_unit
    assert read == pytest.approx(expected_step, rel=1e-6)


@settings(max_examples=60)
@given(y=st.floats(1e-8, 1e8), x=st.floats(1e-8, 1e8), unit=st.sampled_from(["pm", "nm", "angstrom", "um", "px"]))
def test_six_digits_of_any_step_are_kept(y, x, unit):
    (step_y, step_x), name = tiff_calibration((y, x), unit)
    assert name == ("pixel" if unit == "px" else unit)
    for step, given_step in ((step_y, y), (step_x, x)):
        numerator, denominator = tifffile.tifffile.rational(1 / step)
        assert max(numerator, denominator) < 2**32
        assert denominator / numerator == pytest.approx(given_step, rel=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 1), (3, 4), (4, 3)])
@pytest.mark.parametrize("n", [2, 4, 255])
def test_awkward_shapes_come_back(shape, n, tmp_path):
    classes = ClassScheme.from_names(f"class {number}" for number in range(n))
    original = DomainMap(np.random.default_rng(0).random((*shape, n), np.float32), classes)
    original.save(tmp_path)
    np.testing.assert_array_equal(DomainMap.load(tmp_path).probabilities, original.probabilities)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "scan_classes.tif").reshape(shape), original.classes_image)
    assert tifffile.imread(tmp_path / "scan_classes.tif").shape == shape
    assert np.asarray(Image.open(tmp_path / "scan_rgb.png")).shape == (*shape, 3)


def test_the_table_has_one_row_per_class(domain_map, tmp_path):
    domain_map.save(tmp_path, "a")
    with (tmp_path / "a_domains.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["class"] for row in rows] == list(CLASSES.names)
    for row, entry in zip(rows, domain_map.statistics, strict=True):
        assert (int(row["id"]), row["colour"], int(row["count"])) == (entry.id, entry.colour, entry.count)
        assert float(row["area_fraction"]) == entry.area_fraction
        assert float(row["area"]) == entry.area
        assert float(row["mean_confidence"]) == pytest.approx(entry.mean_confidence)
        assert int(row["wall_length_px"]) == entry.wall_length_px
        assert float(row["wall_length"]) == entry.wall_length
        assert (row["area_units"], row["wall_length_units"]) == ("nm^2", "nm")


def test_an_empty_class_has_no_mean_confidence(tmp_path):
    DomainMap(np.array([[[1.0, 0.0]]], np.float32), ClassScheme.from_names(["a", "b"])).save(tmp_path)
    with (tmp_path / "scan_domains.csv").open(newline="") as stream:
        assert [row["mean_confidence"] for row in csv.DictReader(stream)] == ["1.0", ""]


def test_the_description_says_what_the_map_is(domain_map, tmp_path):
    domain_map.save(tmp_path, "a")
    content = json.loads((tmp_path / "a_map.json").read_text("utf-8"))
    assert content["classes"] == [
        {"name": "none", "colour": "#ff0000"},
        {"name": "vertical", "colour": "#00ff00"},
        {"name": "horizontal", "colour": "#0000ff"},
    ]
    assert content["shape"] == [5, 4, 3]
    assert content["calibration"]["scan_step"] == [2.5, 1.25]
    assert {key: content[key] for key in PROVENANCE} == PROVENANCE
    assert content["walls"][0].keys() == {"first", "second", "length_px", "length"}


@pytest.mark.parametrize("suffix", export.SET_WRITERS)
def test_one_existing_file_stops_all_before_anything_is_written(suffix, domain_map, tmp_path):
    (tmp_path / f"a{suffix}").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        domain_map.save(tmp_path, "a")
    assert names(tmp_path) == [f"a{suffix}"]
    assert (tmp_path / f"a{suffix}").read_text() == "mine"
    domain_map.save(tmp_path, "a", overwrite=True)
    np.testing.assert_array_equal(DomainMap.load(tmp_path).probabilities, domain_map.probabilities)


@pytest.mark.parametrize("suffix", ["_map.json", "_classes.tif", "_domains.csv"])
def test_a_full_disk_leaves_no_part_of_a_map_and_keeps_the_old_one(suffix, domain_map, tmp_path, monkeypatch):
    old = DomainMap(1 - domain_map.probabilities, CLASSES)
    old.save(tmp_path / "old", "a")

    def fail(path, _):
        path.write_text("half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(export.SET_WRITERS, suffix, fail)
    with pytest.raises(OutputError, match="No space left"):
        domain_map.save(tmp_path / "new", "a")
    assert names(tmp_path / "new") == []
    with pytest.raises(OutputError, match="No space left"):
        domain_map.save(tmp_path / "old", "a", overwrite=True)
    np.testing.assert_array_equal(DomainMap.load(tmp_path / "old").probabilities, old.probabilities)
    assert len(names(tmp_path / "old")) == len(export.SET_WRITERS)


@pytest.mark.parametrize("fails_at", range(6))
def test_the_description_is_renamed_last(fails_at, domain_map, tmp_path, monkeypatch):
    replace, done = Path.replace, []

    def limited(self, target):
        if len(done) == fails_at:
            raise OSError(errno.EIO, "Input/output error")
        done.append(Path(target).name)
        return replace(self, target)

    domain_map.save(tmp_path, "a")
    monkeypatch.setattr(Path, "replace", limited)
    with pytest.raises(OutputError):
        domain_map.save(tmp_path, "a", overwrite=True)
    assert "a_map.json" not in names(tmp_path)
    assert "a_map.json" not in done


@pytest.mark.parametrize("stem", ["", "..", "a/b", "../x", "a\\b"])
def test_a_stem_stays_within_the_folder(stem, domain_map, tmp_path):
    with pytest.raises(OutputError, match="name"):
        domain_map.save(tmp_path, stem)


def test_stems_may_hold_dots_and_spaces(domain_map, tmp_path):
    domain_map.save(tmp_path, "run 1.5 kV_map")
    assert DomainMap.load(tmp_path, "run 1.5 kV_map").scan_shape == (5, 4)
    assert DomainMap.load(tmp_path).scan_shape == (5, 4)
