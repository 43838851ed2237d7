"""To py4DSTEM and back: the same array, axes and calibration; its files read back by both of us."""

import sys

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_ghosthunter.errors import GhostHunterError, MissingExtraError, OutputError
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.datacube import write_py4dstem
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan
from tests.scan.writers import needs_py4dstem
from tests.scan.zarr_stores import write_zarr

CUBE = np.arange(3 * 4 * 5 * 6, dtype=np.uint16).reshape(3, 4, 5, 6)
CALIBRATED = Calibration((2.0, 2.5), "nm", (0.05, 0.04), "1/nm")
STEPS = st.floats(1e-3, 1e3)


@needs_py4dstem
@given(
    st.tuples(STEPS, STEPS),
    st.sampled_from(["nm", "angstrom", "um", "pm"]),
    st.tuples(STEPS, STEPS),
    st.sampled_from(["1/angstrom", "mrad", "1/nm"]),
)
def test_a_scan_becomes_a_datacube_and_comes_back(scan_step, scan_units, k_step, k_units):
    scan = Scan(CUBE, Calibration(scan_step, scan_units, k_step, k_units))
    cube = scan.to_datacube()
    back = Scan.from_datacube(cube)
    assert cube.data is CUBE
    assert back.data is CUBE
    assert back.calibration.scan_units == scan_units
    assert back.calibration.scan_step == pytest.approx(scan_step)
    factor = 0.1 if k_units == "1/nm" else 1
    assert back.calibration.k_units == ("1/angstrom" if k_units == "1/nm" else k_units)
    assert back.calibration.k_step == pytest.approx([step * factor for step in k_step])


@needs_py4dstem
def test_py4dstem_sees_the_calibration_in_its_own_units():
    cube = Scan(CUBE, CALIBRATED).to_datacube()
    assert (cube.Rshape, cube.Qshape) == ((3, 4), (5, 6))
    assert cube.calibration.get_R_pixel_size() == 2.0
    assert cube.calibration.get_R_pixel_units() == "nm"
    assert cube.calibration.get_Q_pixel_size() == pytest.approx(0.005)
    assert cube.calibration.get_Q_pixel_units() == "A^-1"
    assert list(cube.dims[1]) == pytest.approx([0, 2.5, 5, 7.5])


@needs_py4dstem
@pytest.mark.parametrize("calibration", [Calibration(), Calibration(k_step=(160.0, 160.0), k_units="um")])
def test_what_py4dstem_cannot_say_is_pixels(calibration):
    cube = Scan(CUBE, calibration).to_datacube()
    assert cube.calibration.get_Q_pixel_units() == "pixels"
    assert cube.calibration.get_Q_pixel_size() == 1
    assert Scan.from_datacube(cube).calibration == Calibration()


@needs_py4dstem
def test_a_datacube_made_by_py4dstem_is_wrapped():
    from py4DSTEM import DataCube

    cube = DataCube(data=CUBE[:1])
    cube.calibration.set_R_pixel_size(3.0)
    cube.calibration.set_R_pixel_units("A")
    cube.calibration.set_Q_pixel_size(0.02)
    cube.calibration.set_Q_pixel_units("A^-1")
    assert Scan.from_datacube(cube).calibration == Calibration((3.0, 3.0), "angstrom", (0.02, 0.02), "1/angstrom")
    assert Scan.from_datacube(cube).provenance.reader == "py4DSTEM"


@needs_py4dstem
def test_lazy_arrays_stay_lazy(tmp_path):
    write_zarr(tmp_path / "a.zarr", CUBE)
    np.save(tmp_path / "a.npy", CUBE)
    cube = open_scan(tmp_path / "a.zarr").to_datacube()
    assert hasattr(cube.data, "dask")
    np.testing.assert_array_equal(np.asarray(cube.data[2, 3]), CUBE[2, 3])
    assert isinstance(open_scan(tmp_path / "a.npy").to_datacube().data, np.memmap)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        scan = Scan(file.create_dataset("cube", data=CUBE))
        assert scan.to_datacube().data is scan.data


