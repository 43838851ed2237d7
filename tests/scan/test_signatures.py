"""A file with the ending of another kind is told as what it is, and never read as what it is not."""

import shutil

import h5py
import numpy as np
import pytest

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.readers import READERS, open_scan
from napari_ghosthunter.scan.readers.signatures import ANY, KINDS
from tests.scan.writers import frames_of, write_blo, write_mib
from tests.scan.zarr_stores import write_zarr

CUBE = np.arange(3 * 4 * 8 * 8, dtype=np.uint16).reshape(3, 4, 8, 8)


def of_kind(folder, kind):
    """Write a scan of one kind."""
    path = folder / f"original.{kind}"
    match kind:
        case "h5":
            with h5py.File(path, "w") as file:
                file["cube"] = CUBE
        case "npy":
            np.save(path, CUBE)
        case "npz":
            np.savez(path, cube=CUBE)
        case "zip":
            write_zarr(path, CUBE)
        case "mib":
            write_mib(path, CUBE.reshape(12, 8, 8), header={"ScanX": 4, "ScanY": 3})
        case "blo":
            write_blo(path, frames_of(12, (8, 8), "u1"), (3, 4))
    return path


ENDINGS = [reader.extensions[0] for reader in READERS if reader.extensions]


@pytest.mark.parametrize("kind", ["h5", "npy", "npz", "zip", "mib", "blo"])
def test_a_renamed_scan_is_opened_right_or_told_as_what_it_is(tmp_path, kind):
    original = of_kind(tmp_path, kind)
    right = open_scan(original)
    for number, ending in enumerate(ENDINGS):
        path = shutil.copyfile(original, tmp_path / f"scan_{number}_000{ending}")
        try:
            scan = open_scan(path)
        except ScanError as error:
            message = str(error)
            assert "damaged" not in message or kind in ("npz", "zip"), message
            assert path.name in message
            assert "\n" not in message
        else:
            np.testing.assert_array_equal(scan.rows(0, 3), right.rows(0, 3))
    if kind not in ("npz", "zip"):
        renamed = shutil.copyfile(original, tmp_path / "scan.raw")
        with pytest.raises(ScanError, match=f"by its first bytes.*--reader {right.provenance.reader}") as raised:
            open_scan(renamed)
        assert open_scan(renamed, reader=right.provenance.reader, scan_shape=(3, 4)).shape == right.shape
        assert "damaged" not in str(raised.value)


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (b"\x1f\x8b\x08\0" + bytes(300), "packed with gzip.*unpack it first"),
        (b"<!DOCTYPE HTML><html>404", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "git lfs pull"),
        (b"\x89PNG\r\n\x1a\n" + bytes(300), "a PNG picture"),
        (b"%PDF-1.7 ...", "a PDF file"),
    ],
)
def test_what_is_no_scan_at_all_is_named(tmp_path, start, words):
    for ending in ENDINGS:
        path = tmp_path / f"scan_000{ending}"
        path.write_bytes(start)
        with pytest.raises(ScanError, match=words) as raised:
            open_scan(path)
        assert "damaged" not in str(raised.value)


def test_the_readers_that_are_offered_are_there():
    known = {reader.name for reader in READERS}
    assert {name for kind in KINDS for name in kind.readers} | ANY <= known
    hdf5 = {reader.name for reader in READERS if reader.library == "h5py"}
    assert hdf5 <= {name for kind in KINDS if "HDF5" in kind.name for name in kind.readers}
