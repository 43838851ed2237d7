"""HDF5 and Zarr in their dialects: the scan is found or asked for, mapped where it can be, and calibrated."""

import shutil

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.readers.frames import Frames, Part
from tests.scan.writers import signal, write_master
from tests.scan.zarr_stores import NEW, write_zspy

CUBE = np.arange(3 * 4 * 5 * 6, dtype=np.uint16).reshape(3, 4, 5, 6)
DTYPES = ["u1", "<u2", ">u2", "<i4", ">i4", "<f4", ">f8", "?"]
CUBES = st.sampled_from(DTYPES).flatmap(
    lambda dtype: hnp.arrays(np.dtype(dtype), hnp.array_shapes(min_dims=4, max_dims=4, max_side=4))
)


@given(CUBES, st.sampled_from([{}, {"chunks": True}, {"compression": "gzip"}]))
def test_hdf5_round_trip(tmp_path_factory, cube, options):
    path = tmp_path_factory.mktemp("h5") / "cube.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("deep/inside/it", data=cube, **options)
        file["image"] = cube[0, 0]
    scan = open_scan(path)
    assert scan.provenance.dataset == "deep/inside/it"
    assert isinstance(scan.data, np.memmap) == (not options and cube.dtype.kind != "b")
    np.testing.assert_array_equal(scan.rows(0, len(cube)), cube)


