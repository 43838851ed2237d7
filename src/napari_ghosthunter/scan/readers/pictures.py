"""Patterns kept as pictures: a .png file, and what holds for pictures of any kind.

Pillow decodes; what it would pass over in silence is refused here: colours, transparency, a depth that it cuts.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.boundary import reading

MOST_PIXELS = 64 * 2**20
FAINT = (
    "The patterns are pictures of 8 bits: disks fainter than 1/255 of the brightest are lost, and if each was scaled "
    "by itself, their brightness cannot be compared. The file of the microscope is the better one, where you have it."
)
GREY_IN_COLOUR = "The pictures are grey, but stored as colours; one of the three equal channels was taken."
_PNG = struct.Struct(">8s4x4sIIB")  # signature, first chunk, width, height, bits


def read_png(path: Path) -> NDArray[Any]:
    """Read the pattern in a .png file, shape (k_y, k_x), as it is stored.

    Raises
    ------
    ScanError
        If the picture has colours or is partly transparent, holds several pictures, or is damaged.
    """
    from PIL import Image

    with reading(path, "a .png picture", SyntaxError, Image.DecompressionBombError):
        bits = _checked_bits(path)
        with Image.open(path, formats=("PNG",)) as image:
            if getattr(image, "n_frames", 1) > 1:
                raise ScanError(f"{path.name} is a film of several pictures: save each as a file of its own.")
            mode = image.mode
            if bits == 16 and mode in ("RGB", "RGBA", "LA"):  # Pillow keeps 8 of them
                raise ScanError(f"{path.name} holds colours of 16 bits; save it as grey, or as .tif.")
            array = np.asarray(
                image.convert("RGBA" if "transparency" in image.info else "RGB") if mode == "P" else image
            )
    # Pillow has no type of its own for one bit, and before 11 none for 16
    stored = {"b": np.uint8, "i": np.uint16}.get(array.dtype.kind)
    return grey(array if stored is None else array.astype(stored), path)


def _checked_bits(path: Path) -> int:
    """Look at the header before Pillow does: a picture of a few bytes may state any size."""
    with path.open("rb") as stream:
        signature, chunk, width, height, bits = _PNG.unpack(stream.read(_PNG.size))
    if signature != b"\x89PNG\r\n\x1a\n" or chunk != b"IHDR":
        raise ValueError("it does not begin as one")
    if width * height > MOST_PIXELS:
        raise ScanError(f"{path.name} states a picture of {height} x {width} pixels, which no detector gives.")
    return int(bits)


def grey(array: NDArray[Any], path: Path) -> NDArray[Any]:
    """Give a picture (k_y, k_x) as it is, and one of equal channels (k_y, k_x, channels) as one of them.

    Raises
    ------
    ScanError
        If the channels differ, or it is partly transparent.
    """
    if array.ndim == 2:
        return array
    colours = array[..., :3] if array.shape[-1] > 2 else array[..., :1]
    clear = array[..., -1] if array.shape[-1] in (2, 4) else None
    if clear is not None and clear.min() < np.iinfo(clear.dtype).max:
        raise ScanError(f"{path.name} is partly transparent, so that its counts are not known; export it without.")
    if (colours != colours[..., :1]).any():
        raise ScanError(
            f"{path.name} is a picture in colours, as a screenshot is, not a pattern of counts: export the patterns as "
            "grey .tif or .png."
        )
    return np.ascontiguousarray(colours[..., 0])


def is_coloured(path: Path) -> bool:
    """Whether a .png file keeps its picture as colours, of which `read_png` takes only grey ones."""
    with path.open("rb") as stream:
        kind = stream.read(_PNG.size + 1)[-1:]
    return kind in (b"\2", b"\3", b"\6")
