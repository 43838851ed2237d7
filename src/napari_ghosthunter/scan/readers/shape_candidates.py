"""Scan shapes that may be meant where a file does not say, and how they are asked for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NoReturn

from napari_ghosthunter.errors import ScanShapeError
from napari_ghosthunter.scan.readers.stack import ScanShape, Stack
from napari_ghosthunter.scan.row_layout import RowLayout, may_be_in_every_row, shapes_of

TRIED = 100_000  # divisors for a scan shape: all of them up to 10^10 patterns
OFFERED = 6  # shapes that an error message names
ROUND = 16  # sides of scans are often multiples of it
LONG = 4  # times that a scan is longer than wide, from which on a square of somewhat fewer patterns is likelier


def plausible_shapes(
    patterns: int, hints: Sequence[ScanShape] = (), skip_frames: int = 0, flyback: int = 0
) -> tuple[ScanShape, ...]:
    """List scan shapes for a number of patterns: those the file hints at, then the nearest to a square.

    One pattern too many is common (a frame after the scan), so a square of one pattern less is listed too. A scan that
    was stopped ends within a row: shapes that the file hints at may leave out less than that.
    """
    fitting = shapes_of(patterns, TRIED, skip_frames, flyback)
    found = [
        (rows, columns)
        for rows, columns in hints
        if (rows, columns) in fitting
        or 0 <= patterns - RowLayout((rows, columns), skip_frames, flyback).end < max(columns + 2 * flyback, 2)
    ]
    side = _side(patterns - skip_frames)
    if side > 1 and not flyback and patterns - skip_frames - side * side == 1:
        found.append((side, side))
    return tuple(dict.fromkeys([*found, *fitting]))


def likely_squares(patterns: int, fitting: Sequence[ScanShape]) -> list[ScanShape]:
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


def refuse(
    problem: str, stack: Stack, count: int, layouts: Sequence[RowLayout], shapes: Sequence[ScanShape] | None = None
) -> NoReturn:
    """Say what is wrong, what the reader has to say, and which shapes can be given, where there are others.

    Raises
    ------
    ScanShapeError
        Always, with the layouts.
    """
    question = [shape_question(shapes)] if shapes is not None else []
    candidates = tuple(dict.fromkeys(layout.scan_shape for layout in layouts))
    offered = tuple((layout.scan_shape, layout.skip_frames, layout.flyback) for layout in layouts)
    raise ScanShapeError(" ".join([problem, *stack.notes, *question]), candidates, offered, count, stack.scan_shape)