def test_a_mapped_array_lies_where_hdf5_has_it_behind_a_user_block(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w", userblock_size=512) as file:
        file["cube"] = CUBE
    scan = open_scan(tmp_path / "a.h5")
    np.testing.assert_array_equal(scan.data, CUBE)


def test_an_array_kept_in_another_file_is_read_through_hdf5(tmp_path):
    CUBE.tofile(tmp_path / "outside.bin")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("cube", CUBE.shape, CUBE.dtype, external=[(str(tmp_path / "outside.bin"), 0, CUBE.nbytes)])
    np.testing.assert_array_equal(open_scan(tmp_path / "a.h5").rows(0, 3), CUBE)


def test_filters_of_hdf5plugin_are_found(tmp_path):
    import hdf5plugin

    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("cube", data=CUBE, **hdf5plugin.Bitshuffle())
    np.testing.assert_array_equal(open_scan(tmp_path / "a.h5").pattern(2, 3), CUBE[2, 3])


def test_several_datasets_must_be_chosen_from(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["first/data"], file["second/data"], file["flat"] = CUBE, CUBE + 1, CUBE[0]
    with pytest.raises(DatasetError, match="--dataset NAME.*first/data, second/data, flat") as raised:
        open_scan(tmp_path / "a.h5")
    assert raised.value.candidates == ("first/data", "second/data", "flat")
    for name in ("second/data", "/second/data", "second"):
        scan = open_scan(tmp_path / "a.h5", dataset=name)
        assert scan.provenance.dataset == "second/data"
        np.testing.assert_array_equal(scan.data, CUBE + 1)
    with pytest.raises(DatasetError, match="no dataset 'third'"):
        open_scan(tmp_path / "a.h5", dataset="third")


@pytest.mark.parametrize("chunks", [None, True])
def test_an_element_of_a_larger_dataset_is_chosen_by_index(tmp_path, chunks):
    series = np.stack([CUBE, CUBE + 1])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("run/series", data=series, chunks=chunks)
        file["run/dim1"], file["run/dim2"] = [0.0, 60.0], [0.0, 2.0, 4.0]
        file["run/dim2"].attrs["units"] = b"[n_m]"
    with pytest.raises(DatasetError, match=r"has 5 axes.*run/series\[0\], run/series\[1\]") as raised:
        open_scan(tmp_path / "a.h5")
    scan = open_scan(tmp_path / "a.h5", dataset=raised.value.candidates[1])
    assert isinstance(scan.data, np.memmap if chunks is None else Part)
    assert (scan.calibration.scan_step, scan.calibration.scan_units) == ((2.0, 2.0), "nm")
    np.testing.assert_array_equal(scan.rows(1, 3), series[1, 1:3])


def test_many_elements_are_not_all_listed(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["t"] = np.zeros((100, 2, 2, 2, 2))
    with pytest.raises(DatasetError, match=r"t\[7\] and 92 more, up to t\[99\]"):
        open_scan(tmp_path / "a.h5")


@pytest.mark.parametrize("chunks", [None, True])
def test_a_flat_dataset_asks_for_its_scan_shape(tmp_path, chunks):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("frames", data=CUBE.reshape(12, 5, 6), chunks=chunks)
    with pytest.raises(ScanShapeError, match="a.h5: 12 patterns of 5 x 6"):
        open_scan(tmp_path / "a.h5")
    scan = open_scan(tmp_path / "a.h5", scan_shape=(3, 4))
    assert isinstance(scan.data, np.memmap if chunks is None else Frames)
    np.testing.assert_array_equal(scan.rows(0, 3), CUBE)


@pytest.mark.parametrize(
    ("content", "message"),
    [({}, "no array of numbers"), ({"image": CUBE[0, 0]}, r"it holds image \(5, 6\)"), ({"text": "words"}, "no array")],
)
def test_a_file_without_a_scan_says_what_it_holds(tmp_path, content, message):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, value in content.items():
            file[name] = value
    with pytest.raises(ScanError, match=f"a.h5: .*{message}"):
        open_scan(tmp_path / "a.h5")


def test_complex_patterns_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["wave"] = CUBE.astype(np.complex64)
    with pytest.raises(ScanError, match="a.h5: Patterns must be integer or floating point"):
        open_scan(tmp_path / "a.h5")


def test_the_berkeley_dialect_keeps_its_calibration(tmp_path):
    with h5py.File(tmp_path / "a.emd", "w") as file:
        group = file.create_group("data/datacubes/dc")
        group["datacube"] = CUBE
        for number, (length, step, units) in enumerate(
            [(3, 0.5, "[n_m]"), (4, 2000.0, "[p_m]"), (5, 0.1, "[n_m^-1]"), (6, 0.2, "[n_m^-1]")], 1
        ):
            group[f"dim{number}"] = np.arange(length) * step - 1
            group[f"dim{number}"].attrs["units"] = np.bytes_(units)
    calibration = open_scan(tmp_path / "a.emd").calibration
    assert calibration.scan_step == pytest.approx((0.5, 2.0))
    assert calibration.k_step == pytest.approx((0.1, 0.2))
    assert (calibration.scan_units, calibration.k_units) == ("nm", "1/nm")


@pytest.mark.parametrize("ending", ["hspy", "zspy", "zip.zspy"])
def test_hyperspys_files_are_found_with_their_calibration(tmp_path, ending):
    path = tmp_path / f"a.{ending}"
    if ending == "hspy":
        import rsciio.hspy

        rsciio.hspy.file_writer(str(path), signal(CUBE, 2))
    elif NEW:  # RosettaSciIO 0.15 writes them with zarr 2 only
        folder = write_zspy(tmp_path / "folder", CUBE, [(2.0, "nm"), (2.5, "nm"), (0.05, "1/nm"), (0.05, "1/nm")])
        if ending == "zspy":
            folder.rename(path)
        else:
            shutil.make_archive(str(path), "zip", folder)
            (tmp_path / f"a.{ending}.zip").rename(path)
    else:
        import rsciio.zspy

        options = {"store_type": "zip"} if ending.startswith("zip") else {}
        rsciio.zspy.file_writer(str(path), signal(CUBE, 2), show_progressbar=False, **options)
    assert path.is_file() == (ending != "zspy")
    scan = open_scan(path)
    assert scan.calibration.scan_step == (2.0, 2.5)
    assert scan.calibration.k_units == "1/nm"
    np.testing.assert_array_equal(scan.rows(0, 3), CUBE)


def test_a_spectrum_image_of_hyperspy_is_refused(tmp_path):
    import rsciio.hspy

    rsciio.hspy.file_writer(str(tmp_path / "a.hspy"), signal(CUBE, 3))
    with pytest.raises(ScanError, match="1 axes at each position, not diffraction patterns"):
        open_scan(tmp_path / "a.hspy")


@pytest.mark.parametrize(("saturation", "dtype"), [(8352, "uint16"), (100_000, "uint32")])
def test_arina_parts_are_joined_and_narrowed_where_they_fit(tmp_path, saturation, dtype):
    frames = np.arange(12 * 3 * 5, dtype=np.uint32).reshape(12, 3, 5)
    frames[7, 1, 2] = np.iinfo(np.uint32).max
    path = write_master(tmp_path, [frames[:5], frames[5:]], saturation)
    with pytest.raises(ScanShapeError, match="12 patterns of 3 x 5"):
        open_scan(path)
    scan = open_scan(path, scan_shape=(3, 4))
    expected = frames.copy()
    expected[7, 1, 2] = 0
    assert scan.dtype == dtype
    np.testing.assert_array_equal(scan.rows(0, 3), expected.reshape(3, 4, 3, 5))


def test_an_arina_scan_has_its_step_from_the_file_of_the_microscope(tmp_path):
    path = write_master(tmp_path, [np.zeros((4, 3, 3), np.uint32)], 8352)
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_group("STEM Metadata").attrs["Pixel Size"] = [0.4, 0.4]
    assert open_scan(path).calibration.scan_step == (0.4, 0.4)
    assert open_scan(path).calibration.scan_units == "nm"


@pytest.mark.parametrize("saturation", [8352, 2**40, 2**32 - 1, 0, -1])
@pytest.mark.parametrize("dtype", ["u1", "u2", "u4"])
@pytest.mark.parametrize("masked", [True, False])
def test_dead_pixels_of_an_arina_scan_are_zero_and_counted(tmp_path, saturation, dtype, masked):
    frames = np.arange(4 * 3 * 5).reshape(4, 3, 5).astype(dtype)
    mask = np.zeros((3, 5), np.uint32)
    mask[0, 1], mask[2, 2] = 1, 16
    frames[:, mask != 0] = np.iinfo(dtype).max
    if masked:
        frames[0, 2, 2] = 7  # the mask tells, not the value
    scan = open_scan(write_master(tmp_path, [frames[:2], frames[2:]], saturation, mask if masked else None))
    np.testing.assert_array_equal(scan.rows(0, 2), np.where(mask != 0, 0, frames).reshape(2, 2, 3, 5))
    told = "2 dead pixel(s) that " + ("the file masks" if masked else "hold no count in the first pattern")
    assert told in " ".join(scan.provenance.notes)
    np.testing.assert_array_equal(scan.read((1, 1, slice(None), 1)), scan.pattern(1, 1)[:, 1])


def test_counts_above_the_saturation_value_are_none(tmp_path):
    frames = np.full((4, 3, 5), 8352, np.uint32)
    frames[1, 2, 3] = 70_000  # would be 4464 with 16 bits
    scan = open_scan(write_master(tmp_path, [frames], 8352))
    assert scan.dtype == np.uint16
    assert scan.pattern(0, 1)[2, 3] == 0
    assert scan.pattern(0, 1)[2, 2] == 8352


def test_a_mask_of_another_detector_is_not_used(tmp_path):
    scan = open_scan(write_master(tmp_path, [np.full((4, 3, 5), 9, np.uint16)], 8352, np.ones((5, 3))))
    assert (scan.rows(0, 2) == 9).all()


@pytest.mark.parametrize("missing", [2, 3])
def test_what_is_there_of_an_arina_scan_is_offered_where_a_later_part_is_missing(tmp_path, missing):
    frames = np.arange(16 * 3 * 5, dtype=np.uint16).reshape(16, 3, 5)
    path = write_master(tmp_path, [frames[:6], frames[6:10], frames[10:]], 8352)
    (tmp_path / f"run_data_{missing:06d}.h5").unlink()
    there, rows = (6, 1) if missing == 2 else (10, 2)
    with pytest.raises(ScanShapeError, match=f"needs 16 patterns.* holds {there}: {16 - there} missing") as raised:
        open_scan(path)
    assert f"run_data_{missing:06d}.h5, which is missing" in str(raised.value)
    assert raised.value.candidates[0] == (rows, 4)
    shape, skip, flyback = raised.value.layouts[0]
    scan = open_scan(path, scan_shape=shape, skip_frames=skip, flyback=flyback)
    np.testing.assert_array_equal(scan.rows(0, rows), frames[: rows * 4].reshape(rows, 4, 3, 5))
    assert f"run_data_{missing:06d}.h5, which is missing" in " ".join(scan.provenance.notes)


@pytest.mark.parametrize("content", [b"", b"x" * 3000, None])
def test_a_part_of_an_arina_scan_that_is_damaged_is_named(tmp_path, content):
    frames = np.arange(16 * 3 * 5, dtype=np.uint16).reshape(16, 3, 5)
    path = write_master(tmp_path, [frames[:10], frames[10:]], 8352)
    part = tmp_path / "run_data_000002.h5"
    part.write_bytes(part.read_bytes()[:-500] if content is None else content)
    with pytest.raises(ScanShapeError, match="needs 16 patterns.* holds 10: 6 missing") as raised:
        open_scan(path)
    assert "run_data_000002.h5 cannot be read as an HDF5 file: it is damaged" in str(raised.value)
    scan = open_scan(path, scan_shape=(2, 5))
    np.testing.assert_array_equal(scan.rows(0, 2), frames[:10].reshape(2, 5, 3, 5))
    part.rename(tmp_path / "run_data_000001.h5")
    with pytest.raises(ScanError, match="run_data_000001.h5 cannot be read as an HDF5 file: it is damaged"):
        open_scan(path)


def test_an_arina_scan_with_frames_between_its_rows_is_not_taken_for_a_square(tmp_path):
    path = write_master(tmp_path, [np.zeros((9, 3, 5), np.uint16)], 8352)
    assert open_scan(path).scan_shape == (3, 3)
    with pytest.raises(ScanShapeError, match="1 after each row, of an unknown scan shape"):
        open_scan(path, flyback=1)


def test_an_arina_scan_without_its_first_part_is_refused(tmp_path):
    path = write_master(tmp_path, [np.zeros((4, 3, 3), np.uint32)] * 2, 8352)
    (tmp_path / "run_data_000001.h5").unlink()
    with pytest.raises(ScanError, match="run_master.h5 keeps its patterns in run_data_000001.h5, which is missing"):
        open_scan(path)


def test_the_files_of_an_arina_scan_name_the_one_to_open(tmp_path):
    write_master(tmp_path, [np.ones((6, 3, 5), np.uint32)] * 2, 8352)
    with h5py.File(tmp_path / "run.h5", "w") as file:
        file.create_group("STEM Metadata").attrs["Pixel Size"] = [0.4, 0.4]
    for name in ("run_data_000001.h5", "run_data_000002.h5", "run.h5"):
        with pytest.raises(ScanError, match="run_master.h5 beside it joins all patterns of this scan: open that"):
            open_scan(tmp_path / name)
    notes = open_scan(tmp_path / "run_data_000002.h5", scan_shape=(2, 3)).provenance.notes
    assert "run_master.h5" in notes[0]


def test_the_last_part_of_a_path_names_an_array_that_no_other_has(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for number, depth in enumerate(("depth0", "depth1")):
            file[f"sim/cubes/{depth}/cube"], file[f"sim/cubes/{depth}/dim1"] = CUBE + number, [0.0, 1.0]
        file["sim/series"], file["other/flat"], file["depth1x/cube"] = np.stack([CUBE] * 2), CUBE[0], CUBE
    for name, full in {
        "depth1": "sim/cubes/depth1/cube",
        "cubes/depth0/": "sim/cubes/depth0/cube",
        "depth1/cube": "sim/cubes/depth1/cube",
        "depth1x": "depth1x/cube",
        "series[1]": "sim/series[1]",
    }.items():
        assert open_scan(tmp_path / "a.h5", dataset=name).provenance.dataset == full
    for name, candidates in {
        "cube": ("depth1x/cube", "sim/cubes/depth0/cube", "sim/cubes/depth1/cube"),
        "cubes": ("sim/cubes/depth0/cube", "sim/cubes/depth1/cube"),
    }.items():
        with pytest.raises(DatasetError, match=f"'{name}' may be any of {len(candidates)} arrays; choose") as raised:
            open_scan(tmp_path / "a.h5", dataset=name)
        assert raised.value.candidates == candidates
    for name in ("dept", "epth1", "dim1", "series"):
        with pytest.raises(DatasetError, match=f"no dataset '{name}'"):
            open_scan(tmp_path / "a.h5", dataset=name)


def test_a_path_from_the_root_comes_before_a_last_part(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"], file["deep/data"], file["run/cube"], file["deep/run/cube"] = CUBE, CUBE, CUBE, CUBE
    for name, full in {"data": "data", "run": "run/cube"}.items():
        assert open_scan(tmp_path / "a.h5", dataset=name).provenance.dataset == full
