"""How intensities become brightness: linear, square root or logarithm, without touching the data.

Patterns of 8 and 16 bits, which are most, go through a table of all values that they can have: ten times as fast as
the logarithm itself, which leaves time for a hover to stay under the hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Display = Literal["log", "sqrt", "linear"]
DISPLAYS: dict[Display, str] = {"log": "Logarithmic", "sqrt": "Square root", "linear": "Linear"}

# The direct beam may saturate: what one looks for is fainter. The share of pixels that does depends on the scale.
BRIGHT: dict[Display, float] = {"log": 0.9995, "sqrt": 0.998, "linear": 0.99}
DARK = 0.02
FLOOR_SHARE = 0.05  # of the mean intensity: below it the logarithm turns linear, as in the network's input

FloatImage = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Levels:
    """What the intensities of a scan are like, from a sample of its pixels.

    Attributes
    ----------
    sample
        Sorted intensities.
    floor
        Intensity below which the logarithm turns linear; at least one count where patterns are counts.
    """

    sample: NDArray[np.float64]
    floor: float

    @classmethod
    def of(cls, values: NDArray[Any], dtype: np.dtype[Any] | None = None) -> Levels:
        """Measure `values`; `dtype` is that of the scan, where `values` are means of its patterns."""
        kind = (dtype or values.dtype).kind
        flat = np.asarray(values, np.float64).ravel()
        finite = np.sort(flat[np.isfinite(flat)])
        if finite.size == 0:
            finite = np.zeros(1)
        floor = FLOOR_SHARE * float(np.clip(finite, 0, None).mean())
        return cls(finite, max(floor, 1.0) if kind in "uib" else floor or 1.0)

    def limits(self, display: Display, bright: float | None = None) -> tuple[float, float]:
        """Give the contrast limits in displayed units; `bright` is the share of pixels that do not saturate."""
        low, high = np.quantile(self.sample, (DARK, bright or BRIGHT[display]))
        if high <= low:  # a nearly empty pattern: a few counts in the dark
            low, high = self.sample[0], self.sample[-1]
        dark, bright = transform(np.array([low, high], np.float32), display, self.floor)
        return (float(dark), float(bright)) if bright > dark else (float(dark), float(dark) + 1.0)


def transform(values: NDArray[Any], display: Display, floor: float) -> FloatImage:
    """Scale intensities for display; NaN counts as zero, and so does what is negative on a curved scale."""
    with np.errstate(over="ignore"):
        out = np.array(values, np.float32)
    np.nan_to_num(out, copy=False)
    if display == "linear":
        return out
    np.maximum(out, 0, out=out)
    if display == "sqrt":
        return np.sqrt(out, out=out)
    out /= np.float32(floor)
    return np.log1p(out, out=out)


def displayed(pattern: NDArray[Any], display: Display, floor: float) -> FloatImage:
    """Give the displayed brightness of every pixel of `pattern`, in the shortest time that its type allows."""
    if pattern.dtype.kind not in "uib" or pattern.dtype.itemsize > 2:
        return transform(pattern, display, floor)
    if pattern.dtype.itemsize == 1:
        pattern = pattern.astype(np.int16)
    table = _table(display, floor, pattern.dtype.kind == "i")
    out = np.empty(pattern.shape, np.float32)
    return np.take(table, pattern.view(np.uint16), out=out, mode="clip")


@lru_cache(maxsize=8)
def _table(display: Display, floor: float, signed: bool) -> FloatImage:
    """Make the table of all 65,536 values, in the order of their bits."""
    bits = np.arange(2**16, dtype=np.uint16)
    return transform(bits.view(np.int16) if signed else bits, display, floor)
