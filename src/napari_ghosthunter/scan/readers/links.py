"""What an HDF5 file may lead to: links, virtual and external arrays are followed only inside the folder of the file.

HDF5 would open whatever path a file names, a pipe or somebody's key too, and wait for it or read it as numbers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.probing import probe

TEXT_SECONDS = 8
MOST_ATTRIBUTES = 64  # of an object that are looked at
MOST_STEPS = 16  # links that lead to links
CACHE_BYTES = 64 * 2**20  # room for a chunk of many patterns; HDF5's own 1 MiB unpacks it anew for each pattern


def open_file(path: Path) -> Any:
    """Open an HDF5 file to be read.

    Raises
    ------
    ScanError
        If this process has it open for writing: what of it lies on the disk need not be what it holds.
    """
    import h5py

    file = h5py.File(path, "r", rdcc_nbytes=CACHE_BYTES)
    if file.mode != "r":
        raise ScanError(f"{path.name} is open for writing in this very program; close it there, and open it again.")
    return file


def follow(group: Any, name: str, steps: int = 0) -> Any:
    """Give a member of a group by its path, None if it or what it links to is missing.

    Raises
    ------
    ScanError
        If a link leads out of the folder of its file, in a circle, or to a file that cannot be read.
    """
    import h5py

    if steps > MOST_STEPS:
        raise ScanError(f"Its links lead in a circle, by way of {name}.")
    here = group.file if name.startswith("/") else group
    for part in filter(None, name.split("/")):
        link = here.get(part, getlink=True) if isinstance(here, h5py.Group) else None
        if isinstance(link, h5py.HardLink):
            here = here[part]
        elif isinstance(link, h5py.SoftLink):
            here = follow(here, link.path, steps + 1)
        elif isinstance(link, h5py.ExternalLink):
            beside = file_beside(Path(here.file.filename), link.filename)
            if beside is None:
                return None
            with reading(beside, "an HDF5 file"):  # it is this file that cannot be read, not the one that links to it
                there = open_file(beside)
            here = follow(there, link.path, steps + 1)
        else:
            here = None
        if here is None:
            return None
    return here


class Inside:
    """A group whose members are found by `follow`."""

    def __init__(self, group: Any) -> None:
        self._group = group
        self.attrs = Attributes(group)

    def __contains__(self, name: str) -> bool:
        return follow(self._group, name) is not None

    def __getitem__(self, name: str) -> Any:
        found = follow(self._group, name)
        if found is None:
            raise KeyError(name)
        return Member(found)


class Member:
    """A member of a group as far as `hierarchy` needs it."""

    def __init__(self, found: Any) -> None:
        self._found = found
        self.shape = getattr(found, "shape", None) or ()
        self.attrs = Attributes(found)

    def __getitem__(self, key: Any) -> Any:
        return self._found[key]


class Attributes:
    """The attributes of an HDF5 object that are numbers or texts; of damaged others HDF5 may read for minutes."""

    def __init__(self, owner: Any) -> None:
        self._owner = owner

    def __iter__(self) -> Iterator[str]:
        """Name them, as far as there are not too many."""
        return iter(list(islice(self._owner.attrs, MOST_ATTRIBUTES)))

    def get(self, name: str, default: Any = None) -> Any:
        """Give an attribute; `default` if there is none, or it is none of these."""
        import h5py

        if name not in self._owner.attrs:
            return default
        kind = h5py.h5a.open(self._owner.id, name.encode()).get_type()
        plain = (h5py.h5t.TypeIntegerID, h5py.h5t.TypeFloatID, h5py.h5t.TypeStringID, h5py.h5t.TypeEnumID)
        if isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str():  # kept in a heap
            file = Path(self._owner.file.filename)
            _probe_texts(file, self._owner.parent.name, file.stat().st_mtime_ns)
        return self._owner.attrs[name] if isinstance(kind, plain) else default


@lru_cache(maxsize=256)
def _probe_texts(file: Path, group: str, _changed: int) -> None:
    """Let another process read the attributes around an array: HDF5 loops for ever in a damaged heap of texts."""
    probe(read_attributes, "h5py", file, group, seconds=TEXT_SECONDS)


def read_attributes(path: Path, group: str) -> None:
    """Read the attributes of all that lies in a group; that may never end."""
    import h5py

    with h5py.File(path, "r") as file:
        for name in file[group]:
            if isinstance(file[group].get(name, getlink=True), h5py.HardLink):
                dict(file[group][name].attrs)


def check_sources(dataset: Any, steps: int = 0) -> None:
    """Check that all that an array takes its values from lies in the folder of its file.

    Raises
    ------
    ScanError
        If it does not, or is missing there: HDF5 would give zeros.
    """
    import h5py

    file = Path(dataset.file.filename)
    if dataset.external:
        for name, *_ in dataset.external:
            _needed(file, str(Path(name).absolute()))  # HDF5 starts from the working folder here
    if dataset.is_virtual:
        if steps > MOST_STEPS:
            raise ScanError(f"Its virtual arrays lead in a circle, by way of {dataset.name}.")
        for name, inner in sorted({(source.file_name, source.dset_name) for source in dataset.virtual_sources()}):
            if "%" in name + inner:  # HDF5 counts files or arrays in its place
                _inside(file, name)
                continue
            source = follow(dataset.file if name == "." else open_file(_needed(file, name)), f"/{inner}")
            if not isinstance(source, h5py.Dataset):
                raise ScanError(f"It takes patterns from {inner} of {name}, which is missing there.")
            check_sources(source, steps + 1)


def file_beside(file: Path, name: str) -> Path | None:
    """Find a file that another names, in the folder of that one or below; None if it is missing.

    Raises
    ------
    ScanError
        If the name leads out of the folder, or to a pipe or a device.
    """
    places = _inside(file, name)
    found = next((place for place in places if place.exists()), None)
    if found is not None and not found.is_file():
        raise ScanError(f"{file.name} leads to {name}, which is no file but a folder, a pipe or a device.")
    return found


def _needed(file: Path, name: str) -> Path:
    found = file_beside(file, name)
    if found is None:
        raise ScanError(f"{file.name} keeps its patterns in {name}, which is missing beside it.")
    return found


def _inside(file: Path, name: str) -> list[Path]:
    """Give where a name may lie: in the folder that the file was opened in, or in that of the file it is a link to."""
    places = []
    for folder in dict.fromkeys((file.absolute().parent, file.resolve().parent)):
        place = Path(os.path.normpath(folder / name))
        if place.is_relative_to(folder) and ".." not in Path(name).parts and "\0" not in name:
            places.append(place)
    if not places:
        raise ScanError(
            f"{file.name} leads to {name}, outside its own folder, and is not followed there. Open that file itself, "
            "or bring both into one folder and let the name say so."
        )
    return places
