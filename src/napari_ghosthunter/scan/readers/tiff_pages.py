"""Pages of a TIFF file: found and unpacked by tifffile, and by Pillow where they are packed with LZW.

tifffile needs the package imagecodecs for LZW, which many programs write; Pillow brings it along.
"""

from __future__ import annotations

import logging
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading
from napari_ghosthunter.scan.readers.pictures import MOST_PIXELS, grey

LZW = 5
MOST_BYTES = 2**62  # of a file


def open_tiff(path: Path) -> Any:
    """Open a TIFF file with tifffile, which is not let to follow it to other files, or for ever.

    Raises
    ------
    ValueError
        If it is none, or its pages lead in a circle.
    """
    import tifffile

    _check_chain(path)
    log = logging.getLogger("tifffile")
    if not log.handlers:  # what it says of each tag of a damaged file would go to the terminal
        log.addHandler(logging.NullHandler())
    return tifffile.TiffFile(path, _multifile=False)  # OME may name other files, anywhere


def _check_chain(path: Path) -> None:
    """Refuse a file whose pages lead in a circle, which tifffile would follow for ever."""
    with path.open("rb") as stream:
        order, version = stream.read(2), stream.read(2)
        endian = {b"II": "<", b"MM": ">"}.get(order, "=")
        if version not in (struct.pack(f"{endian}H", 42), struct.pack(f"{endian}H", 43)):
            raise ValueError("it does not begin as one")
        large = version == struct.pack(f"{endian}H", 43)
        count, entry, link = (f"{endian}Q", 20, f"{endian}Q") if large else (f"{endian}H", 12, f"{endian}I")
        place, seen = (8 if large else 4), set[int]()
        while True:
            stream.seek(place)
            found = stream.read(struct.calcsize(link))
            if len(found) < struct.calcsize(link) or not (page := struct.unpack(link, found)[0]):
                return
            if page in seen:
                raise ValueError("its pages lead in a circle")
            seen.add(page)
            stream.seek(min(page, MOST_BYTES))
            found = stream.read(struct.calcsize(count))
            if len(found) < struct.calcsize(count):
                return
            place = min(page + struct.calcsize(count) + struct.unpack(count, found)[0] * entry, MOST_BYTES)


class Pages:
    """Unpacks the pages of a file, one at a time.

    Parameters
    ----------
    path, pages
        The file, and its pages as tifffile found them.
    """

    def __init__(self, path: Path, pages: Any) -> None:
        self._path, self._pages = path, pages
        self._image: Any = None  # Pillow's, for LZW

    def read(self, number: int) -> NDArray[Any]:
        """Unpack a page, shape (k_y, k_x).

        Raises
        ------
        ScanError
            If it is packed in a way that is not known, in colours or damaged.
        """
        with reading(self._path, "a TIFF file", SyntaxError):
            page = self._pages[number]
            self._check(page)
            try:
                array = np.asarray(page.asarray())
            except (KeyError, ValueError, RuntimeError) as error:
                if "imagecodecs" not in str(error):
                    raise
                array = self._by_pillow(page)
        return grey(array, self._path)

    def close(self) -> None:
        """Close what Pillow opened."""
        if self._image is not None:
            self._image.close()

    def _check(self, page: Any) -> None:
        """Refuse a page of which tifffile would give as zeros what is missing."""
        size = self._path.stat().st_size
        parts = list(zip(page.dataoffsets, page.databytecounts, strict=True))
        if not parts or any(count < 1 or offset + count > size for offset, count in parts):
            raise ValueError("a page of it lies beyond its end")
        height, width = page.keyframe.imagelength, page.keyframe.imagewidth
        if height * width > MOST_PIXELS:
            raise ScanError(
                f"{self._path.name} states a picture of {height} x {width} pixels, which no detector gives."
            )

    def _by_pillow(self, page: Any) -> NDArray[Any]:
        from PIL import Image

        known = getattr(page.compression, "name", page.compression)
        if page.compression == LZW:
            if self._image is None:
                self._image = Image.open(self._path, formats=("TIFF",))
            self._image.seek(page.index)
            array = np.asarray(self._image)
            if array.shape == page.keyframe.shape and array.dtype == page.keyframe.dtype:
                return array
        raise ScanError(
            f"{self._path.name} is packed with {known} ({page.keyframe.bitspersample} bits), which needs the package "
            "imagecodecs: pip install imagecodecs, or save it without compression."
        )
