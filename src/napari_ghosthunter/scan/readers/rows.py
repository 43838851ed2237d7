"""Where the rows of a scan of known shape lie among more or fewer patterns than it has positions."""

from __future__ import annotations

import math
from typing import NoReturn

from napari_ghosthunter.scan.options import ScanOptions
from napari_ghosthunter.scan.readers.shape_candidates import plausible_shapes, refuse
from napari_ghosthunter.scan.readers.stack import Stack
from napari_ghosthunter.scan.row_layout import (
    TIMED_FRAMES,
    RowLayout,
    is_in_every_row,
    layouts_by_times,
    layouts_with_surplus,
    may_be_in_every_row,
    timed_for_rows,
    ways,
    whole_rows,
)


def row_layout(stack: Stack, count: int, layout: RowLayout, options: ScanOptions) -> tuple[RowLayout, tuple[str, ...]]:
    """Find where the rows of a scan lie.

    Parameters
    ----------
    stack
        What the reader found.
    count
        Patterns in the file.
    layout
        The scan as the user or the file states it.
    options
        What the user said.

    Returns
    -------
    layout, notes
        Where they lie, and what a user should know.

    Raises
    ------
    ScanShapeError
        If there are too few, or nobody knows where those are that are too many.
    """
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
    elif options.flyback is None and options.skip_frames is None:
        notes += _contradicted(stack, count, layout, options)
    left = count - layout.end
    if left > layout.flyback:
        before = "" if options.skip_frames else " If they came before it, say --skip-frames."
        notes.append(
            f"The file holds {left - layout.flyback} pattern(s) more than the scan; the last were left out.{before}"
        )
    return layout, tuple(notes)


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
    times = stack.times(TIMED_FRAMES) if stack.times is not None else None
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
        return refuse(problem, stack, count, offered)
    if not stack.starts_early:
        problem += f" To take the first {math.prod(layout.scan_shape)} all the same, say --flyback 0."
    shapes = plausible_shapes(count, [stack.scan_shape] if stack.scan_shape else [])
    return refuse(problem, stack, count, [RowLayout(shape) for shape in shapes], shapes)


def _contradicted(stack: Stack, count: int, layout: RowLayout, options: ScanOptions) -> list[str]:
    """Look whether the clock shows longer rows than stated, as where dummies made a recording end early.

    Returns
    -------
    list of str
        What to tell a user who asked for this shape.

    Raises
    ------
    ScanShapeError
        If the file itself states it.
    """
    columns = layout.scan_shape[1]
    times = stack.times(timed_for_rows(columns)) if stack.times is not None else None
    found = layouts_by_times(times, count, columns) if times is not None and not times.agree(layout) else []
    if not found:
        return []
    problem = f"The times of the patterns show rows of {found[0].pitch}, not {columns}"
    meant = " or ".join(one.said(shape=True) for one in found)
    if options.scan_shape:
        return [f"{problem}: {meant} may be what was recorded."]
    stated = " x ".join(map(str, layout.scan_shape))
    problem = f"The file states a scan of {stated}. {problem}: say {meant}, or --flyback 0 to take it as stated."
    return refuse(problem, stack, count, [*found, layout])


def _missing(stack: Stack, count: int, layout: RowLayout, options: ScanOptions) -> NoReturn:
    """Refuse a scan that lacks patterns, and offer its complete rows."""
    problem = f"{_needs(layout, count, options)}: {layout.end - count} missing."
    columns, skip, flyback = layout.scan_shape[1], layout.skip_frames, layout.flyback
    complete = whole_rows(count, columns, skip, flyback)
    times = stack.times(TIMED_FRAMES) if stack.times is not None and not flyback else None
    longer = layouts_by_times(times, count, columns, options.skip_frames) if times is not None else []
    if longer and times is not None and not times.agree(complete[0]):
        complete = longer
        problem += f" The times of the patterns show rows of {longer[0].pitch}. Its complete rows are "
        problem += f"{' or '.join(one.said(shape=True) for one in complete)}."
    elif complete:
        problem += f" Its complete rows: {complete[0].said(shape=True)} if the last patterns are missing"
        problem += f", {complete[1].said(shape=True)} if the first are." if len(complete) > 1 else "."
    shapes = plausible_shapes(count, stack.hints, skip, flyback)
    offered = [*complete, *(RowLayout(shape, skip, flyback) for shape in shapes)]
    refuse(problem, stack, count, offered, tuple(dict.fromkeys(one.scan_shape for one in offered)))


def _needs(layout: RowLayout, count: int, options: ScanOptions) -> str:
    rows, columns = layout.scan_shape
    said = f"The scan of {rows} x {columns} {'asked for' if options.scan_shape else 'that the file states'} needs "
    said += f"{layout.end} patterns"
    if layout.skip_frames or layout.flyback:
        said += f" ({layout.skip_frames} before it and {layout.flyback} after each row counted in)"
    return f"{said}, but the file holds {count}"
