"""How patterns become a scan: the scan shape is taken from the user or the file, and never guessed silently."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided

from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers.frames import Frames
from napari_ghosthunter.scan.readers.rows import row_layout
from napari_ghosthunter.scan.readers.shape_candidates import likely_squares, plausible_shapes, refuse
from napari_ghosthunter.scan.readers.stack import Stack
from napari_ghosthunter.scan.row_layout import RowLayout
from napari_ghosthunter.scan.scan import LazyArray


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


def _fold_row(stack: Stack, shape: tuple[int, ...], options: ScanOptions) -> tuple[LazyArray, tuple[str, ...]]:
    count, target = shape[0], options.scan_shape or stack.scan_shape
    skip, flyback = options.skip_frames or 0, options.flyback or 0
    if skip >= count:
        raise ScanError(f"The file holds {count} patterns in one row: none is left after --skip-frames {skip}.")
    if target is None:
        left_out = f", {skip} of them before the scan" if skip else ""
        left_out += f", {flyback} after each row" if flyback else ""
        problem = f"{count} patterns of {shape[1]} x {shape[2]} pixels in one row{left_out}, of an unknown scan shape."
        fitting = plausible_shapes(count, stack.hints, skip, flyback)
        squares = [] if flyback or stack.hints else likely_squares(count - skip, fitting)
        shapes = tuple(dict.fromkeys([*squares, *fitting]))
        refuse(problem, stack, count, [RowLayout(one, skip, flyback) for one in shapes], shapes)
    layout, notes = row_layout(stack, count, RowLayout(target, skip, flyback), options)
    if options.scan_shape and stack.scan_shape and target != stack.scan_shape:
        notes = (*notes, f"The file states a scan of {stack.scan_shape[0]} x {stack.scan_shape[1]}.")
    return _split(stack.patterns, layout), notes


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
            f"to {asked[0]} x {asked[1]}. Leave the scan shape out, or give one of as many patterns; --rows and "
            "--columns open a part of it.",
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
