"""Whether the chunks that an HDF5 or Zarr array is packed in can be read: each of them is unpacked whole."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from napari_ghosthunter.errors import ScanError

OWN_FILTERS = 32_000  # numbers of compression filters of HDF5 from here on come from hdf5plugin
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
    """Refuse an array of HDF5 that was never written, which HDF5 would give as zeros, or that cannot be unpacked.

    Raises
    ------
    ScanError
        If it is so, its chunks are too large, or a filter is missing that they are packed with.
    """
    if not (dataset.is_virtual or dataset.external or dataset.id.get_storage_size()):
        raise ScanError(f"{dataset.name} has the shape {dataset.shape}, but nothing was ever written to it.")
    settings = dataset.id.get_create_plist()
    if filters := [settings.get_filter(number) for number in range(settings.get_nfilters())]:
        check_chunks(dataset.chunks, dataset.dtype, Path(dataset.file.filename).stat().st_size)
        _check_filters([(code, name.decode("utf-8", "replace")) for code, _, _, name in filters])


def _check_filters(filters: Iterable[tuple[int, str]]) -> None:
    """Refuse what neither HDF5 nor hdf5plugin can unpack, by the numbers and names of the filters."""
    import h5py

    for code, name in filters:
        if code >= OWN_FILTERS:
            import hdf5plugin  # noqa: F401  (importing it is what makes the filters known)
        if not h5py.h5z.filter_avail(code):
            raise ScanError(
                f"It is packed with the HDF5 filter {code} ({name or 'without a name'}), which is not installed here; "
                "write it anew with gzip, or set HDF5_PLUGIN_PATH to the folder of that filter."
            )
