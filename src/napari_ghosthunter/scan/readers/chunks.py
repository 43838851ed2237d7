"""Whether the chunks that an HDF5 or Zarr array is packed in can be read: each of them is unpacked whole."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from napari_ghosthunter.errors import ScanError

CHUNK_BYTES = 256 * 2**20  # unpacked; a library may hold a chunk twice


def check_chunks(chunks: Sequence[int] | None, dtype: DTypeLike, file_bytes: int) -> None:
    """Refuse packed chunks that would take far more memory than their file: one pattern needs a whole one.

    Raises
    ------
    ScanError
        If a chunk is larger than `CHUNK_BYTES`, and than the file.
    """
    needed = math.prod(map(int, chunks or ())) * np.dtype(dtype).itemsize
    if needed > max(CHUNK_BYTES, file_bytes):
        raise ScanError(
            f"It is packed in chunks that take {needed / 1e9:.1f} GB each, in a file of {file_bytes / 1e9:.3f} GB: one "
            "pattern would need all of that. Write it anew with chunks of a few patterns."
        )


def check_stored(dataset: Any) -> None:
    """Refuse an array of HDF5 that was never written, which HDF5 would give as zeros, or whose chunks are too large.

    Raises
    ------
    ScanError
        If it is so.
    """
    if not (dataset.is_virtual or dataset.external or dataset.id.get_storage_size()):
        raise ScanError(f"{dataset.name} has the shape {dataset.shape}, but nothing was ever written to it.")
    if dataset.id.get_create_plist().get_nfilters():
        check_chunks(dataset.chunks, dataset.dtype, Path(dataset.file.filename).stat().st_size)
