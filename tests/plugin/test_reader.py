"""Opening scans without a window: what is accepted, what it gives, what is asked and remembered."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import tifffile
from npe2 import PluginManager, PluginManifest

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.plugin.choices import recall, remember
from napari_ghosthunter.plugin.reader import get_reader, open_asking, read
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers import READERS
from tests.scan.zarr_stores import write_zarr

NAME = "napari-ghosthunter"
ENDINGS = [ending for reader in READERS for ending in reader.extensions]


class Answers:
    """Someone who answers what was prepared, and notes what was asked."""

    def __init__(self, shape=None, dataset=None, **left_out):
        self.shape, self.name, self.left_out, self.asked = shape, dataset, left_out, []

    def dataset(self, path, names, before):  # noqa: ARG002
        self.asked.append((*names, before))
        return self.name

    def scan_shape(self, path, chosen, error, before):  # noqa: ARG002
        self.asked.append((chosen.dataset, error.candidates[0], before.scan_shape))
        said = dict(self.left_out, scan_shape=self.shape)
        return None if self.shape is None else chosen.updated(**said)


@pytest.fixture
def manager():
    manager = PluginManager.instance()
    manager.discover()
    return manager


@pytest.fixture
def viewer(manager):
    from napari.components import ViewerModel

    return ViewerModel()


@pytest.fixture(scope="module")
def patterns_of_manifest():
    (reader,) = PluginManifest.from_distribution(NAME).contributions.readers
    assert reader.accepts_directories
    return reader.filename_patterns


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_format_is_offered_to_napari(ending, manager, tmp_path):
    for name in (f"My.scan{ending}", f"SCAN{ending.upper()}"):
        found = {reader.plugin_name for reader in manager.iter_compatible_readers(tmp_path / name)}
        assert NAME in found
        assert get_reader(str(tmp_path / name)) is read


def test_nothing_else_is_offered(patterns_of_manifest):
    assert all(any(ending.endswith(pattern[1:]) for ending in ENDINGS) for pattern in patterns_of_manifest)


@pytest.mark.parametrize("name", ["a.tif", "a.txt", "a", "folder", "picture.png"])
def test_others_are_left_to_other_plugins(name, tmp_path):
    (tmp_path / "folder").mkdir()
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((6, 5), "u1"))
    assert get_reader(str(tmp_path / name)) is None
    assert get_reader([str(tmp_path / "a.npy"), str(tmp_path / name)]) is None


def test_a_scan_opens_as_a_layer(viewer, scan_file, patterns):
    (layer,) = viewer.open(scan_file, plugin=NAME)
    assert (layer.name, layer.data.shape, layer.source.reader_plugin) == ("scan", (6, 10), NAME)
    np.testing.assert_array_equal(layer.metadata["scan"].data, patterns)
    assert layer.axis_labels == ("scan_y", "scan_x")
    assert [str(unit) for unit in layer.units] == ["pixel", "pixel"]


def test_a_zarr_folder_opens(viewer, tmp_path, patterns):
    write_zarr(tmp_path / "scan.zarr", patterns)
    (layer,) = viewer.open(tmp_path / "scan.zarr", plugin=NAME)
    assert layer.data.shape == (6, 10)


def test_a_folder_of_patterns_opens(viewer, tmp_path, patterns):
    folder = tmp_path / "patterns"
    folder.mkdir()
    for y, x in np.ndindex(patterns.shape[:2]):
        tifffile.imwrite(folder / f"x{x}_y{y}.tif", patterns[y, x])
    assert get_reader(str(folder)) is read
    (layer,) = viewer.open(folder, plugin=NAME)
    assert (layer.name, layer.data.shape) == ("patterns", (6, 10))
    np.testing.assert_array_equal(layer.metadata["scan"].rows(0, 6), patterns)


def test_files_dropped_as_a_stack_open_each(viewer, scan_file, tmp_path, patterns):
    other = tmp_path / "other.npy"
    np.save(other, patterns)
    assert [layer.name for layer in viewer.open([scan_file, other], stack=True, plugin=NAME)] == ["scan", "other"]


@pytest.mark.parametrize("shape", [(4,), (4, 5), (2, 2, 2, 2, 2)])
def test_what_is_no_scan_is_refused_with_its_reason(viewer, tmp_path, shape):
    path = tmp_path / "flat.npy"
    np.save(path, np.ones(shape))
    with pytest.raises(ScanError, match=r"flat\.npy: .*(axes|array)"):
        viewer.open(path, plugin=NAME)
    assert not viewer.layers


def test_a_script_gets_the_question_as_an_error(viewer, row_file, two_file):
    with pytest.raises(ScanShapeError, match="60 patterns"):
        viewer.open(row_file, plugin=NAME)
    with pytest.raises(DatasetError, match="before, after"):
        viewer.open(two_file, plugin=NAME)


def test_a_shape_is_asked_and_proposed_the_next_time(row_file):
    answers = Answers(shape=(6, 10))
    assert open_asking(row_file, answers).scan_shape == (6, 10)
    assert recall(row_file) == ScanOptions(scan_shape=(6, 10))
    assert open_asking(row_file, answers).scan_shape == (6, 10)
    assert answers.asked == [(None, (6, 10), None), (None, (6, 10), (6, 10))]


def test_what_is_left_out_is_remembered_with_the_shape(row_file):
    scan = open_asking(row_file, Answers((6, 9), skip_frames=1, flyback=1))
    assert scan.scan_shape == (6, 9)
    assert recall(row_file) == ScanOptions(scan_shape=(6, 9), skip_frames=1, flyback=1)
    assert scan.provenance.options == recall(row_file)


def test_an_array_is_asked_and_proposed_the_next_time(two_file):
    answers = Answers(dataset="after")
    for _ in range(2):
        assert open_asking(two_file, answers).scan_shape == (4, 10)
    assert answers.asked == [("before", "after", None), ("before", "after", "after")]


def test_array_and_shape_are_asked_in_turn(tmp_path, patterns):
    path = tmp_path / "rows.npz"
    row = patterns.reshape(60, 16, 16)
    np.savez(path, a=row, b=row)
    scan = open_asking(path, Answers((10, 6), "b"))
    assert (scan.scan_shape, scan.provenance.dataset) == ((10, 6), "b")
    assert recall(path) == ScanOptions(scan_shape=(10, 6), dataset="b")


@pytest.mark.parametrize("file", ["row_file", "two_file"])
def test_no_answer_opens_and_remembers_nothing(file, request, memory):
    path = request.getfixturevalue(file)
    assert open_asking(path, Answers()) is None
    assert not list(memory.iterdir())


def test_a_file_that_settles_everything_is_not_asked_about(scan_file, memory):
    answers = Answers()
    assert open_asking(scan_file, answers).scan_shape == (6, 10)
    assert not answers.asked
    assert not list(memory.iterdir())


def test_a_wrong_answer_is_an_error_and_not_remembered(row_file, memory):
    with pytest.raises(ScanShapeError):
        open_asking(row_file, Answers(shape=(7, 10)))
    assert not list(memory.iterdir())


def test_what_was_said_on_the_scan_page_holds_the_next_time_where_someone_is_at_the_window(scan_file):
    remember(scan_file, ScanOptions(scan_step="2nm", k_step="0.5mrad", beam=(3, 4)))
    scan = open_asking(scan_file, Answers())
    assert scan.calibration == Calibration((2, 2), "nm", (0.5, 0.5), "mrad")
    assert scan.beam == (3, 4)
    assert open_asking(scan_file, None).calibration == Calibration()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"mask": "other.npy"}, "other.npy) was left out. The mask has the shape (3, 3)"),
        ({"mask": "gone.npy"}, "gone.npy) was left out. There is no mask"),
        ({"mask": "wrong.npy"}, "wrong.npy) was left out. The mask"),
        ({"beam": (300, 4)}, "The place of the direct beam of last time (300, 4) was left out."),
        ({"rows": (2, 60)}, "The rows of last time (2, 60) were left out. The scan has 6 rows"),
        ({"columns": (2, 60)}, "The columns of last time (2, 60) were left out. The scan has 10 columns"),
    ],
)
def test_what_was_said_and_does_not_fit_any_more_is_left_out_and_named(scan_file, tmp_path, said, why):
    np.save(tmp_path / "other.npy", np.eye(3))
    (tmp_path / "wrong.npy").write_text("nothing of the kind")
    said = {name: tmp_path / value if name == "mask" else value for name, value in said.items()}
    before = ScanOptions.of(scan_step="2nm", detector="flip_x", **said)
    remember(scan_file, before)
    scan = open_asking(scan_file, Answers())
    assert scan.provenance.options == ScanOptions.of(scan_step="2nm", detector="flip_x")
    assert [why in note for note in scan.provenance.notes] == [True]
    assert recall(scan_file) == before, "a disk that is away may be back the next time"


def test_a_damaged_file_is_not_opened_without_what_was_said(scan_file):
    remember(scan_file, ScanOptions(beam=(3, 4)))
    scan_file.write_bytes(scan_file.read_bytes()[:300])
    with pytest.raises(ScanError):
        open_asking(scan_file, Answers())


def test_the_beam_of_one_array_is_not_that_of_another(tmp_path):
    path = tmp_path / "two.h5"
    with h5py.File(path, "w") as file:
        file["a"], file["b"] = np.ones((2, 3, 4, 4)), np.ones((2, 3, 16, 16))
    remember(path, ScanOptions(dataset="b", beam=(12, 12)))
    assert open_asking(path, Answers(dataset="b")).beam == (12, 12)
    assert open_asking(path, Answers(dataset="a")).beam is None


def test_no_shape_is_offered_for_positions_that_form_no_rectangle(shared_file, memory):
    answers = Answers(shape=(2, 2))
    with pytest.raises(ScanShapeError, match="form no rectangular scan"):
        open_asking(shared_file("de_mrc/ROI_Random_Scan_movie.mrc"), answers)
    assert not answers.asked, "one of eight pictures of noise would be chosen"
    assert not list(memory.iterdir())
