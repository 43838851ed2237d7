"""What is no fault of the file is not called damage: locks, permissions, libraries that are missing, ways to pack."""

import errno
import os
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.causes import SYSTEM
from napari_ghosthunter.scan.readers import open_scan

CUBE = np.arange(3 * 4 * 5 * 6, dtype=np.uint16).reshape(3, 4, 5, 6)

SAYS = {
    PermissionError(errno.EACCES, "Permission denied", "a.dm4"): "you have no permission to read it",
    OSError(errno.EIO, "Input/output error"): "does not answer",
    OSError("Can't synchronously read data (file read failed: time = x, errno = 5, error message = '?')"): "not answer",
    OSError(errno.EMFILE, "Too many open files"): "too many files are open",
    OSError(errno.ENOLCK, "No locks available"): "HDF5_USE_FILE_LOCKING=FALSE",
    FileNotFoundError(errno.ENOENT, "No such file", "part_2.bin"): "there is no part_2.bin",
    BlockingIOError(errno.EAGAIN, "unable to lock file, errno = 11"): "open for writing",
    OSError("Unable to open file (file is already open for write (may use <h5clear file> to clear flags))"): "h5clear",
    OSError("Can't read data (can't open directory (/usr/local/hdf5/lib/plugin))"): "packed in a way",
    OSError("Can't synchronously read data (required filter 'blosc2' is not registered)"): "blosc2",
    ValueError("codec not available: 'zfpy'"): "zfpy",
    ValueError("<COMPRESSION.ZSTD: 50000> requires the 'imagecodecs' package"): "imagecodecs",
    NotImplementedError("That compression method is not supported"): "packed in a way",
    NotImplementedError("Data type 7 of version 9"): "is not supported",
    RuntimeError("File 'a.npy' is encrypted, password required for extraction"): "locked with a password",
    ModuleNotFoundError("No module named 'mrcz.io'", name="mrcz.io"): "package mrcz, which is not installed",
    ImportError("libgfortran.so.5: cannot open shared object file"): "cannot be loaded",
    AttributeError("module 'zarr.storage' has no attribute 'NestedDirectoryStore'"): "do not fit together",
    TypeError("open() got an unexpected keyword argument 'copy'"): "do not fit together",
    MemoryError("Unable to allocate 3 TiB"): "more memory than there is",
}


@pytest.mark.parametrize("error", SAYS, ids=lambda error: str(error)[:40])
def test_each_cause_is_told(tmp_path, error):
    with pytest.raises(ScanError, match="a.dm4 cannot be read as patterns: .*" + SAYS[error]) as raised:  # noqa: SIM117
        with reading(tmp_path / "a.dm4", "patterns"):
            raise error
    assert "damaged" not in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "error",
    [ValueError("bad header"), OSError(errno.EINVAL, "Invalid argument"), OSError("truncated file: eof = 500"),
     KeyError("x"), OSError("Can't read data (filter returned failure during read)"), AttributeError("no data")],
)  # fmt: skip
def test_damage_is_still_called_so(tmp_path, error):
    with pytest.raises(ScanError, match="damaged, cut short"), reading(tmp_path / "a.dm4", "patterns"):
        raise error


def test_a_file_is_not_to_blame_for_its_disk():
    assert all("damaged" not in words for words in SYSTEM.values())


WRITER = """
import h5py, os, sys
file = h5py.File(sys.argv[1], "w", libver=sys.argv[2])
file["cube"] = [[[[1, 2]] * 2] * 3] * 4
if sys.argv[2] == "latest":
    file.swmr_mode = True
file.flush()
print("open", flush=True)
sys.stdin.readline()
if sys.argv[3] == "dies":
    os._exit(1)
"""


