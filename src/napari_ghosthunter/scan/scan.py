"""Scan: a lazy 4D-STEM cube with axis order (scan_y, scan_x, k_y, k_x), calibration and provenance."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.errors import NotAnArrayError, ScanError, ScanIndexError
from napari_ghosthunter.scan.bad_pixels import BadPixels
from napari_ghosthunter.scan.boundary import LIBRARY_ERRORS, reading
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.indexing import refuse_index
from napari_ghosthunter.scan.native import native
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.presence import present

if TYPE_CHECKING:
    from py4DSTEM import DataCube

BLOCK_BYTES = 32 * 2**20  # what one streamed block of rows may hold


class LazyArray(Protocol):
    """What a scan needs of its array: numpy arrays and memmaps, HDF5 and Zarr datasets and dask arrays have it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Length of each axis."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the elements."""

    def __getitem__(self, key: Any, /) -> Any:
        """Read a part of it."""


@dataclass(frozen=True)
class Provenance:
    """Where a scan comes from: enough to open it again, in this process or in another."""

    path: Path | None = None
    reader: str = "memory"
    dataset: str | None = None
    options: ScanOptions = field(default_factory=ScanOptions)  # what the user said of how to open it
    notes: tuple[str, ...] = ()  # what the reader wants a user to know ('the file holds one frame more than the scan')


