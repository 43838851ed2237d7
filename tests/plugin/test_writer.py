"""Saving a segmentation: the same files as `DomainMap.save`, of what the layer shows, and nothing else."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import tifffile
from npe2 import PluginManager

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.plugin import writer
from napari_ghosthunter.scan.calibration import Calibration

NAME = "napari-ghosthunter"


@pytest.fixture
def domain_map():
    values = np.random.default_rng(0).random((5, 4, 3)).astype(np.float32)
    probabilities = values / values.sum(axis=2, keepdims=True)
    probabilities[4] = np.nan
    calibration = Calibration(scan_step=(2.5, 1.25), scan_units="nm")
    return DomainMap(probabilities, ClassScheme.from_names(["a", "b", "c"]), calibration, {"seed": 7})


@pytest.fixture
def viewer(domain_map):
    from napari.components import ViewerModel

    PluginManager.instance().discover()
    viewer = ViewerModel()
    viewer.add_labels(domain_map.classes_image.copy(), name="Domains", metadata={"domain_map": domain_map})
    return viewer


@pytest.mark.parametrize(
    ("name", "of_the_set"), [("x.tif", "m_classes.tif"), ("x.png", "m_rgb.png"), ("x.csv", "m_domains.csv")]
)
def test_files_are_those_of_the_command_line(viewer, domain_map, tmp_path, name, of_the_set):
    domain_map.save(tmp_path / "set", "m")
    assert viewer.layers.save(str(tmp_path / name), plugin=NAME) == [str(tmp_path / name)]
    assert (tmp_path / name).read_bytes() == (tmp_path / "set" / of_the_set).read_bytes()


def test_hdf5_is_saved_too(viewer, domain_map, tmp_path):
    viewer.layers.save(str(tmp_path / "x.h5"), plugin=NAME)
    with h5py.File(tmp_path / "x.h5") as file:
        np.testing.assert_array_equal(file["domain_map/probabilities/data"], domain_map.probabilities)


@pytest.mark.parametrize(
    ("write", "ending"),
    [(writer.write_tiff, ".tif"), (writer.write_png, ".png"), (writer.write_hdf5, ".h5"), (writer.write_csv, ".csv")],
)
def test_the_chosen_kind_completes_the_name(write, ending, domain_map, tmp_path):
    attributes = {"name": "Domains", "metadata": {"domain_map": domain_map}}
    for name, written in (("map", f"map{ending}"), ("map.v2", f"map.v2{ending}"), ("map.csv", "map.csv")):
        assert write(str(tmp_path / name), domain_map.classes_image, attributes) == [str(tmp_path / written)]
        assert (tmp_path / written).stat().st_size


def test_what_a_threshold_hides_is_left_out_everywhere(viewer, domain_map, tmp_path):
    layer = viewer.layers["Domains"]
    layer.data = domain_map.classes_above(0.5)
    for name in ("x.tif", "x.h5"):
        viewer.layers.save(str(tmp_path / name), plugin=NAME)
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "x.tif"), layer.data)
    with h5py.File(tmp_path / "x.h5") as file:
        hidden = np.isnan(file["domain_map/probabilities/data"][()]).any(axis=2)
    np.testing.assert_array_equal(hidden, layer.data == 0)


def test_a_file_of_this_name_is_replaced(viewer, tmp_path):
    (tmp_path / "x.csv").write_text("old")  # the dialog has asked
    viewer.layers.save(str(tmp_path / "x.csv"), plugin=NAME)
    assert (tmp_path / "x.csv").read_text().startswith("id,class")


def test_a_plain_layer_is_refused(tmp_path):
    with pytest.raises(OutputError, match="'Mine' is no domain map"):
        writer.write_png(str(tmp_path / "x.png"), np.zeros((2, 2), int), {"name": "Mine", "metadata": {}})
    assert not list(tmp_path.iterdir())


def test_painted_positions_are_refused(viewer, tmp_path):
    data = viewer.layers["Domains"].data
    data[0, 0] = data[0, 0] % 3 + 1
    with pytest.raises(OutputError, match="painted over at 1 position,"):
        viewer.layers.save(str(tmp_path / "x.tif"), plugin=NAME)
    assert not list(tmp_path.iterdir())


def test_a_layer_of_another_size_is_refused(viewer, tmp_path):
    viewer.layers["Domains"].data = np.zeros((3, 3), int)
    with pytest.raises(OutputError, match="shape"):
        viewer.layers.save(str(tmp_path / "x.tif"), plugin=NAME)
