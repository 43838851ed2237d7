"""`ghosthunter info`: what MANIFEST says of each real file, and clear errors for the others."""

import json
import re

import numpy as np
import pytest

KEYS = {"shape", "dtype", "scan_step", "scan_units", "k_step", "k_units", "reader", "size_bytes"}
UNKNOWN = ([1.0, 1.0], "px")
SCAN_3X3 = ("--scan-shape", "3x3")
EMPAD = (([1.14159, 1.14159], "um"), ([0.182654, 0.182654], "1/nm"))
TIA = (([1.87390, 1.87390], "nm"), ([0.174353, 0.174353], "1/nm"))

# path, options, shape, dtype, reader, (scan step, units), (detector step, units)
REAL = [
    ("dm/particle_10x7x64x48.dm4", (), [10, 7, 64, 48], "uint16", "gatan", ([2.0, 2.5], "nm"), ([0.05, 0.05], "1/nm")),
    ("dm/particle_10x7x64x48.npy", (), [10, 7, 64, 48], "uint16", "npy", UNKNOWN, UNKNOWN),
    ("merlin/001_4x2_6bit.mib", (), [2, 4, 256, 256], "uint8", "merlin", UNKNOWN, UNKNOWN),
    ("merlin/Quad_9_Frame_CounterDepth_12_Rows_256.mib", SCAN_3X3, [3, 3, 512, 512], ">u2", "merlin", UNKNOWN, UNKNOWN),
    (
        "merlin/Quad_9_Frame_CounterDepth_6_Rows_256.mib",
        SCAN_3X3,
        [3, 3, 512, 512],
        "uint8",
        "merlin",
        UNKNOWN,
        UNKNOWN,
    ),
    (
        "merlin/Single_9_Frame_CounterDepth_12_Rows_256.mib",
        SCAN_3X3,
        [3, 3, 256, 256],
        ">u2",
        "merlin",
        UNKNOWN,
        UNKNOWN,
    ),
    ("blo/test1.blo", (), [3, 2, 144, 144], "uint8", "astar", ([12.8, 12.8], "nm"), ([160.617, 160.617], "um")),
    ("empad/map4x4.xml", (), [4, 4, 128, 128], "float32", "empad", *EMPAD),
    ("empad/scan_x4_y4.raw", (), [4, 4, 128, 128], "float32", "empad", *EMPAD),
    ("tia/16x16-diffraction_imagel_5x5x256x256_EDS_2.ser", (), [5, 5, 256, 256], "int32", "tia", *TIA),
    ("tia/16x16-diffraction_imagel_5x5x256x256_EDS.emi", (), [5, 5, 256, 256], "int32", "tia", *TIA),
    (
        "emd/py4DSTEM_size2x3x4x5.h5",
        (),
        [2, 3, 4, 5],
        "float32",
        "hdf5",
        ([0.126797, 0.126797], "nm"),
        ([0.0442516, 0.0442516], "1/angstrom"),
    ),
    ("arina/test_00_master.h5", (), [4, 4, 192, 192], "uint16", "arina", UNKNOWN, UNKNOWN),
    ("de_mrc/20241021_00405_movie.mrc", (), [4, 8, 4, 8], "uint16", "mrc", ([0.2, 0.1], "nm"), ([0.1, 0.1], "1/nm")),
    (
        "particle/bragg_rendered_80x58x64x64_u16.npz",
        ("--dataset", "data"),
        [80, 58, 64, 64],
        "uint16",
        "npz",
        UNKNOWN,
        UNKNOWN,
    ),
    ("sim_orientation/scan_32.npz", (), [32, 32, 64, 64], "uint16", "npz", UNKNOWN, UNKNOWN),
]

REFUSED = [
    ("dm/EELS_SI.dm4", "It holds a spectrum image"),
    ("dm/test-1.dm4", "2 patterns of 2 x 2 pixels in one row"),
    ("dm/test_diffraction_pattern.dm3", "It holds an image"),
    ("merlin/Quad_9_Frame_CounterDepth_12_Rows_256.mib", "--scan-shape YxX .* for example 3x3"),
    ("merlin/Single_1_Frame_CounterDepth_1_Rows_256RAW.mib", "raw mode"),
    ("emd/Si100_4D.emd", "choose one with --dataset"),
    ("de_mrc/ROI_Random_Scan_movie.mrc", "no rectangular scan"),
    ("empad/stack_images.xml", "not beside it"),
    ("paper_labels", "is a folder"),
    ("paper_labels/all_labels_merged.csv", "no ending of a known format"),
]


