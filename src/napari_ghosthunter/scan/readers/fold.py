"""How patterns become a scan: the scan shape is taken from the user or the file, and never guessed silently."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers.frames import Frames
from napari_ghosthunter.scan.readers.stack import ScanShape, Stack
from napari_ghosthunter.scan.scan import LazyArray

TRIED = 100_000  # divisors for a scan shape: all of them up to 10^10 patterns
OFFERED = 6  # shapes that an error message names
STRAY_FRAMES = 1  # some detectors record one pattern more than the scan has positions


def fold(stack: Stack, options: ScanOptions) -> tuple[LazyArray, tuple[str, ...]]:
    """Fold what a reader found into an array (scan_y, scan_x, k_y, k_x), without reading it.

    Returns
    -------
    array, notes
        The lazy array, and what was done that a user should know.

    Raises
    ------
    ScanShapeError
        If the scan shape is not known, or does not fit the number of patterns.
    ScanError
        If the array is neither a grid nor a row of patterns.
    """
    asked = options.scan_shape
    shape = tuple(int(length) for length in stack.patterns.shape)
    if 0 in shape:
        raise ScanError(f"The file holds no patterns: the shape of its array is {shape}.")
    if len(shape) == 4:
        return _fold_grid(stack.patterns, shape, asked)
    if len(shape) == 3:
        return _fold_row(stack, shape, asked)
    raise ScanError(f"A scan has a pattern at each position, four axes in all; this array has the shape {shape}.")


def plausible_shapes(patterns: int, hints: Sequence[ScanShape] = ()) -> tuple[ScanShape, ...]:
    """List scan shapes for a number of patterns: those the file hints at, then the nearest to a square.

    One pattern too many is common (a frame after the scan), so a square of one pattern less is listed too.
    """
    found = [hint for hint in hints if math.prod(hint) in (patterns, patterns - 1)]
    side = math.isqrt(patterns - 1)
    if side > 1 and side * side == patterns - 1:
        found.append((side, side))
    for short in range(math.isqrt(patterns), max(0, math.isqrt(patterns) - TRIED), -1):
        if patterns % short == 0:
            found += [(short, patterns // short), (patterns // short, short)]
    return tuple(dict.fromkeys(found))


def shape_question(shapes: Sequence[ScanShape]) -> str:
    """Say how to give a scan shape, with examples to copy."""
    *first, last = [f"{y}x{x}" for y, x in shapes[:OFFERED]] or ["34x206"]
    examples = f"{', '.join(first)} or {last}" if first else last
    return f"Give the scan shape as --scan-shape YxX (scan_shape=(y, x) in Python), for example {examples}."


def _fold_row(stack: Stack, shape: tuple[int, ...], asked: ScanShape | None) -> tuple[LazyArray, tuple[str, ...]]:
    count, target = shape[0], asked or stack.scan_shape
    if target is None:
        problem = f"{count} patterns of {shape[1]} x {shape[2]} pixels in one row, of an unknown scan shape."
        raise _shape_error(problem, stack, count)
    wanted = math.prod(target)
    said = f"The scan of {target[0]} x {target[1]} {'asked for' if asked else 'that the file states'} needs {wanted} "
    said += f"patterns, but the file holds {count}"
    if count < wanted:
        whole_rows = [(count // target[1], target[1])] if count >= target[1] else []
        raise _shape_error(f"{said}: {wanted - count} missing.", stack, count, whole_rows)
    # A file may go on after the scan that it states; what a user says may be off by the usual stray frame only.
    stray = target[1] if target == stack.scan_shape else STRAY_FRAMES
    if count - wanted > stray:
        raise _shape_error(f"{said}: {count - wanted} too many.", stack, count)
    notes = []
    if count > wanted:
        notes.append(f"The file holds {count - wanted} pattern(s) more than the scan; the last were left out.")
    if asked and stack.scan_shape and asked != stack.scan_shape:
        notes.append(f"The file states a scan of {stack.scan_shape[0]} x {stack.scan_shape[1]}.")
    return _split(stack.patterns, target), tuple(notes)


def _shape_error(problem: str, stack: Stack, count: int, first: Sequence[ScanShape] = ()) -> ScanShapeError:
    stated = [stack.scan_shape] if stack.scan_shape else []
    shapes = tuple(dict.fromkeys([*first, *plausible_shapes(count, [*stated, *stack.hints])]))
    return ScanShapeError(" ".join([problem, *stack.notes, shape_question(shapes)]), shapes)


def _fold_grid(
    patterns: LazyArray, shape: tuple[int, ...], asked: ScanShape | None
) -> tuple[LazyArray, tuple[str, ...]]:
    stored = (shape[0], shape[1])
    if asked is None or asked == stored:
        return patterns, ()
    if math.prod(asked) != math.prod(stored):
        raise ScanShapeError(
            f"The file holds a scan of {stored[0]} x {stored[1]}, {math.prod(stored)} patterns, which cannot be folded "
            f"to {asked[0]} x {asked[1]}. Leave the scan shape out, or give one of as many patterns.",
            (stored,),
        )
    note = f"The file holds a scan of {stored[0]} x {stored[1]}; it was folded to {asked[0]} x {asked[1]} as asked."
    if isinstance(patterns, np.ndarray) and _in_one_row(patterns):
        return patterns.reshape(*asked, *shape[2:]), (note,)
    return Frames((patterns,), asked), (note,)


def _split(patterns: LazyArray, scan_shape: ScanShape) -> LazyArray:
    count = math.prod(scan_shape)
    if isinstance(patterns, np.ndarray):  # splitting the first axis of an array never copies
        return patterns[:count].reshape(*scan_shape, *patterns.shape[1:])
    if isinstance(patterns, Frames):
        return patterns.folded(scan_shape)
    return Frames((patterns,), scan_shape)


def _in_one_row(patterns: np.ndarray[Any, Any]) -> bool:
    """Whether the scan axes can be merged without a copy, which would load the cube."""
    return 1 in patterns.shape[:2] or patterns.strides[0] == patterns.shape[1] * patterns.strides[1]
