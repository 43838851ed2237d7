"""Bad pixels of a detector and the shadow of a beam stop: which they are, and what stands in for what they say."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.errors import ScanError

_AROUND = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1) if (y, x) != (0, 0)]

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class BadPixels:
    """The bad pixels of a detector.

    Attributes
    ----------
    mask
        True where a pixel is bad, shape (k_y, k_x).
    """

    mask: Mask
    _layers: tuple[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]], ...] = field(repr=False)

    @classmethod
    def of(cls, mask: ArrayLike, detector_shape: tuple[int, int]) -> BadPixels | None:
        """Check a mask, whose pixels are bad where it is not 0; None if none is.

        Raises
        ------
        ScanError
            If it does not fit the detector, or leaves no pixel.
        """
        values = np.asarray(mask)
        if values.shape != detector_shape:
            raise ScanError(
                f"The mask has the shape {values.shape}, but the patterns have {detector_shape} (k_y, k_x)."
            )
        bad = values != 0
        if bad.all():
            raise ScanError("The mask leaves no pixel: it must be 0 where a pixel is good.")
        return _of_bytes(np.packbits(bad).tobytes(), detector_shape) if bad.any() else None

    def __len__(self) -> int:
        """How many there are."""
        return int(np.count_nonzero(self.mask))

    def filled(self, patterns: NDArray[Any]) -> NDArray[Any]:
        """Put the mean of its neighbours in the place of each bad pixel, from the edge of a bad region inwards.

        Parameters
        ----------
        patterns
            Shape (..., k_y, k_x); it is copied.

        Returns
        -------
        NDArray
            Of the same shape and type; whole numbers are rounded.
        """
        flat = np.array(patterns, order="C").reshape(-1, self.mask.size)
        whole = flat.dtype.kind in "uib"
        for pixels, neighbours, weights in self._layers:
            with np.errstate(invalid="ignore", over="ignore"):  # NaN and infinities beside it are told where they count
                sums = np.einsum("npk,pk->np", flat[:, neighbours].astype(np.float64), weights)
                means = sums / weights.sum(axis=1)
            flat[:, pixels] = np.rint(means) if whole else means
        return flat.reshape(patterns.shape)


def read_mask(path: Path) -> NDArray[Any]:
    """Read a mask from a .npy or a .tif file.

    Raises
    ------
    ScanError
        If there is none that can be read.
    """
    if not path.is_file():
        raise ScanError(f"There is no mask {path}.")
    try:
        if path.suffix.lower() == ".npy":
            mask: NDArray[Any] = np.load(path, allow_pickle=False)
            return mask
        if path.suffix.lower() in {".tif", ".tiff"}:
            import tifffile

            return np.asarray(tifffile.imread(path))
    except (OSError, ValueError, EOFError, LookupError) as error:
        raise ScanError(f"The mask {path} cannot be read: {error}.") from error
    raise ScanError(f"A mask is a .npy or .tif file, not {path.name}.")


@lru_cache(maxsize=8)
def _of_bytes(packed: bytes, detector_shape: tuple[int, int]) -> BadPixels:
    """Plan the filling of a mask; opening, training and mapping a scan ask for the same one many times."""
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=detector_shape[0] * detector_shape[1])
    mask = bits.astype(np.bool_).reshape(detector_shape)
    mask.flags.writeable = False
    return BadPixels(mask, tuple(_layers(mask)))


def _layers(mask: Mask) -> list[tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]]:
    """List (pixels, their eight neighbours, the weights of these), each layer resting on those before it."""
    width = mask.shape[1]
    known, layers = np.pad(~mask, 1), []  # beyond the edge nothing is known
    left = np.argwhere(mask)
    while len(left):
        around = np.stack([left + step for step in _AROUND], axis=1)  # (p, 8, 2)
        sure = known[around[..., 0] + 1, around[..., 1] + 1]
        now = sure.any(axis=1)
        there, sure = around[now], sure[now]
        first = np.take_along_axis(there, sure.argmax(axis=1)[:, None, None], axis=1)
        there = np.where(sure[..., None], there, first)  # NaN in a pixel that has no say would still be heard
        pixels, left = left[now], left[~now]
        known[pixels[:, 0] + 1, pixels[:, 1] + 1] = True
        layers.append(
            (pixels[:, 0] * width + pixels[:, 1], there[..., 0] * width + there[..., 1], sure.astype(np.float64))
        )
    return layers
