"""One file of a map: the same as in the set, and an HDF5 file that EMD readers understand."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.export import save_file
from napari_ghosthunter.scan.calibration import Calibration

PROVENANCE = {"scan": {"path": "/data/série 7/a.dm4"}, "seed": 7}


@pytest.fixture
def domain_map():
    values = np.random.default_rng(0).random((5, 4, 3)).astype(np.float32)
    probabilities = values / values.sum(axis=2, keepdims=True)
    probabilities[4] = np.nan
    calibration = Calibration(scan_step=(2.5, 1.25), scan_units="nm")
    return DomainMap(probabilities, ClassScheme.from_names(["a", "b", "größer"]), calibration, PROVENANCE)


@pytest.mark.parametrize(
    ("name", "of_the_set"),
    [("x.tif", "m_classes.tif"), ("x.TIFF", "m_classes.tif"), ("x.png", "m_rgb.png"), ("x.csv", "m_domains.csv")],
)
def test_one_file_is_that_of_the_set(domain_map, tmp_path, name, of_the_set):
    domain_map.save(tmp_path / "set", "m")
    path = save_file(domain_map, tmp_path / name)
    assert path.read_bytes() == (tmp_path / "set" / of_the_set).read_bytes()


def test_nothing_is_replaced_unless_asked(domain_map, tmp_path):
    (tmp_path / "x.csv").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        save_file(domain_map, tmp_path / "x.csv")
    assert (tmp_path / "x.csv").read_text() == "mine"
    assert save_file(domain_map, tmp_path / "x.csv", overwrite=True).read_text().startswith("id,class")


def test_other_endings_are_refused(domain_map, tmp_path):
    with pytest.raises(OutputError, match=r"end the name in \.tif"):
        save_file(domain_map, tmp_path / "x.jpg")


def test_hdf5_holds_everything(domain_map, tmp_path):
    with h5py.File(save_file(domain_map, tmp_path / "x.h5"), "r") as file:
        group = file["domain_map"]
        np.testing.assert_array_equal(group["classes/data"], domain_map.classes_image)
        np.testing.assert_array_equal(group["confidence/data"], domain_map.confidence)
        np.testing.assert_array_equal(group["probabilities/data"], domain_map.probabilities)
        assert [one.decode() for one in group["class_names"]] == list(domain_map.classes.names)
        assert [one.decode() for one in group["class_colours"]] == list(domain_map.classes.colours)
        assert json.loads(group.attrs["provenance"]) == PROVENANCE
        axis = group["probabilities/dim1"]
        assert (axis.attrs["name"], axis.attrs["units"], axis[1]) == ("scan_x", "nm", 1.25)
        np.testing.assert_array_equal(group["probabilities/dim2"], [1, 2, 3])


def test_emdfile_reads_it_with_its_axes(domain_map, tmp_path):
    emdfile = pytest.importorskip("emdfile")  # comes with py4DSTEM
    root = emdfile.read(str(save_file(domain_map, tmp_path / "x.h5")), tree=True)
    classes, probabilities = root.tree("classes"), root.tree("probabilities")
    np.testing.assert_array_equal(classes.data, domain_map.classes_image)
    np.testing.assert_array_equal(probabilities.data, domain_map.probabilities)
    assert [dim[1] for dim in classes.dims] == [2.5, 1.25]
    assert (tuple(classes.dim_names), tuple(classes.dim_units)) == (("scan_y", "scan_x"), ("nm", "nm"))
