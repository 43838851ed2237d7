"""Topspin .app5 and PantaRhei .prz, which RosettaSciIO knows: the same as it gives, but read as it is asked for."""

import h5py
import numpy as np
import pytest

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.readers import open_again, open_scan
from tests.scan.writers import write_app5, write_prz

CUBE = np.random.default_rng(0).integers(0, 127, (3, 4, 6, 5)).astype("<f4")


def everything(scan):
    return scan.rows(0, scan.shape[0])


@pytest.mark.parametrize("kind", ["vlen", "fixed"])
@pytest.mark.parametrize("options", [{}, {"compression": "gzip"}])
def test_topspin_is_the_same_as_rosettasciio_gives(tmp_path, kind, options):
    path = write_app5(tmp_path / "a.app5", CUBE, kind=kind, **options)
    scan = open_scan(path)
    np.testing.assert_array_equal(everything(scan), CUBE)
    assert (scan.scan_shape, scan.provenance.reader, scan.provenance.notes) == ((3, 4), "topspin", ())
    assert scan.calibration.scan_step == pytest.approx((2.0, 3.0))
    assert scan.calibration.k_step == pytest.approx((0.4, 0.5))
    assert (scan.calibration.scan_units, scan.calibration.k_units) == ("nm", "mrad")
    from rsciio.topspin._api import _get_4D_axes

    with h5py.File(path) as file:
        axes = _get_4D_axes(file["a0dba950-15bf-4a74-a81c-9cea8560c2c8"])
    assert [axis["size"] for axis in axes] == list(scan.shape)
    assert [axis["scale"] for axis in axes] == pytest.approx([*scan.calibration.scan_step, *scan.calibration.k_step])


@pytest.mark.parametrize("shape", [(1, 12), (12, 1), (1, 1), (2, 6)])
def test_topspin_of_any_shape(tmp_path, shape):
    cube = np.resize(CUBE, (*shape, 6, 5))
    scan = open_scan(write_app5(tmp_path / "a.app5", cube))
    assert scan.scan_shape == shape
    np.testing.assert_array_equal(everything(scan), cube)


PLACES = [(y * 2e-9, x * 3e-9) for y in range(3) for x in range(4)]


@pytest.mark.parametrize(
    "places",
    [
        [*PLACES[:4], *PLACES[7:3:-1], *PLACES[8:]],  # there and back
        [(y * 2e-9, x * 3e-9) for x in range(4) for y in range(3)],  # by columns
        [(y + x / 9, x - y / 9) for y, x in PLACES],  # turned
        [*PLACES[:5], PLACES[4], *PLACES[6:11], (0.0, 0.0)],
    ],
)
def test_topspin_positions_that_do_not_run_row_by_row_are_told(tmp_path, places):
    path = write_app5(tmp_path / "a.app5", CUBE, positions=places)
    with pytest.raises(ScanShapeError, match="12 patterns.*do not run row by row"):
        open_scan(path)


def test_topspin_that_was_stopped_is_asked_for(tmp_path):
    path = write_app5(tmp_path / "a.app5", CUBE, positions=PLACES[:11])
    with pytest.raises(ScanShapeError, match="11 patterns"):
        open_scan(path)


def test_topspin_of_several_experiments(tmp_path):
    sessions = ["18d9446f-22bf-4fb1-8d13-338174e75d20", "b38446c6-6b25-4fee-9c62-6d8e4fcbeb5c"]
    for number, session in enumerate(sessions, 1):
        write_app5(tmp_path / "a.app5", CUBE * number, session=session)
    with pytest.raises(DatasetError) as raised:
        open_scan(tmp_path / "a.app5")
    assert [name.split("/")[0] for name in raised.value.candidates] == sessions
    scan = open_scan(tmp_path / "a.app5", dataset=sessions[1])
    np.testing.assert_array_equal(everything(scan), CUBE * 2)
    np.testing.assert_array_equal(everything(open_again(scan.provenance, tmp_path / "a.app5")), CUBE * 2)


def test_topspin_that_lacks_a_pattern_or_holds_none(tmp_path):
    path = write_app5(tmp_path / "a.app5", CUBE)
    with h5py.File(path, "a") as file:
        del file["a0dba950-15bf-4a74-a81c-9cea8560c2c8/7/Data"]
    with pytest.raises(ScanError, match="Pattern 7 is missing"):
        everything(open_scan(path))
    with h5py.File(path, "a") as file:
        del file["a0dba950-15bf-4a74-a81c-9cea8560c2c8"]
    with pytest.raises(ScanError, match="holds images, but no 4D-STEM scan"):
        open_scan(path)


def calibrations(*steps):
    return [{"value": step, "unit": unit, "offset": 0} for step, unit in steps]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
@pytest.mark.parametrize(
    ("types", "order"),
    [
        (["CameraX", "CameraY", "ScanX", "ScanY"], (0, 1, 2, 3)),
        (["ScanX", "ScanY", "CameraX", "CameraY"], (2, 3, 0, 1)),
        (None, (0, 1, 2, 3)),
    ],
)  # fmt: skip
def test_pantarhei_is_the_same_as_rosettasciio_gives(tmp_path, save, types, order):
    steps = [(2e-9, "m"), (3e-9, "m"), (4e-4, "rad"), (5e-4, "rad")]
    told = {"type": "4D", "device.calib": calibrations(*[steps[n] for n in order][::-1])}
    told |= {} if types is None else {"content.types": types}
    path = write_prz(tmp_path / "a.prz", CUBE.transpose(order), told, save)
    scan = open_scan(path)
    np.testing.assert_array_equal(everything(scan), CUBE)
    assert isinstance(scan.data, np.memmap)
    assert scan.calibration.scan_step == pytest.approx((2.0, 3.0))
    assert scan.calibration.k_step == pytest.approx((0.4, 0.5))
    assert any("temporary file" in note for note in scan.provenance.notes) == (save is np.savez_compressed)
    from rsciio.pantarhei import file_reader

    np.testing.assert_array_equal(everything(scan), file_reader(str(path))[0]["data"])


def test_pantarhei_that_keeps_code_is_opened_without_running_it(tmp_path):
    class Bomb:
        def __reduce__(self):
            return print, ("run",)

    path = write_prz(tmp_path / "a.prz", CUBE, None, meta_data=np.array([Bomb()], dtype=object))
    scan = open_scan(path)
    np.testing.assert_array_equal(everything(scan), CUBE)
    assert "no calibration is known" in scan.provenance.notes[0]


def test_pantarhei_stacks_ask_and_spectra_are_refused(tmp_path):
    stack = write_prz(tmp_path / "stack.prz", CUBE.reshape(12, 6, 5), {"type": "Stack"})
    with pytest.raises(ScanShapeError, match="12 patterns"):
        open_scan(stack)
    np.testing.assert_array_equal(everything(open_scan(stack, scan_shape=(3, 4))), CUBE)
    spectra = {"content.types": ["Energy", "ScanX", "ScanY"], "filter.mode": "EELS"}
    with pytest.raises(ScanError, match="axes are ScanY, ScanX, Energy: these are no patterns"):
        open_scan(write_prz(tmp_path / "spectra.prz", CUBE[0], spectra))
    with pytest.raises(DatasetError, match="holds one scan and no datasets"):
        open_scan(write_prz(tmp_path / "a.prz", CUBE, {"type": "4D"}), dataset="data")