@needs_py4dstem
@settings(max_examples=20)
@given(
    st.tuples(*[st.integers(1, 5)] * 4),
    st.sampled_from(["u1", "<u2", ">u2", "<i4", ">f4", "<f8"]),
    st.sampled_from([CALIBRATED, Calibration()]),
)
def test_a_written_file_is_read_back(tmp_path_factory, shape, dtype, calibration):
    path = tmp_path_factory.mktemp("py4dstem") / "scan.h5"
    data = np.random.default_rng(0).integers(0, 100, shape).astype(dtype)
    write_py4dstem(Scan(data, calibration), path)
    back = open_scan(path)
    np.testing.assert_array_equal(back.rows(0, shape[0]), data)
    assert back.shape == shape
    if min(shape) > 1 and calibration is CALIBRATED:
        assert back.calibration.scan_step == (2.0, 2.5)
        assert back.calibration.k_step == pytest.approx((0.005, 0.004))
        assert back.calibration.k_units == "1/angstrom"


@needs_py4dstem
def test_py4dstem_reads_the_written_file(tmp_path):
    import py4DSTEM

    write_py4dstem(Scan(CUBE[:, ::-1], Calibration((2.0, 2.0), "nm", (0.05, 0.05), "1/nm")), tmp_path / "scan.h5")
    tree = py4DSTEM.read(str(tmp_path / "scan.h5"))
    cube = tree if isinstance(tree, py4DSTEM.DataCube) else tree.tree("datacube")
    np.testing.assert_array_equal(cube.data, CUBE[:, ::-1])
    assert cube.calibration.get_R_pixel_size() == 2.0
    assert cube.calibration.get_Q_pixel_size() == pytest.approx(0.005)


@needs_py4dstem
def test_a_failed_write_leaves_nothing(tmp_path):
    class Failing:
        shape, dtype = CUBE.shape, CUBE.dtype

        def __getitem__(self, key):
            raise OSError("the disk went away")

    with pytest.raises(OutputError, match="the disk went away"):
        write_py4dstem(Scan(Failing()), tmp_path / "scan.h5")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def without(monkeypatch):
    """Give a function that makes py4DSTEM unimportable, by an error of its import."""

    def make(error):
        class Refusing:
            @staticmethod
            def find_spec(name, *_):
                if name == "py4DSTEM":
                    raise error

        monkeypatch.setattr(sys, "meta_path", [Refusing, *sys.meta_path])
        for name in [name for name in sys.modules if name.partition(".")[0] == "py4DSTEM"]:
            monkeypatch.delitem(sys.modules, name)

    return make


ERRORS = [
    ModuleNotFoundError("No module named 'py4DSTEM'", name="py4DSTEM"),
    ImportError("numpy.core.multiarray failed to import"),
    AttributeError("`np.float_` was removed in the NumPy 2.0 release"),
]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("use", ["to_datacube", "write", "reader"])
def test_a_missing_py4dstem_is_named_and_nothing_is_called_damaged(tmp_path, monkeypatch, without, use, error):
    scan = Scan(CUBE)
    np.save(tmp_path / "a.npy", CUBE)
    without(error)
    monkeypatch.setattr(sys, "version_info", (3, 12))
    uses = {
        "to_datacube": scan.to_datacube,
        "write": lambda: write_py4dstem(scan, tmp_path / "scan.h5"),
        "reader": lambda: open_scan(tmp_path / "a.npy", reader="py4dstem"),
    }
    with pytest.raises(MissingExtraError, match=r"pip install 'napari-ghosthunter\[py4dstem\]'") as raised:
        uses[use]()
    assert "damaged" not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert isinstance(raised.value, GhostHunterError)
    assert [one.name for one in tmp_path.iterdir()] == ["a.npy"]


def test_there_is_no_py4dstem_for_newer_pythons(monkeypatch, without):
    without(ERRORS[0])
    monkeypatch.setattr(sys, "version_info", (3, 13))
    with pytest.raises(MissingExtraError, match="for Python 3.11 and 3.12 only"):
        Scan(CUBE).to_datacube()
