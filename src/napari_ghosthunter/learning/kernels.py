"""What takes the time of a map on a CPU, as loops over single patterns that stay in the caches of one core.

Each kernel does what the torch arithmetic of the function that calls it does, which is what a GPU runs (`reducing`,
`scaling`, `alignment`), in a fifth of its time: one call for a batch instead of twenty, and no tensor in between that
goes through memory. Arrays are contiguous; what comes out is written to the last argument.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_ghosthunter.compiled import compiled

FloatArray = NDArray[np.float32]
ZERO = np.float32(0)
ROWS_AT_ONCE = 16  # whose windows are summed while they are in the nearest cache
ROUNDING, SMALLEST_SPREAD = 1e-5, 1e-6  # what a flat pattern may seem to vary by: a share of its mean, and at least


def serve(device: torch.device) -> bool:
    """Whether kernels are what computes on a device; elsewhere it is torch."""
    return device.type == "cpu"


@compiled
def reduce(
    raw: NDArray[Any],
    edges_y: NDArray[np.int64],
    edges_x: NDArray[np.int64],
    clean: bool,
    hot: np.float32,
    brightest: int,
    out: FloatArray,
) -> int:
    """Average patterns (n, k_y, k_x) in bins, (n, S, S), and clip hot pixels.

    Parameters
    ----------
    raw
        The patterns, of any type that numba knows.
    edges_y, edges_x
        (2, S) first pixel of each bin, and the one after its last.
    clean
        Whether NaN, infinities and what is negative count as zero.
    hot
        By how much a hot pixel outshines its neighbours, see `reducing.clip_hot`; 0 clips none.
    brightest
        How many of every seventh pixel are among the brightest, which alone may be hot.
    out
        (n, S, S).

    Returns
    -------
    int
        How many pixels were NaN or infinite, if `clean`.
    """
    size = out.shape[1]
    binned, ranked = np.empty((size, size), np.float32), np.empty(brightest, np.float32)
    left, right = edges_x[0, 0], edges_x[1, -1]
    line, spare = np.empty(right - left, np.float32), np.empty(right - left, np.float32)
    even = len(line) // size if len(line) % size == 0 else 0  # pixels in each bin, where all have as many
    bad = 0
    for i in range(len(raw)):
        target, counted = binned if hot else out[i], edges_y[0, 0]  # rows, of which one may be in several bins
        for y in range(size):
            line[:] = 0
            for k_y in range(edges_y[0, y], edges_y[1, y]):
                if clean:
                    found = _add_clean(line, raw[i, k_y, left:right])
                    bad += found if k_y >= counted else 0
                    counted = max(counted, k_y + 1)
                else:
                    _add(line, raw[i, k_y, left:right])
            rows = edges_y[1, y] - edges_y[0, y]
            if even:
                _bin_evenly(line, spare, even, rows, target[y])
            else:
                _bin_line(line, edges_x, rows, target[y])
        if hot:
            _clip_hot(binned, hot, _least_of_brightest(binned, ranked), out[i])
    return bad


@compiled
def standardize(patterns: FloatArray, out: FloatArray) -> None:
    """Bring each pattern of (n, S, S) to mean 0 and standard deviation 1, see `scaling.standardized`."""
    size = patterns.shape[1]
    columns = np.empty(size, np.float64)
    for i in range(len(patterns)):
        columns[:] = 0
        for y in range(size):
            for x in range(size):
                columns[x] += patterns[i, y, x]
        mean = columns.sum() / size**2
        columns[:] = 0
        for y in range(size):
            for x in range(size):
                centred = patterns[i, y, x] - mean
                columns[x] += centred * centred
        spread = max(np.sqrt(columns.sum() / size**2), abs(mean) * ROUNDING, SMALLEST_SPREAD)
        middle, unit = np.float32(mean), np.float32(1 / spread)
        for y in range(size):
            for x in range(size):
                out[i, y, x] = (patterns[i, y, x] - middle) * unit


@compiled
def local_contrast(patterns: FloatArray, share: FloatArray, side: int, floor: np.float32, out: FloatArray) -> None:
    """Compare each pixel of (n, S, S) with the window of `side` (odd) around it, see `scaling.local_contrast`.

    `share` (S, S) is what share of its window one pixel is.
    """
    size, half = patterns.shape[1], side // 2
    squares, sums = np.empty((size, size), np.float32), np.empty((size, size), np.float32)
    line = np.zeros(half + size * (size + half), np.float32)
    for i in range(len(patterns)):
        _sum_windows(patterns[i], side, line, sums)
        for y in range(size):
            for x in range(size):
                value = patterns[i, y, x] - sums[y, x] * share[y, x]
                out[i, y, x] = value
                squares[y, x] = value * value
        _sum_windows(squares, side, line, sums)
        for y in range(size):
            for x in range(size):
                # running sums of a window where nothing happens may end a rounding below zero
                out[i, y, x] /= np.sqrt(max(sums[y, x] * share[y, x], ZERO)) + floor


@compiled
def shift(patterns: FloatArray, by: FloatArray, out: FloatArray) -> None:
    """Take from (n, S, S) the pixels `by` (n, [y, x]) further on, bilinearly; the edge is repeated."""
    size = patterns.shape[1]
    line = np.empty(3 * size + 1, np.float32)  # a row, with its ends repeated on either side
    for i in range(len(patterns)):
        whole_y, whole_x = np.floor(by[i, 0]), np.floor(by[i, 1])
        part_y, part_x = by[i, 0] - whole_y, by[i, 1] - whole_x
        down = int(min(max(whole_y, -size), size))
        right = int(min(max(whole_x, -size), size))
        for y in range(size):
            above = patterns[i, min(max(y + down, 0), size - 1)]
            below = patterns[i, min(max(y + down + 1, 0), size - 1)]
            _mix(above, below, part_y, line[size : 2 * size])
            line[:size], line[2 * size :] = line[size], line[2 * size - 1]
            left = size + right
            _mix(line[left : left + size], line[left + 1 : left + 1 + size], part_x, out[i, y])


@compiled
def find_summits(match: FloatArray, far: int, out: FloatArray) -> None:
    """Find where correlations (n, R, R), which begin again at their edges, are highest within `far` of no shift.

    To a fraction of a pixel, by a parabola along either axis, as (n, [y, x]); zero where the highest place does not
    rise above all beside it, one of which may be a step farther, or above zero.
    """
    for i in range(len(match)):
        found = match[i]
        best, best_y, best_x = found[-far, -far], -far, -far
        for y in range(-far, far + 1):
            for x in range(-far, far + 1):
                if found[y, x] > best:
                    best, best_y, best_x = found[y, x], y, x
        above, below = found[best_y - 1, best_x], found[best_y + 1, best_x]
        left, right = found[best_y, best_x - 1], found[best_y, best_x + 1]
        if best > ZERO and best >= above and best >= below and best >= left and best >= right:
            out[i, 0] = best_y + _summit(above, best, below)
            out[i, 1] = best_x + _summit(left, best, right)
        else:
            out[i] = 0


@compiled
def _summit(before: np.float32, peak: np.float32, after: np.float32) -> Any:
    """How far from the middle one of three values the parabola through them is highest."""
    bend = 2 * peak - before - after
    return min(max((after - before) / (2 * bend), -0.5), 0.5) if bend > ZERO else 0.0


# ---- loops over a line, which the compiler turns into vector instructions: all indices begin at 0 ----


@compiled
def _add(total: FloatArray, row: NDArray[Any]) -> None:
    for x in range(len(total)):
        total[x] += np.float32(row[x])


@compiled
def _add_clean(total: FloatArray, row: NDArray[Any]) -> int:
    bad = 0
    for x in range(len(total)):
        value = np.float32(row[x])
        finite = value - value == ZERO
        bad += not finite
        total[x] += value if finite and value > ZERO else ZERO
    return bad


@compiled
def _bin_evenly(line: FloatArray, spare: FloatArray, even: int, rows: int, out: FloatArray) -> None:
    """Average `even` neighbours each of a line of sums over rows; as long as their number is even, by pairs."""
    count, length = np.float32(rows * even), len(line)
    while even % 2 == 0:
        length //= 2
        for x in range(length):
            spare[x] = line[2 * x] + line[2 * x + 1]
        line, spare = spare, line
        even //= 2
    if even == 1:
        for x in range(len(out)):
            out[x] = line[x] / count
        return
    for x in range(len(out)):
        total = line[x * even]
        for k_x in range(1, even):
            total += line[x * even + k_x]
        out[x] = total / count


@compiled
def _bin_line(line: FloatArray, edges: NDArray[np.int64], rows: int, out: FloatArray) -> None:
    """Average the neighbours in each bin, which are not everywhere as many."""
    first = edges[0, 0]
    for x in range(len(out)):
        start, stop = edges[0, x] - first, edges[1, x] - first
        total = line[start]
        for k_x in range(start + 1, stop):
            total += line[k_x]
        out[x] = total / np.float32(rows * (stop - start))


@compiled
def _least_of_brightest(pattern: FloatArray, ranked: FloatArray) -> Any:
    """Give the least of the brightest of every seventh pixel of (S, S); `ranked` has room for them, in rising order."""
    ranked[:] = -np.inf
    pixels = pattern.reshape(-1)
    for place in range(0, len(pixels), 7):
        value = pixels[place]
        if value > ranked[0]:
            rank = 0
            while rank + 1 < len(ranked) and value > ranked[rank + 1]:
                ranked[rank] = ranked[rank + 1]
                rank += 1
            ranked[rank] = value
    return ranked[0]


@compiled
def _clip_hot(pattern: FloatArray, hot: np.float32, limit: np.float32, out: FloatArray) -> None:
    """Bring each pixel of (S, S) that outshines its neighbours `hot` times, and `limit`, down to the brightest of them.

    No pixel is negative.
    """
    size = len(pattern)
    beyond = np.zeros(size, np.float32)  # the edge
    sides = np.zeros(size + 2, np.float32)  # the brighter one of those above and below, with the edges left and right
    columns = np.zeros(size + 2, np.float32)  # the same with the pixel between them
    for y in range(size):
        above = pattern[y - 1] if y > 0 else beyond
        below = pattern[y + 1] if y + 1 < size else beyond
        for x in range(size):
            side = above[x] if above[x] > below[x] else below[x]
            sides[x + 1] = side
            columns[x + 1] = side if side > pattern[y, x] else pattern[y, x]
        for x in range(size):
            brightest = columns[x] if columns[x] > columns[x + 2] else columns[x + 2]
            brightest = brightest if brightest > sides[x + 1] else sides[x + 1]
            least = brightest * hot
            least = least if least > limit else limit
            out[y, x] = brightest if pattern[y, x] > least else pattern[y, x]


@compiled
def _sum_windows(pattern: FloatArray, side: int, line: FloatArray, sums: FloatArray) -> None:
    """Sum over the window of `side` around each pixel of (S, S), cut off at the edges.

    Down the columns, and then along the rows. These stand in one long `line`, in which half a window of zeros parts
    one from the next, so that no window reaches into both.
    """
    size, half = len(pattern), side // 2
    _sum_columns(pattern, half, line)
    for top in range(0, size, ROWS_AT_ONCE):
        bottom = min(top + ROWS_AT_ONCE, size)
        _sum_rows(line[top * (size + half) : half + bottom * (size + half)], side, sums[top:bottom])


@compiled
def _sum_columns(pattern: FloatArray, half: int, line: FloatArray) -> None:
    """Sum each pixel of (S, S) and up to `half` above and below it, into a line with `half` zeros before each row."""
    size = len(pattern)
    columns = np.zeros(size, np.float64)  # running sums: single precision would add up their rounding
    for y in range(-half, size):
        if y + half < size:
            for x in range(size):
                columns[x] += pattern[y + half, x]
        if y - half > 0:
            for x in range(size):
                columns[x] -= pattern[y - half - 1, x]
        if y >= 0:
            start = half + y * (size + half)
            row = line[start : start + size]
            for x in range(size):
                row[x] = np.float32(columns[x])


@compiled
def _sum_rows(line: FloatArray, side: int, sums: FloatArray) -> None:
    """Sum `side` pixels from each on, which half a window of zeros precedes; made up of sums of 1, 2, 4, ... pixels."""
    (count, size), half = sums.shape, side // 2
    spare = np.empty((2, len(line)), np.float32)
    sums[:] = 0
    powers, width, done, turn = line, 1, 0, 0
    while True:
        if side & width:
            for y in range(count):
                start = done + y * (size + half)
                _add(sums[y], powers[start : start + size])
            done += width
        if done == side:
            return
        _add_further(powers, width, spare[turn])
        powers = spare[turn]
        turn = 1 - turn
        width *= 2


@compiled
def _add_further(line: FloatArray, width: int, out: FloatArray) -> None:
    further = line[width:]
    for x in range(len(further)):
        out[x] = line[x] + further[x]


@compiled
def _mix(one: FloatArray, other: FloatArray, part: np.float32, out: FloatArray) -> None:
    for x in range(len(out)):
        out[x] = one[x] + part * (other[x] - one[x])
