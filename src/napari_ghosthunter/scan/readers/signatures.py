"""What a file is by its first bytes, where these say so: a renamed file is not damaged, and is read as nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_ghosthunter.errors import ScanError

LENGTH = 24
ANY = frozenset({"rosettasciio", "py4dstem"})  # readers that are asked for by name, and take many kinds


@dataclass(frozen=True)
class Kind:
    """A kind of file that is known by its first bytes.

    Attributes
    ----------
    start
        These bytes; letters in either case.
    name
        What it is called.
    readers
        Names of the readers that take it; the first is the one to offer.
    advice
        What to do where no reader takes it.
    """

    start: tuple[bytes, ...]
    name: str
    readers: tuple[str, ...] = ()
    advice: str = ""


PACKED = "unpack it first"
LOSSY = "JPEG loses faint disks; export the patterns as .png or .tif"
PICTURE = "a scan is a folder of such pictures, or another file"
KINDS = (
    Kind((b"\x89HDF\r\n\x1a\n",), "an HDF5 file", ("hdf5", "arina", "dm5", "topspin")),
    Kind((b"PK\x03\x04",), "a zip file", ("zarr", "npz", "pantarhei")),
    Kind((b"\x93NUMPY",), "a NumPy .npy file", ("npy",)),
    Kind((b"MQ1,",), "a Merlin .mib file", ("merlin",)),
    Kind((b"IMGBLO",), "a NanoMEGAS .blo file", ("astar",)),
    Kind((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "a TIFF file", ("tiff",)),
    Kind((b"\x89PNG\r\n\x1a\n",), "a PNG picture", (), PICTURE),
    Kind((b"\xff\xd8\xff\xe0", b"\xff\xd8\xff\xe1"), "a JPEG picture", (), LOSSY),
    Kind((b"\x1f\x8b\x08\0", b"\x1f\x8b\x08\x08"), "a file packed with gzip", (), PACKED),
    Kind((b"\xfd7zXZ\0", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07"), "a packed file (xz, 7-Zip, RAR)", (), PACKED),
    Kind((b"%PDF-",), "a PDF file"),
    Kind(
        (b"version https://git-lf",), "a pointer of Git LFS in the place of a file", (), "`git lfs pull` fetches that"
    ),
    Kind(
        (b"<!doctype html", b"<html"), "a web page", (),
        "what was to be downloaded is something else; open the address in a browser",
    ),
)  # fmt: skip


def check_kind(path: Path, reader: str) -> None:
    """Refuse a file that says by its first bytes that it is of another kind than a reader takes.

    Raises
    ------
    ScanError
        If it does; the message names its kind, and the reader to choose.
    OSError
        If it cannot be opened.
    """
    if not path.is_file() or reader in ANY:
        return
    with path.open("rb") as stream:
        start = stream.read(LENGTH)
    for kind in KINDS:
        if not any(start.lower().startswith(known.lower()) for known in kind.start) or reader in kind.readers:
            continue
        ways = [kind.advice] if kind.advice else [f"--reader {name}" for name in kind.readers]
        advice = f": {' or '.join(ways)}" if ways else ""
        raise ScanError(f"{path.name} is {kind.name}, by its first bytes, and none for the reader {reader}{advice}.")