@pytest.mark.parametrize(
    ("name", "options", "shape", "dtype", "reader", "scan", "k"), REAL, ids=[f"{r[0].split('/')[1]}" for r in REAL]
)
def test_what_is_in_a_real_file(call, shared_file, name, options, shape, dtype, reader, scan, k):
    called = call("info", shared_file(name), *options, "--json")
    assert called.code == 0
    assert called.out.count("\n") == 1
    told = json.loads(called.out, parse_constant=pytest.fail)
    assert told.keys() >= KEYS
    assert (told["shape"], told["dtype"], told["reader"]) == (shape, dtype, reader)
    assert told["size_bytes"] == np.prod(shape) * np.dtype(dtype).itemsize
    assert (told["scan_step"], told["scan_units"]) == (pytest.approx(scan[0], rel=1e-5), scan[1])
    assert (told["k_step"], told["k_units"]) == (pytest.approx(k[0], rel=1e-5), k[1])
    assert called.err == "".join(f"note: {note}\n" for note in told["notes"])


@pytest.mark.parametrize(("name", "said"), REFUSED, ids=[name.split("/")[-1] for name, _ in REFUSED])
def test_what_is_no_scan_is_refused_in_one_line(call, shared_file, name, said):
    assert re.search(said, call("info", shared_file(name), "--json").error)


def test_for_a_person(call, samples):
    called = call("info", samples / "scan.npy")
    assert called.code == 0
    assert "10 x 14 probe positions (scan_y x scan_x), step unknown" in called.out
    assert "32 x 32 pixels (k_y x k_x), step unknown" in called.out


def test_steps_are_told_once_where_they_agree(call, shared_file):
    out = call("info", shared_file("dm/particle_10x7x64x48.dm4")).out
    assert "step 2 x 2.5 nm" in out
    assert "step 0.05 1/nm" in out


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("nothing.npy", (), "There is no file"),
        ("cut.npy", (), "cut short"),
        ("text.npy", (), "cannot be read as a NumPy .npy file"),
        ("labels.csv", (), "no ending of a known format"),
        (".", (), "is a folder but no Zarr store"),
        ("flat.npy", (), "--scan-shape YxX (scan_shape=(y, x) in Python), for example 10x14"),
        ("flat.npy", ("--scan-shape", "11x14"), "14 missing"),
        ("flat.npy", ("--scan-shape", "5x14"), "70 too many"),
        ("scan.npy", ("--scan-shape", "9x14"), "cannot be folded to 9 x 14"),
        ("scan.npy", ("--dataset", "nope"), "There is no dataset 'nope'"),
        ("scan.npy", ("--reader", "nope"), "There is no reader 'nope'; there are gatan, "),
        ("scan.npy", ("--reader", "hdf5"), "is a NumPy .npy file, by its first bytes"),
    ],
)
def test_what_cannot_be_opened(call, samples, name, options, said):
    assert said in call("info", samples / name, *options, "--json").error


def test_names_with_spaces_and_other_letters(call, samples, tmp_path):
    path = tmp_path / "my scän (1) :smile: [red].npy"
    path.write_bytes((samples / "scan.npy").read_bytes())
    assert json.loads(call("info", path, "--json").out)["path"] == str(path)
    assert str(path) in call("info", path).out
    path.unlink()
    assert path.name in call("info", path).error


def test_types_and_sizes_are_told_in_words(call, tmp_path):
    cube = np.zeros((2, 3, 4, 5), ">u2")
    np.save(tmp_path / "small.npy", cube)
    np.save(tmp_path / "native.npy", np.zeros((2, 4, 64, 128), np.float32))
    assert "data      uint16 (big-endian), 0.2 KiB\n" in call("info", "small.npy").out
    assert "data      float32, 0.2 MiB\n" in call("info", "native.npy").out
    assert json.loads(call("info", "small.npy", "--json").out)["dtype"] == ">u2"


def test_a_dataset_is_named_by_the_last_part_of_its_path(call, shared_file):
    path = shared_file("emd/Si100_4D.emd")
    told = json.loads(call("info", path, "--dataset", "CBED_array_depth0001", "--json").out)
    assert told["dataset"] == "4DSTEM_simulation/data/datacubes/CBED_array_depth0001/datacube"
    assert "'datacube' may be any of 2 arrays; choose one with" in call("info", path, "--dataset", "datacube").error
