"""Which disk of a mean pattern is the direct beam: in a thick or tilted crystal it is not the brightest one.

Bragg disks form a lattice, and the direct beam is one of its points. Three witnesses tell which. Scattering is about as
strong on one side of the beam as on the other, for disks (Friedel's law, as far as it holds in the mean over a scan)
and for the diffuse background between them; most of it lies around the beam; and the beam is seldom faint. None of
them is sure by itself: tilt moves the disks to one side, and the background may be weak. So they are added up for
every point of the lattice, with weights that were settled on simulated mean patterns (tests/scan/beam_family.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LARGEST = 128  # pixels a side that the witnesses are heard at; larger patterns are binned
SMOOTH = 1.0  # pixels, against counting noise
CELLS = 9  # lattice points on either side of the brightest disk that are tried
FEWEST = 4  # disks that must be seen on the lattice
EDGE = 0.12  # of the detector at each side: the beam does not lie there
LEAST_OVERLAP = 0.3  # of the detector that must have a counterpart beyond the point
SYMMETRY, BRIGHTNESS, DISTANCE = 3.5, 0.8, 3.0  # weights of the witnesses
FAINT = -2.5  # logarithm of the brightness, relative to the brightest disk, below which less tells no more
ASYMMETRY = 0.15  # by which another place may be more of a centre, where no lattice is seen
SURE = 0.85  # probability from which on a point is the beam

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Lattice:
    """Two shortest vectors (y, x) between disks, in pixels."""

    first: FloatArray
    second: FloatArray

    @property
    def spacing(self) -> float:
        """Length of the shorter one."""
        return float(min(np.hypot(*self.first), np.hypot(*self.second)))


@dataclass(frozen=True)
class Verdict:
    """Where the direct beam is most likely, in detector pixels, with its probability among all points tried."""

    k_y: float
    k_x: float
    probability: float
    spacing: float

    @property
    def sure(self) -> bool:
        """Whether the witnesses agree."""
        return self.probability >= SURE


def hear(pattern: FloatArray, place: tuple[float, float], radius: float) -> Verdict:
    """Ask which point of the lattice through a disk is the direct beam.

    Where the pattern shows no lattice it is the disk itself, unless the pattern is more symmetric about another place.

    Parameters
    ----------
    pattern
        Mean pattern (k_y, k_x) without hot pixels, not negative.
    place, radius
        Centre and radius of one of the disks, in pixels.

    Returns
    -------
    Verdict
        The likeliest point, and whether that is sure.
    """
    from scipy.ndimage import gaussian_filter

    factor = max(1, -(-max(pattern.shape) // LARGEST))
    binned = gaussian_filter(_binned(pattern, factor), SMOOTH)
    logs = _logarithm(binned)
    start = (np.array(place) - (factor - 1) / 2) / factor
    lattice = find_lattice(logs, max(1.6 * radius / factor, 4.0))
    points = np.empty((0, 2)) if lattice is None else _points(start, lattice, logs.shape)
    reach = 1 if lattice is None else max(1, round(0.2 * lattice.spacing))
    if lattice is None or len(points) == 0 or _count_seen(binned, points, reach) < FEWEST:
        alone = _is_alone(binned, start, 1.5 * radius / factor) or _is_middle(logs, start, radius / factor)
        return Verdict(*place, float(alone), 4 * radius)
    score = SYMMETRY * (_symmetry(logs, points, reach) + _symmetry(_background(logs, lattice.spacing), points, reach))
    score += BRIGHTNESS * np.maximum(_brightness(binned, points, reach), FAINT)
    score -= DISTANCE * np.hypot(*(points - _middle_of(binned)).T) / lattice.spacing
    odds = np.exp(score - score.max())
    best = int(odds.argmax())
    k_y, k_x = points[best] * factor + (factor - 1) / 2
    return Verdict(float(k_y), float(k_x), float(odds[best] / odds.sum()), lattice.spacing * factor)


def find_lattice(logs: FloatArray, least: float) -> Lattice | None:
    """Find the lattice of a logarithmic pattern from its autocorrelation; None unless two vectors stand out.

    The correlation counts only where the pattern overlaps with itself, so that it does not fall off with distance
    (Padfield 2012, masked normalised cross-correlation).
    """
    from scipy.ndimage import gaussian_filter, maximum_filter

    flat = logs - gaussian_filter(logs, max(logs.shape) / 10)
    match = gaussian_filter(_correlation(flat, flat[::-1, ::-1], 0.2), 0.7)
    peaks = np.argwhere((maximum_filter(match, 5) == match) & (match > 0.1))
    vectors = peaks - (np.array(logs.shape) - 1)
    lengths, heights = np.hypot(*vectors.T), match[tuple(peaks.T)]
    possible = (lengths > least) & (lengths < 0.6 * max(logs.shape))
    if np.count_nonzero(possible) < 4:
        return None
    vectors, lengths, heights = vectors[possible], lengths[possible], heights[possible]
    order = np.argsort(lengths)
    strong = [vectors[index].astype(np.float64) for index in order if heights[index] >= 0.6 * heights.max()]
    first = strong[0]
    for second in strong[1:]:
        if abs(first[0] * second[1] - first[1] * second[0]) > 0.5 * np.hypot(*first) * np.hypot(*second):
            return Lattice(first, second)
    return None


def _binned(pattern: FloatArray, factor: int) -> FloatArray:
    if factor == 1:
        return pattern
    height, width = (length // factor for length in pattern.shape)
    whole = pattern[: height * factor, : width * factor]
    binned: FloatArray = whole.reshape(height, factor, width, factor).mean(axis=(1, 3))
    return binned


def _logarithm(pattern: FloatArray) -> FloatArray:
    """Give the logarithm, in which no disk outweighs all others, without the ends of its range."""
    lit = pattern[pattern > 0]
    floor = float(np.percentile(lit, 5)) if lit.size else 1.0
    logs = np.log(pattern + max(floor, float(np.finfo(np.float32).tiny)))
    clipped: FloatArray = np.clip(logs, *np.percentile(logs, (2, 99.8)))
    return clipped


def _points(start: FloatArray, lattice: Lattice, shape: tuple[int, ...]) -> FloatArray:
    """List the lattice points (n, [y, x]) that lie well inside the detector."""
    steps = np.arange(-CELLS, CELLS + 1)
    first, second = (part.reshape(-1, 1) for part in np.meshgrid(steps, steps))
    points = start + first * lattice.first + second * lattice.second
    size = np.array(shape)
    inside: FloatArray = points[((points > EDGE * size) & (points < (1 - EDGE) * size)).all(axis=1)]
    return inside


def _is_alone(pattern: FloatArray, place: FloatArray, reach: float) -> bool:
    """Whether what stands out of a pattern lies around one place."""
    y, x = np.ogrid[: pattern.shape[0], : pattern.shape[1]]
    seen = np.where(pattern > _visible(pattern), pattern, 0)
    return bool(seen[np.hypot(y - place[0], x - place[1]) <= reach].sum() >= 0.8 * seen.sum())


def _is_middle(logs: FloatArray, place: FloatArray, radius: float) -> bool:
    """Whether a pattern is about as symmetric about a place as about any other."""
    alike = _correlation(logs, logs, LEAST_OVERLAP) * _overlap(logs.shape)
    here = _symmetry(logs, place[np.newaxis], max(1, round(radius / 2)))[0]
    return bool(alike.max() - here < ASYMMETRY)


def _symmetry(logs: FloatArray, points: FloatArray, reach: int) -> FloatArray:
    """Tell how alike a pattern and its inversion through each point are, -1 to 1, times the share that is compared."""
    alike = _correlation(logs, logs, LEAST_OVERLAP) * _overlap(logs.shape)
    found = []
    for y, x in np.rint(2 * points).astype(int):
        around = alike[max(0, y - 2 * reach) : y + 2 * reach + 1, max(0, x - 2 * reach) : x + 2 * reach + 1]
        found.append(around.max())
    return np.array(found)


def _correlation(one: FloatArray, other: FloatArray, least: float) -> FloatArray:
    """Correlate one pattern with the inversion of another for all shifts; 0 where less than a share overlaps."""
    from scipy.signal import fftconvolve

    ones = np.ones_like(one)
    count = np.maximum(np.rint(fftconvolve(ones, ones)), 1)
    sum_one, sum_other = fftconvolve(one, ones), fftconvolve(ones, other)
    covariance = fftconvolve(one, other) - sum_one * sum_other / count
    spread_one = fftconvolve(one**2, ones) - sum_one**2 / count
    spread_other = fftconvolve(ones, other**2) - sum_other**2 / count
    spread = np.sqrt(np.maximum(spread_one * spread_other, 0))
    found: FloatArray = np.where(
        count >= least * one.size, covariance / np.maximum(spread, 1e-6 * spread.max() + 1e-300), 0.0
    )
    return found


def _overlap(shape: tuple[int, ...]) -> FloatArray:
    sides = [np.convolve(np.ones(length), np.ones(length)) / length for length in shape]
    return np.outer(*sides)


def _background(logs: FloatArray, spacing: float) -> FloatArray:
    """Give what lies between the disks: a low percentile of a window as large as a cell, at half the resolution."""
    from scipy.ndimage import percentile_filter, zoom

    half = _binned(logs, 2)
    low = percentile_filter(half, 20, size=max(3, int(spacing / 2) | 1))
    enlarged: FloatArray = zoom(low, np.array(logs.shape) / low.shape, order=1)
    return enlarged


def _brightness(pattern: FloatArray, points: FloatArray, reach: int) -> FloatArray:
    """Give the logarithm of the brightness at each point, relative to the brightest place."""
    brightest = float(pattern.max())
    logs: FloatArray = np.log(np.maximum(_peaks(pattern, points, reach), 1e-12 * brightest) / brightest)
    return logs


def _count_seen(pattern: FloatArray, points: FloatArray, reach: int) -> int:
    """Count the points at which a disk is seen: the autocorrelation of a single one and noise has peaks, too."""
    return int(np.count_nonzero(_peaks(pattern, points, reach) > _visible(pattern)))


def _visible(pattern: FloatArray) -> float:
    """Say from which intensity on something stands out of the noise."""
    middle = float(np.median(pattern))
    return middle + 6 * 1.4826 * float(np.median(np.abs(pattern - middle)))


def _peaks(pattern: FloatArray, points: FloatArray, reach: int) -> FloatArray:
    from scipy.ndimage import maximum_filter

    places: Any = tuple(np.rint(points).astype(int).T)
    found: FloatArray = maximum_filter(pattern, 2 * reach + 1)[places]
    return found


def _middle_of(pattern: FloatArray) -> FloatArray:
    """Give the centre of mass of the square root of a pattern above its background, in which faint disks count too."""
    roots = np.sqrt(np.maximum(pattern - np.percentile(pattern, 20), 0))
    y, x = np.ogrid[: pattern.shape[0], : pattern.shape[1]]
    middle: FloatArray = np.array([(roots * y).sum(), (roots * x).sum()]) / max(float(roots.sum()), 1e-300)
    return middle