@dataclass(frozen=True, eq=False)
class Scan:
    """One 4D-STEM scan.

    A scan equals itself alone, as nothing reads two of them whole to compare them; `fingerprint.fingerprint` knows the
    same patterns again. It is no array: numpy gets parts of it by `block`, `rows` and `pattern`, or all of it by
    `data`.

    Attributes
    ----------
    data
        Array of shape (scan_y, scan_x, k_y, k_x), lazy where it came from a file: nothing here reads it whole.
        Integer, unsigned or floating point, of any byte order.
    calibration
        Pixel sizes and units.
    provenance
        Path, reader and notes.
    beam
        (k_y, k_x) of the direct beam in detector pixels, where the user says it; None to measure it.
    bad_pixels
        Pixels of the detector that are left out of virtual images, and filled from their neighbours in patterns.

    Raises
    ------
    ScanError
        If `data` is not four-dimensional, is empty, or is not numeric, or `beam` lies beside the detector.
    """

    data: LazyArray
    calibration: Calibration = field(default_factory=Calibration)
    provenance: Provenance = field(default_factory=Provenance)
    beam: tuple[float, float] | None = None
    bad_pixels: BadPixels | None = None

    def __post_init__(self) -> None:
        shape, kind = tuple(self.data.shape), np.dtype(self.data.dtype).kind
        if len(shape) != 4:
            raise ScanError(f"A scan has four axes (scan_y, scan_x, k_y, k_x), but this array has the shape {shape}.")
        if 0 in shape:
            raise ScanError(f"The scan is empty: its shape is {shape}.")
        if kind not in "uifb":
            raise ScanError(f"Patterns must be integer or floating point numbers, not {self.data.dtype}.")
        if self.beam is not None:
            object.__setattr__(self, "beam", _on_detector(self.beam, self.detector_shape))

    def __repr__(self) -> str:
        """Say what it is, without a look at the patterns."""
        scan_y, scan_x, k_y, k_x = self.shape
        return f"Scan({self.name!r}: {scan_y} x {scan_x} probe positions, {k_y} x {k_x} detector pixels, {self.dtype})"

    def __array__(self, *_: object, **__: object) -> NDArray[Any]:
        """Refuse to become an array, which numpy would make an object of no axes."""
        raise NotAnArrayError(
            "A scan is no array; read a part of it with scan.block, scan.rows or scan.pattern, or take the whole array "
            "as it is stored, scan.data."
        )

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(scan_y, scan_x, k_y, k_x)."""
        scan_y, scan_x, k_y, k_x = self.data.shape
        return int(scan_y), int(scan_x), int(k_y), int(k_x)

    @property
    def scan_shape(self) -> tuple[int, int]:
        """(scan_y, scan_x), in probe positions."""
        return self.shape[:2]

    @property
    def detector_shape(self) -> tuple[int, int]:
        """(k_y, k_x), in detector pixels."""
        return self.shape[2:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the stored intensities."""
        return np.dtype(self.data.dtype)

    @property
    def size_bytes(self) -> int:
        """Bytes of the whole cube, as stored in memory."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    @property
    def name(self) -> str:
        """File name without its ending, or 'scan' for one made in memory."""
        return self.provenance.path.stem if self.provenance.path else "scan"

    def read(self, key: Any) -> NDArray[Any]:
        """Read a part of the data as it is stored, bad pixels too; whatever reads patterns does it through this.

        Raises
        ------
        ScanIndexError
            If there is no such part.
        ScanError
            If the file was cut short since it was opened, or holds there what cannot be read.
        """
        path = self.provenance.path
        data = _of(path, self.data)
        stored = not isinstance(data, np.ndarray)
        try:
            return np.asarray(data[key])
        except LIBRARY_ERRORS as error:
            refuse_index(key, self.shape, error, stored=stored)
            if not stored or path is None:
                raise
            with reading(path, "patterns"):
                raise

    def pattern(self, scan_y: int, scan_x: int) -> NDArray[Any]:
        """Read the diffraction pattern at one probe position, shape (k_y, k_x).

        Raises
        ------
        ScanIndexError
            If the position lies outside the scan.
        """
        if not (0 <= scan_y < self.shape[0] and 0 <= scan_x < self.shape[1]):
            raise ScanIndexError(f"Position ({scan_y}, {scan_x}) lies outside the scan of {self.scan_shape}.")
        return self._mended(native(self.read((scan_y, scan_x))))

    def patterns(self, positions: Sequence[tuple[int, int]]) -> NDArray[Any]:
        """Read the patterns at (scan_y, scan_x) positions, shape (len(positions), k_y, k_x)."""
        out = np.empty((len(positions), *self.detector_shape), self.dtype.newbyteorder("="))
        for index, (scan_y, scan_x) in enumerate(positions):
            out[index] = self.pattern(scan_y, scan_x)
        return out

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """Read the scan rows start..stop, shape (stop - start, scan_x, k_y, k_x)."""
        return self.block(slice(start, stop), slice(None))

    def block(self, scan_y: slice, scan_x: slice) -> NDArray[Any]:
        """Read a rectangle of probe positions, shape (positions along y, along x, k_y, k_x)."""
        return self._mended(native(self.read((scan_y, scan_x))))

    def _mended(self, patterns: NDArray[Any]) -> NDArray[Any]:
        return patterns if self.bad_pixels is None else self.bad_pixels.filled(patterns)

    def row_blocks(
        self, block_bytes: int = BLOCK_BYTES, start: int = 0, stop: int | None = None
    ) -> Iterator[tuple[int, int]]:
        """Split the rows start..stop (all of them) into blocks of whole rows, of about `block_bytes` each."""
        row_bytes = self.size_bytes // self.shape[0]
        step = max(1, block_bytes // max(1, row_bytes))
        end = self.shape[0] if stop is None else stop
        for first in range(start, end, step):
            yield first, min(first + step, end)

    def with_calibration(self, calibration: Calibration) -> Scan:
        """Give the same data another calibration."""
        return replace(self, calibration=calibration)

    def with_beam(self, beam: tuple[float, float] | None) -> Scan:
        """Say where the direct beam of the same data is, (k_y, k_x) in detector pixels; None to measure it again.

        Raises
        ------
        ScanError
            If it lies beside the detector.
        """
        scan = replace(self, beam=beam)
        options = scan.provenance.options.updated(beam=scan.beam)  # it is opened so again, too
        return replace(scan, provenance=replace(scan.provenance, options=options))

    def with_mask(self, mask: ArrayLike | None) -> Scan:
        """Give the same data with a mask of bad pixels, shape (k_y, k_x), not 0 where bad; None for none.

        Raises
        ------
        ScanError
            If it does not fit the detector, or leaves no pixel.
        """
        return replace(self, bad_pixels=None if mask is None else BadPixels.of(mask, self.detector_shape))

    @classmethod
    def from_datacube(cls, cube: DataCube) -> Scan:
        """Wrap a py4DSTEM DataCube; its array is shared, not copied."""
        from napari_ghosthunter.scan.datacube import calibration_in

        return cls(cube.data, calibration_in(cube), Provenance(reader="py4DSTEM"))

    def to_datacube(self) -> DataCube:
        """Give a py4DSTEM DataCube over the same array, with the calibration; an array on disk stays there."""
        from napari_ghosthunter.scan.datacube import datacube_of

        return datacube_of(self.data, self.calibration, self.name)


def _on_detector(beam: Sequence[float], detector_shape: tuple[int, int]) -> tuple[float, float]:
    """Give a stated beam as two numbers; its place may be anywhere on the pixels, to their outer edges."""
    try:
        k_y, k_x = (float(place) for place in beam)
    except (TypeError, ValueError):
        raise ScanError(f"The direct beam is two numbers (k_y, k_x) in detector pixels, not {beam!r}.") from None
    height, width = detector_shape
    if not (-0.5 <= k_y <= height - 0.5 and -0.5 <= k_x <= width - 0.5):
        raise ScanError(
            f"The direct beam cannot be at ({k_y:g}, {k_x:g}): the detector has {height} x {width} pixels (k_y, k_x), "
            "counted from 0. State a place on it, or leave it out to measure the beam."
        )
    return k_y, k_x


def _of(path: Path | None, data: LazyArray) -> LazyArray:
    try:
        return present(data)
    except ScanError as error:
        raise ScanError(f"{path.name}: {error}" if path else str(error)) from None


def zero_nonfinite(block: NDArray[Any]) -> tuple[NDArray[Any], int]:
    """Replace NaN and infinities by zero and count them; an integer block is returned as it is."""
    if block.dtype.kind != "f":
        return block, 0
    finite = np.isfinite(block)
    bad = block.size - int(np.count_nonzero(finite))
    return (np.where(finite, block, 0), bad) if bad else (block, 0)


def nonfinite_note(count: int) -> str:
    """Say how many pixels of the patterns read were not numbers; nothing if there were none."""
    if not count:
        return ""
    pixels = f"{count} detector pixel{'s' if count > 1 else ''}"
    return f"{pixels} of the patterns read held NaN or infinity; they were treated as zero."


def warn_of_nonfinite(count: int) -> None:
    """Warn once, after a pass over the scan, of pixels that were not numbers; see `nonfinite_note`."""
    if count:
        warnings.warn(nonfinite_note(count), UserWarning, stacklevel=3)
