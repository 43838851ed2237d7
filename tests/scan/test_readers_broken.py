"""What a user gets wrong, and files that are damaged: one clear line each, and no other exception."""

import random
import shutil
import sys
from subprocess import run

import numpy as np
import pytest

from napari_ghosthunter.errors import DatasetError, ScanError, ScanShapeError
from napari_ghosthunter.scan.readers import READERS, open_scan

ENDINGS = [ending for reader in READERS for ending in reader.extensions]
SMALL = [
    "dm/particle_10x7x64x48.dm4", "dm/test_diffraction_pattern.dm3", "dm/particle_10x7x64x48.npy",
    "merlin/001_4x2_6bit.mib", "blo/test1.blo", "empad/map4x4.xml", "empad/scan_x4_y4.raw",
    "emd/py4DSTEM_size2x3x4x5.h5", "emd/Si100_4D.emd", "arina/test_00_master.h5",
    "de_mrc/20241021_00405_movie.mrc", "sim_orientation/scan_32.npz",
    "tia/16x16-diffraction_imagel_5x5x256x256_EDS_2.ser",
]  # fmt: skip


def assert_one_clear_line(error, path):
    assert "\n" not in str(error.value)
    assert path.name in str(error.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ScanError, match="There is no file .*nowhere.dm4"):
        open_scan(tmp_path / "nowhere.dm4")


@pytest.mark.parametrize("name", ["picture.jpg", "no_ending", "scan.xyz"])
def test_an_unknown_ending_lists_the_known_ones(tmp_path, name):
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(ScanError, match=r"no ending of a known format \(.dm3, .dm4.*--reader") as raised:
        open_scan(tmp_path / name)
    assert_one_clear_line(raised, tmp_path / name)


def test_a_single_picture_leads_to_its_folder(tmp_path):
    (tmp_path / "12_7.png").write_bytes(b"x")
    with pytest.raises(ScanError, match="12_7.png is one picture.*open the folder"):
        open_scan(tmp_path / "12_7.png")


def test_a_folder_that_is_no_store_says_so(tmp_path):
    for name in ("folder", "folder.zarr"):
        (tmp_path / name).mkdir()
        with pytest.raises(ScanError, match="is a folder but no Zarr store"):
            open_scan(tmp_path / name)


def test_an_unknown_reader_lists_the_known_ones(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 2, 3, 3)))
    with pytest.raises(ScanError, match="There is no reader 'magic'; there are gatan, dm5, hdf5, .*py4dstem"):
        open_scan(tmp_path / "a.npy", reader="magic")


def test_a_reader_can_be_forced_on_any_ending(tmp_path):
    with (tmp_path / "a.data").open("wb") as file:
        np.save(file, np.zeros((2, 2, 3, 3)))
    scan = open_scan(tmp_path / "a.data", reader="npy")
    assert scan.provenance.reader == "npy"
    with pytest.raises(ScanError, match=r"is a NumPy .npy file, by its first bytes.* --reader npy"):
        open_scan(tmp_path / "a.data", reader="npz")
    with pytest.raises(ScanError, match="RosettaSciIO has no reader for a.data"):
        open_scan(tmp_path / "a.data", reader="rosettasciio")


@pytest.mark.parametrize("shape", [(0, 5), (-1, 4)])
def test_a_senseless_scan_shape_is_refused(tmp_path, shape):
    np.save(tmp_path / "a.npy", np.zeros((2, 2, 3, 3)))
    with pytest.raises(ScanShapeError, match="two whole numbers above 0"):
        open_scan(tmp_path / "a.npy", scan_shape=shape)


def test_a_dataset_of_a_format_without_any_is_refused(shared_file):
    with pytest.raises(DatasetError, match="holds one scan and no datasets"):
        open_scan(shared_file("blo/test1.blo"), dataset="one")


@pytest.mark.parametrize("ending", ENDINGS)
def test_an_empty_file_says_so(tmp_path, ending):
    path = tmp_path / f"scan_000{ending}"
    path.touch()
    with pytest.raises(ScanError, match=r"is empty \(0 bytes\)"):
        open_scan(path)


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("content", [b"x", b"not a scan at all\n" * 1000, bytes(range(256)) * 40, b"\0" * 5000])
def test_a_file_of_something_else_is_refused(tmp_path, ending, content):
    path = tmp_path / f"scan_000{ending}"
    path.write_bytes(content)
    with pytest.raises(ScanError) as raised:
        open_scan(path)
    assert_one_clear_line(raised, path)


def damaged(content, way):
    if isinstance(way, float):
        return content[: int(len(content) * way)]
    if way < 0:
        return content[:way]
    chance, spoilt = random.Random(way), bytearray(content)
    for _ in range(20):
        spoilt[chance.randrange(min(len(spoilt), 2000))] = chance.randrange(256)
    return bytes(spoilt)


@pytest.mark.parametrize("name", SMALL)
@pytest.mark.parametrize("way", [0.001, 0.03, 0.5, -1, 1, 2, 3, 4])
def test_a_damaged_file_opens_or_is_refused_in_one_line(shared_file, tmp_path, name, way):
    """Cut short, or with twenty bytes of its beginning spoilt; what opens nonetheless must also be readable."""
    original = shared_file(name)
    path = tmp_path / original.name
    for beside in original.parent.iterdir():  # headers and data files that belong to it
        if beside != original and beside.stat().st_size < 2e6:
            shutil.copyfile(beside, tmp_path / beside.name)
    path.write_bytes(damaged(original.read_bytes(), way))
    message = path.stem  # where nothing is raised
    try:
        scan = open_scan(path)
        scan.pattern(scan.shape[0] - 1, scan.shape[1] - 1)
    except ScanError as error:
        message = str(error)
    assert "\n" not in message
    assert path.stem in message


def test_opening_imports_only_what_the_format_needs(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros((2, 2, 3, 3)))
    code = (
        "import sys; from napari_ghosthunter.scan.readers import open_scan; "
        f"open_scan({str(tmp_path / 'a.npy')!r}).pattern(0, 0); "
        "sys.exit(bool({'torch', 'py4DSTEM', 'rsciio', 'dask', 'h5py', 'zarr'} & set(sys.modules)))"
    )
    assert run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_table_of_readers_is_sound():
    assert len({reader.name for reader in READERS}) == len(READERS)
    assert len(set(ENDINGS)) == len(ENDINGS)
    assert all(ending == ending.lower() for ending in ENDINGS)
    assert all(reader.description and reader.library for reader in READERS)


def test_endings_are_known_in_capitals_too(shared_file, tmp_path):
    path = tmp_path / "A.BLO"
    shutil.copyfile(shared_file("blo/test1.blo"), path)
    assert open_scan(path).shape == (3, 2, 144, 144)
