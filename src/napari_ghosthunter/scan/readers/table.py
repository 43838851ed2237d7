"""The table of readers: which file is read by what. The docs, the command line and the plugin are told from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.readers import (
    arrays,
    astar,
    direct_electron,
    empad,
    folder,
    gatan,
    gatan_hdf5,
    hdf5,
    libraries,
    merlin,
    panta_rhei,
    tia,
    tiff,
    topspin,
    tvips,
    zarr_store,
)
from napari_ghosthunter.scan.readers.stack import Stack, Wanted


@dataclass(frozen=True)
class Reader:
    """One way of opening a scan.

    Attributes
    ----------
    name
        What `reader=` and `--reader` call it.
    extensions
        Endings of the file names that it is chosen for, in lower case; a longer ending wins over a shorter one.
        Empty for a reader of folders, and for one that must be asked for by name.
    description
        What it reads, for a person.
    library
        Whose code understands the format.
    read
        Opens a file; see `open_scan` for what it may raise.
    """

    name: str
    extensions: tuple[str, ...]
    description: str
    library: str
    read: Callable[[Path, Wanted], Stack]


READERS: tuple[Reader, ...] = (
    Reader("gatan", (".dm3", ".dm4"), "Gatan DigitalMicrograph", "RosettaSciIO", gatan.read),
    Reader("dm5", (".dm5",), "Gatan DigitalMicrograph in HDF5", "h5py", gatan_hdf5.read),
    Reader(
        "hdf5",
        (".h5", ".hdf5", ".emd", ".hspy", ".py4dstem", ".nxs", ".4dc"),
        "EMD, py4DSTEM (new and legacy), HyperSpy .hspy, counted electrons (stempy), plain HDF5",
        "h5py",
        hdf5.read,
    ),
    Reader("arina", ("_master.h5",), "DECTRIS Arina (and other DECTRIS) master files", "h5py", hdf5.read_arina),
    Reader("merlin", (".mib",), "Quantum Detectors Merlin, with or without .hdr", "NumPy", merlin.read),
    Reader("astar", (".blo",), "NanoMEGAS ASTAR block files", "RosettaSciIO", astar.read),
    Reader("empad", (".xml", ".raw"), "EMPAD, by its .xml or its .raw", "NumPy", empad.read),
    Reader("tia", (".ser", ".emi"), "FEI TIA series", "RosettaSciIO", tia.read),
    Reader("topspin", (".app5",), "NanoMEGAS Topspin", "h5py", topspin.read),
    Reader("pantarhei", (".prz",), "CEOS PantaRhei", "RosettaSciIO", panta_rhei.read),
    Reader("mrc", (".mrc", ".mrcs"), "MRC, above all Direct Electron movies", "RosettaSciIO", direct_electron.read),
    Reader("tvips", (".tvips",), "TVIPS recordings (the file that ends in _000)", "RosettaSciIO", tvips.read),
    Reader(
        "zarr", (".zarr", ".zspy", ".zarr.zip", ".zip"), "Zarr folders and zip files, HyperSpy .zspy", "zarr",
        zarr_store.read,
    ),
    Reader("tiff", (".tif", ".tiff"), "TIFF stacks: ImageJ, OME-TIFF, plain", "tifffile", tiff.read),
    Reader(
        "folder", (), "A folder with one file a pattern (.png, .tif, .mib, .dm3, .dm4, .mrc, .npy)", "Pillow, tifffile",
        folder.read,
    ),
    Reader("npy", (".npy",), "NumPy array", "NumPy", arrays.read_npy),
    Reader("npz", (".npz",), "NumPy archive, stored or compressed", "NumPy", arrays.read_npz),
    Reader(
        "rosettasciio", (), "Any format that RosettaSciIO knows, with its own reader", "RosettaSciIO",
        libraries.read_rosettasciio,
    ),
    Reader(
        "py4dstem", (), "Any format that py4DSTEM imports, with its own reader", "py4DSTEM", libraries.read_py4dstem
    ),
)  # fmt: skip


def pick_reader(path: Path, name: str | None) -> Reader:
    """Choose the reader for a path: the one named, or the one for its ending.

    Raises
    ------
    ScanError
        If there is no reader of this name, or none for this ending.
    """
    if name is not None:
        named = [reader for reader in READERS if reader.name == name.lower()]
        if not named:
            raise ScanError(f"There is no reader {name!r}; there are {', '.join(reader.name for reader in READERS)}.")
        return named[0]
    if path.is_dir() and zarr_store.is_store(path):
        return pick_reader(path, "zarr")
    if path.is_dir() and path.suffix.lower() not in (".zarr", ".zspy") and folder.is_folder_of_patterns(path):
        return pick_reader(path, "folder")
    lower = path.name.lower()
    fitting = [(len(ending), reader) for reader in READERS for ending in reader.extensions if lower.endswith(ending)]
    if fitting:
        return max(fitting, key=lambda entry: entry[0])[1]
    if path.is_dir():
        raise ScanError(
            f"{path} is a folder but no Zarr store, and holds no files of one pattern each ({', '.join(folder.READ)}); "
            "give the scan's file in it instead."
        )
    if path.suffix.lower() in folder.READ:
        raise ScanError(
            f"{path.name} is one picture, not a scan. If each file of its folder holds the pattern of one position, "
            "open the folder (in napari: File > Open Folder)."
        )
    endings = ", ".join(ending for reader in READERS for ending in reader.extensions)
    raise ScanError(
        f"{path.name} has no ending of a known format ({endings}). Choose a reader with --reader (reader= in Python)."
    )
