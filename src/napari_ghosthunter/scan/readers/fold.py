"""How patterns become a scan: the scan shape is taken from the user or the file, and never guessed silently."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np
from numpy.lib.stride_tricks import as_strided

from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers.frames import Frames
from napari_ghosthunter.scan.readers.stack import ScanShape, Stack
from napari_ghosthunter.scan.row_layout import (
    RowLayout,
    is_in_every_row,
    layouts_with_surplus,
    may_be_in_every_row,
    shapes_of,
    ways,
    whole_rows,
)
from napari_ghosthunter.scan.scan import LazyArray

TRIED = 100_000  # divisors for a scan shape: all of them up to 10^10 patterns
OFFERED = 6  # shapes that an error message names
ROUND = 16  # sides of scans are often multiples of it
LONG = 4  # times that a scan is longer than wide, from which on a square of somewhat fewer patterns is likelier


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
    shape = tuple(int(length) for length in stack.patterns.shape)
    if 0 in shape:
        raise ScanError(f"The file holds no patterns: the shape of its array is {shape}.")
    if len(shape) == 4:
        return _fold_grid(stack.patterns, shape, options)
    if len(shape) == 3:
        damaged = stack.scan_shape is not None and min(stack.scan_shape) < 1
        return _fold_row(replace(stack, scan_shape=None) if damaged else stack, shape, options)
    raise ScanError(f"A scan has a pattern at each position, four axes in all; this array has the shape {shape}.")


def plausible_shapes(
    patterns: int, hints: Sequence[ScanShape] = (), skip_frames: int = 0, flyback: int = 0
) -> tuple[ScanShape, ...]:
    """List scan shapes for a number of patterns: those the file hints at, then the nearest to a square.

    One pattern too many is common (a frame after the scan), so a square of one pattern less is listed too.
    """
    fitting = shapes_of(patterns, TRIED, skip_frames, flyback)
    found = [hint for hint in hints if hint in fitting or math.prod(hint) == patterns - 1]
    side = _side(patterns - skip_frames)
    if side > 1 and not flyback and patterns - skip_frames - side * side == 1:
        found.append((side, side))
    return tuple(dict.fromkeys([*found, *fitting]))


def _likely_squares(patterns: int, fitting: Sequence[ScanShape]) -> list[ScanShape]:
    """Give the square of fewer patterns, where it is a round one, or what fits them all is no more than a strip.

    It is none where one of the patterns that are too many may be in every row.
    """
    side = _side(patterns)
    likely = side % ROUND == 0 or not fitting or max(fitting[0]) > LONG * min(fitting[0])
    return [(side, side)] if side > 1 and likely and not may_be_in_every_row(patterns - side * side, side) else []


def _side(patterns: int) -> int:
    """Give the side of the largest square of fewer patterns."""
    return math.isqrt(max(patterns - 1, 0))


def shape_question(shapes: Sequence[ScanShape]) -> str:
    """Say how to give a scan shape, with examples to copy."""
    *first, last = [f"{y}x{x}" for y, x in shapes[:OFFERED]] or ["34x206"]
    examples = f"{', '.join(first)} or {last}" if first else last
    return f"Give the scan shape as --scan-shape YxX (scan_shape=(y, x) in Python), for example {examples}."


def _fold_row(stack: Stack, shape: tuple[int, ...], options: ScanOptions) -> tuple[LazyArray, tuple[str, ...]]:
    count, target = shape[0], options.scan_shape or stack.scan_shape
    skip, flyback = options.skip_frames or 0, options.flyback or 0
    if target is None:
        left_out = f", {skip} of them before the scan" if skip else ""
        left_out += f", {flyback} after each row" if flyback else ""
        problem = f"{count} patterns of {shape[1]} x {shape[2]} pixels in one row{left_out}, of an unknown scan shape."
        fitting = plausible_shapes(count, stack.hints, skip, flyback)
        squares = [] if flyback or stack.hints else _likely_squares(count - skip, fitting)
        shapes = tuple(dict.fromkeys([*squares, *fitting]))
        _refuse(problem, stack, count, [RowLayout(one, skip, flyback) for one in shapes], shapes)
    layout = RowLayout(target, skip, flyback)
    if count < layout.end:
        _missing(stack, count, layout, options)
    notes = []
    if options.flyback is None and _asks(stack, count, layout, options):
        layout = _by_times(stack, count, layout, options)
        if layout.flyback:
            notes.append(
                f"The file holds {layout.flyback} pattern(s) more in each row, which were left out: the times of the "
                f"patterns show where ({layout.said()})."
            )
    left = count - layout.end
    if left > layout.flyback:
        notes.append(
            f"The file holds {left - layout.flyback} pattern(s) more than the scan; the last were left out. If they "
            "came before it, say --skip-frames."
        )
    if options.scan_shape and stack.scan_shape and target != stack.scan_shape:
        notes.append(f"The file states a scan of {stack.scan_shape[0]} x {stack.scan_shape[1]}.")
    return _split(stack.patterns, layout), tuple(notes)


def _asks(stack: Stack, count: int, layout: RowLayout, options: ScanOptions) -> bool:
    """Whether patterns that are too many may lie elsewhere than after the last row."""
    surplus, (rows, columns), stated = count - layout.end, layout.scan_shape, stack.scan_shape
    if stack.starts_early and options.skip_frames is None:
        return surplus > 0
    interrupted = stated is not None and stated[1] == columns and math.prod(stated) > count  # within a row
    if options.skip_frames is not None or interrupted:
        return is_in_every_row(surplus, rows)
    return may_be_in_every_row(surplus, rows)


def _by_times(stack: Stack, count: int, layout: RowLayout, options: ScanOptions) -> RowLayout:
    """Find where the rows lie by the clock of the detector.

    Raises
    ------
    ScanShapeError
        If it does not tell.
    """
    layouts = layouts_with_surplus(count, layout.scan_shape, options.skip_frames)
    times = stack.times() if stack.times is not None else None
    agreeing = [one for one in layouts if times is not None and times.agree(one)]
    if len(agreeing) == 1:
        return agreeing[0]
    problem = f"{_needs(layout, count, options)}: {count - layout.end} too many."
    if stack.starts_early:
        problem += " Such recordings start before the scan: say with --skip-frames how many came before it."
    each = layouts[0].flyback
    if 0 < each <= layout.scan_shape[1]:
        offered = agreeing or layouts
        problem += f" They may be {each} in each row, dummies or taken while the beam went back: say {ways(offered)}."
        return _refuse(problem, stack, count, offered)
    if not stack.starts_early:
        problem += f" To take the first {math.prod(layout.scan_shape)} all the same, say --flyback 0."
    shapes = plausible_shapes(count, [stack.scan_shape] if stack.scan_shape else [])
    return _refuse(problem, stack, count, [RowLayout(shape) for shape in shapes], shapes)


def _missing(stack: Stack, count: int, layout: RowLayout, options: ScanOptions) -> NoReturn:
    """Refuse a scan that lacks patterns, and offer its complete rows."""
    problem = f"{_needs(layout, count, options)}: {layout.end - count} missing."
    complete = whole_rows(count, layout.scan_shape[1], layout.skip_frames, layout.flyback)
    if complete:
        problem += f" Its complete rows: {complete[0].said(shape=True)} if the last patterns are missing"
        problem += f", {complete[1].said(shape=True)} if the first are." if len(complete) > 1 else "."
    shapes = plausible_shapes(count, stack.hints, layout.skip_frames, layout.flyback)
    others = [RowLayout(shape, layout.skip_frames, layout.flyback) for shape in shapes]
    offered = [*complete, *others]
    _refuse(problem, stack, count, offered, tuple(dict.fromkeys(one.scan_shape for one in offered)))


def _needs(layout: RowLayout, count: int, options: ScanOptions) -> str:
    rows, columns = layout.scan_shape
    said = f"The scan of {rows} x {columns} {'asked for' if options.scan_shape else 'that the file states'} needs "
    said += f"{layout.end} patterns"
    if layout.skip_frames or layout.flyback:
        said += f" ({layout.skip_frames} before it and {layout.flyback} after each row counted in)"
    return f"{said}, but the file holds {count}"


def _refuse(
    problem: str, stack: Stack, count: int, layouts: Sequence[RowLayout], shapes: Sequence[ScanShape] | None = None
) -> NoReturn:
    """Say what is wrong, what the reader has to say, and which shapes can be given, where there are others."""
    question = [shape_question(shapes)] if shapes is not None else []
    candidates = tuple(dict.fromkeys(layout.scan_shape for layout in layouts))
    offered = tuple((layout.scan_shape, layout.skip_frames, layout.flyback) for layout in layouts)
    raise ScanShapeError(" ".join([problem, *stack.notes, *question]), candidates, offered, count)


def _fold_grid(patterns: LazyArray, shape: tuple[int, ...], options: ScanOptions) -> tuple[LazyArray, tuple[str, ...]]:
    stored, asked = (shape[0], shape[1]), options.scan_shape
    if options.skip_frames or options.flyback:
        raise ScanError(
            f"The file holds a scan of {stored[0]} x {stored[1]}, not patterns in one row: --skip-frames and --flyback "
            "are for those. To leave out rows or columns of it, say --rows or --columns."
        )
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


def _split(patterns: LazyArray, layout: RowLayout) -> LazyArray:
    rows, columns = layout.scan_shape
    if not isinstance(patterns, np.ndarray):
        row = patterns if isinstance(patterns, Frames) else Frames((patterns,), (patterns.shape[0],))
        return row.folded(layout.scan_shape, layout.skip_frames, layout.pitch)
    part = patterns[layout.skip_frames : layout.end]
    step, *inner = part.strides
    rectangle = (rows, columns, *part.shape[1:])
    return as_strided(part, rectangle, (layout.pitch * step, step, *inner), subok=True, writeable=part.flags.writeable)


def _in_one_row(patterns: np.ndarray[Any, Any]) -> bool:
    """Whether the scan axes can be merged without a copy, which would load the cube."""
    return 1 in patterns.shape[:2] or patterns.strides[0] == patterns.shape[1] * patterns.strides[1]