@pytest.mark.parametrize("libver", ["earliest", "latest"])
def test_an_hdf5_file_that_another_program_writes_is_told_as_that(tmp_path, libver):
    command = [sys.executable, "-c", WRITER, tmp_path / "a.h5", libver, "ends"]
    environment = os.environ | {"HDF5_USE_FILE_LOCKING": "TRUE"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as writer:
        assert writer.stdout.readline() == b"open\n"
        with pytest.raises(ScanError, match="another program has it open for writing, a notebook") as raised:
            open_scan(tmp_path / "a.h5")
        assert "damaged" not in str(raised.value)
        writer.communicate(b"\n")
    assert open_scan(tmp_path / "a.h5").shape == (4, 3, 2, 2)


def test_a_file_whose_writer_died_says_how_to_free_it(tmp_path):
    command = [sys.executable, "-c", WRITER, tmp_path / "a.h5", "latest", "dies"]
    subprocess.run(command, input=b"\n", stdout=subprocess.PIPE, check=False)
    with pytest.raises(ScanError, match="`h5clear -s FILE` frees it"):
        open_scan(tmp_path / "a.h5")


def test_a_file_that_this_program_writes_is_not_read_half_written(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["cube"] = CUBE
        with pytest.raises(ScanError, match="open for writing in this very program"):
            open_scan(tmp_path / "a.h5")
        file["more"] = 1  # still theirs
    np.testing.assert_array_equal(open_scan(tmp_path / "a.h5").rows(0, 3), CUBE)


@pytest.mark.parametrize("master", [False, True])
def test_an_hdf5_filter_that_is_not_there_is_named(tmp_path, master):
    shape, flat = ((12, 5, 6), "entry/data/data_000001") if master else (CUBE.shape, "cube")
    path = tmp_path / ("a_master.h5" if master else "a.h5")
    with h5py.File(path, "w") as file:
        settings = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        settings.set_chunk(shape)
        settings.set_filter(41_999, h5py.h5z.FLAG_OPTIONAL, ())
        group = file.require_group(flat.rpartition("/")[0] or "/")
        name = flat.rpartition("/")[2].encode()
        made = h5py.h5d.create(group.id, name, h5py.h5t.NATIVE_UINT16, h5py.h5s.create_simple(shape), settings)
        made.write_direct_chunk((0,) * len(shape), b"packed")
    with pytest.raises(ScanError, match="packed with the HDF5 filter 41999 .*not installed here") as raised:
        open_scan(path, scan_shape=(3, 4))
    assert "damaged" not in str(raised.value)


def test_a_zip_file_with_a_password_or_another_compression_is_not_called_damaged(tmp_path):
    for name, flags, kind in (("locked", 1, 0), ("packed", 0, 9)):
        path = tmp_path / f"{name}.npz"
        np.savez(path, cube=CUBE)
        content = bytearray(path.read_bytes())
        with zipfile.ZipFile(path) as archive:
            start = archive.start_dir
        for place in (0 + 6, start + 8):
            content[place] |= flags
        for place in (0 + 8, start + 10):
            content[place] = kind
        path.write_bytes(content)
        with pytest.raises(ScanError) as raised:
            open_scan(path)
        assert "damaged" not in str(raised.value), name


def test_what_the_system_says_of_a_file_is_told(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", CUBE)

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "a.npy"))

    monkeypatch.setattr(np, "memmap", refuse)
    with pytest.raises(ScanError, match="you have no permission to read it"):
        open_scan(tmp_path / "a.npy").rows(0, 1)


def test_a_library_that_does_not_start_in_another_process_is_not_the_files_fault(tmp_path, monkeypatch):
    from napari_ghosthunter.scan.readers import links, probing

    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "h5py.py").write_text("raise ImportError('its library is too old')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "broken"))
    np.save(tmp_path / "a.npy", CUBE)
    with pytest.raises(ScanError, match=r"could not be started .*its library is too old") as raised:
        probing.probe(links.read_attributes, "h5py", tmp_path / "a.npy", "/")
    assert "damaged" not in str(raised.value)
