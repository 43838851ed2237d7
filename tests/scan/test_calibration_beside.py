"""Calibrations that lie beside an array as attributes: read where the program is known, told where it is not."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
import zarr

from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.readers import open_scan
from tests.scan.zarr_stores import new_array

CUBE = np.arange(2 * 3 * 4 * 5, dtype=np.uint16).reshape(2, 3, 4, 5)
ENSEMBLE = [
    {"type": "ScanAxis", "label": "x", "sampling": 0.4, "units": "Å"},
    {"type": "ScanAxis", "label": "y", "sampling": 0.5, "units": "Å"},
]


def put(path, attributes, on="group", data=CUBE):
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["array0"] = data
            (file if on == "group" else file["array0"]).attrs.update(attributes)
        return
    root = zarr.open_group(str(path), mode="w")
    array = new_array(root, "array0", data)
    for key, value in attributes.items():
        (root if on == "group" else array).attrs[key] = value


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    "kwargs",
    [
        {"sampling": [0.02, 0.03], "ensemble_axes_metadata": ENSEMBLE, "fftshift": True},
        {"axes_metadata": [*ENSEMBLE, {"sampling": 0.02, "units": "1/Å"}, {"sampling": 0.03, "units": "1/Å"}]},
    ],
)
def test_abtems_store_has_its_steps(tmp_path, kwargs, as_json):
    put(tmp_path / "abtem.zarr", {"kwargs0": json.dumps(kwargs) if as_json else kwargs, "type0": "DiffractionPatterns"})
    scan = open_scan(tmp_path / "abtem.zarr")
    assert scan.calibration == Calibration((0.4, 0.5), "angstrom", (0.02, 0.03), "1/angstrom")
    assert scan.provenance.notes == ()


def swift(*units):
    steps = [{"offset": 0.0, "scale": 0.1 * (number + 1), "units": unit} for number, unit in enumerate(units)]
    return {"properties": json.dumps({"version": 13, "dimensional_calibrations": steps})}


@pytest.mark.parametrize("on", ["group", "array"])
def test_nion_swifts_file_has_its_steps(tmp_path, on):
    put(tmp_path / "swift.h5", swift("nm", "nm", "1/nm", "1/nm"), on)
    scan = open_scan(tmp_path / "swift.h5")
    assert scan.calibration.scan_step == pytest.approx((0.1, 0.2))
    assert scan.calibration.k_step == pytest.approx((0.3, 0.4))
    assert (scan.calibration.scan_units, scan.calibration.k_units) == ("nm", "1/nm")


def test_units_beside_the_array_tell_the_order_of_its_axes(tmp_path):
    put(tmp_path / "swift.h5", swift("rad", "rad", "nm", "nm"), "array", CUBE.transpose(2, 3, 0, 1))
    scan = open_scan(tmp_path / "swift.h5")
    np.testing.assert_array_equal(scan.pattern(1, 2), CUBE[1, 2])
    assert scan.calibration.k_units == "mrad"


def dims(path, **steps):
    """Give an array of an EMD file coordinates: dim1=(0.5, 'nm'), ..."""
    with h5py.File(path, "r+") as file:
        for name, (step, units) in steps.items():
            file[name] = np.arange(2) * step
            file[name].attrs["units"] = units


def test_what_lies_beside_the_array_fills_in_what_its_dims_leave_open(tmp_path):
    put(tmp_path / "scan.h5", swift("nm", "nm", "1/nm", "1/nm"))
    dims(tmp_path / "scan.h5", dim1=(0.1, "nm"), dim2=(0.2, "nm"), dim3=(1, "pixels"))
    scan = open_scan(tmp_path / "scan.h5")
    assert scan.calibration.scan_step == pytest.approx((0.1, 0.2))
    assert (scan.calibration.k_step, scan.calibration.k_units) == (pytest.approx((0.3, 0.4)), "1/nm")
    assert scan.provenance.notes == ()


def test_two_pixel_sizes_that_do_not_agree_are_told(tmp_path):
    put(tmp_path / "scan.h5", swift("nm", "nm", "1/nm", "1/nm"))
    dims(tmp_path / "scan.h5", dim1=(0.5, "nm"), dim2=(0.5, "nm"))
    scan = open_scan(tmp_path / "scan.h5")
    assert scan.calibration.scan_step == (0.5, 0.5)
    (note,) = scan.provenance.notes
    assert "0.5 nm and 0.1 nm; the first was taken" in note


def test_what_looks_like_one_is_told_where_dims_leave_something_open(tmp_path):
    put(tmp_path / "scan.h5", {"k_scale": 0.1})
    dims(tmp_path / "scan.h5", dim1=(0.5, "nm"), dim2=(0.5, "nm"))
    (note,) = open_scan(tmp_path / "scan.h5").provenance.notes
    assert "'k_scale'" in note


@pytest.mark.parametrize("ending", ["h5", "zarr"])
@pytest.mark.parametrize(
    "name", ["pixel_size", "PixelSizeX", "scan_step", "sampling", "k_scale", "Calibration", "units"]
)
def test_what_looks_like_a_calibration_is_told(tmp_path, ending, name):
    put(tmp_path / f"scan.{ending}", {name: "0.1 nm", "author": "me"}, "array")
    (note,) = open_scan(tmp_path / f"scan.{ending}").provenance.notes
    assert f"'{name}'" in note
    assert "--k-step" in note


@pytest.mark.parametrize("attributes", [{}, {"author": "me", "scaled": 1, "steps_done": 3, "timestamp": 5}])
def test_other_attributes_are_no_calibration(tmp_path, attributes):
    put(tmp_path / "scan.zarr", attributes)
    assert open_scan(tmp_path / "scan.zarr").provenance.notes == ()


@pytest.mark.parametrize(
    "attributes",
    [
        {"properties": "{broken"}, {"properties": json.dumps([1])}, {"kwargs0": "{}"},
        {"properties": json.dumps({"dimensional_calibrations": "many"})},
        {"properties": json.dumps({"dimensional_calibrations": [1, 2, 3, 4]})},
        {"kwargs0": json.dumps({"sampling": ["a", "b"], "ensemble_axes_metadata": ENSEMBLE})},
        {"kwargs0": json.dumps({"sampling": [0.1], "ensemble_axes_metadata": 3})},
    ],
)  # fmt: skip
def test_a_calibration_that_is_none_stops_nothing(tmp_path, attributes):
    put(tmp_path / "scan.h5", attributes)
    assert open_scan(tmp_path / "scan.h5").calibration == Calibration()
