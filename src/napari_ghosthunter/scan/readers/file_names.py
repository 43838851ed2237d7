"""Scan positions in the names of files that hold one pattern each: '12_7.png', 'x12_y7.tif', 'row_003_col_010.mib'.

Names that say which number is x and which is y are taken at their word. Two numbers without a word are X_Y, as the
paper's pipeline writes them (196_4_boxsize5.png is scan_x 196, scan_y 4), and the reader says so in a note.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from pathlib import PurePath

MOST_VARIANTS = 16  # series at the same positions that differ in another number
SPARSEST = 2  # times as many positions as files: two numbers that say less form no grid

_GUESS = "The names hold two numbers"
_NUMBER = re.compile("([0-9]+)")
# What stands before a number and says that it is one of x or y.
_WORDS = re.compile(
    r"(?:^|[^a-z])(?:scan|pos|position|probe|r)?[ _\-]*(?P<word>x|y|rows?|lines?|r|columns?|cols?|c)[ _=:\-.(\[]*$"
)
_BETWEEN = frozenset({"_", "-", " ", ",", "x", "__", ", ", " - ", ";", "."})  # two numbers that belong together


@dataclass(frozen=True)
class Series:
    """Files whose names differ only in numbers.

    Attributes
    ----------
    name
        Their name with X and Y for the numbers of the position, or N for those that count.
    files
        Names of the files, in the order of the scan if there is a grid, else in the order of their numbers.
    grid
        Positions of the scan; None if the names only count.
    other_name
        Their name with X and Y exchanged, where the names leave open which number is which; else empty.
    notes
        What a user should know of the names.
    refused
        Why they give no scan: positions are missing, or come twice; empty if they do.
    """

    name: str
    files: tuple[str, ...]
    grid: tuple[int, int] | None = None
    other_name: str = ""
    notes: tuple[str, ...] = ()
    refused: str = ""


@dataclass(frozen=True)
class _Group:
    """Files of one form: texts between the numbers, and the numbers of each file."""

    texts: tuple[str, ...]  # one more than there are numbers; the last has the ending
    rows: tuple[tuple[tuple[str, ...], str], ...]  # numbers as they are written, and name

    def values(self, column: int) -> list[int]:
        return [int(numbers[column]) for numbers, _ in self.rows]

    def written(self, roles: dict[int, str]) -> str:
        """Write the name of the form, with letters for the numbers that differ."""
        first = self.rows[0][0]
        parts = [self.texts[0]]
        for column, number in enumerate(first):
            parts += [roles.get(column, number), self.texts[column + 1]]
        return "".join(parts).encode("utf-8", "backslashreplace").decode()  # bytes that are no letters can be written


def series_in(names: Iterable[str]) -> list[Series]:
    """Sort the names of files into series, the largest first; names without numbers make one series of each ending."""
    groups = _groups(names)
    single = [group for group in groups if len(group.rows) == 1]
    several = [group for group in groups if len(group.rows) > 1]
    found: list[Series] = []
    for group in several:
        found += _series_of(group)
    if not several:
        by_ending: dict[str, list[str]] = defaultdict(list)
        for group in single:
            name = group.rows[0][1]
            by_ending[PurePath(name).suffix.lower()].append(name)
        found += [_in_order(f"*{ending}", listed) for ending, listed in by_ending.items()]
    else:
        found += [Series(group.rows[0][1], (group.rows[0][1],)) for group in single]
    return sorted(found, key=lambda series: -len(series.files))


def turned(series: Series) -> Series | None:
    """Give the series with its two numbers taken the other way round, Y_X; None if the names leave no choice."""
    if not series.other_name or series.grid is None:
        return None
    height, width = series.grid
    files = tuple(series.files[y * width + x] for x in range(width) for y in range(height))
    notes = tuple(note for note in series.notes if not note.startswith(_GUESS))
    return Series(series.other_name, files, (width, height), notes=notes)


def natural(name: str) -> tuple[tuple[int, str], ...]:
    """Give a key to sort names by, in which frame_9 comes before frame_10."""
    return tuple((int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(name.lower()) if part)


def _groups(names: Iterable[str]) -> list[_Group]:
    by_form: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    texts: dict[tuple[str, ...], tuple[str, ...]] = {}
    for name in names:
        path = PurePath(name)
        parts = _NUMBER.split(path.name.removesuffix(path.suffix))
        parts[-1] += path.suffix
        form = tuple(part.lower() for part in parts[::2])
        texts.setdefault(form, tuple(parts[::2]))
        by_form[form].append((tuple(parts[1::2]), name))
    return [_Group(texts[form], tuple(rows)) for form, rows in by_form.items()]


def _series_of(group: _Group) -> list[Series]:
    differing = [column for column in range(len(group.texts) - 1) if len(set(group.values(column))) > 1]
    place = _position_columns(group, differing)
    if place is None:
        return [_in_order(group.written(dict.fromkeys(differing, "N")), [name for _, name in group.rows])]
    x, y, said = place
    variants: dict[tuple[str, ...], list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for numbers, name in group.rows:
        variants[tuple(number for column, number in enumerate(numbers) if column not in (x, y))].append((numbers, name))
    roles = {x: "X", y: "Y"}
    places = list(zip(group.values(x), group.values(y), strict=True))
    if len(set(places)) == len(places) or len(variants) > MOST_VARIANTS:
        return [_on_grid(group, x, y, said, dict.fromkeys(differing, "N") | roles)]
    return [_on_grid(_Group(group.texts, tuple(rows)), x, y, said, roles) for rows in variants.values()]


def _position_columns(group: _Group, differing: Sequence[int]) -> tuple[int, int, bool] | None:
    """Find which numbers of the names are x and y, and whether words say so; None if the names only count."""
    words = [_WORDS.search(text.lower()) for text in group.texts[:-1]]
    axes = ["" if word is None else "x" if word["word"][0] in "xc" else "y" for word in words]
    if axes.count("x") == axes.count("y") == 1:
        return axes.index("x"), axes.index("y"), True
    count = len(group.rows)
    leading = len(axes) > 1 and group.texts[0] == "" and group.texts[1] in _BETWEEN
    pair = (0, 1) if leading and {0, 1} <= set(differing) else tuple(differing)
    if len(pair) != 2 or any(len(set(group.values(column))) == count for column in pair):  # a number that counts
        return None
    return pair[0], pair[1], False


def _in_order(name: str, files: Sequence[str]) -> Series:
    """Make a series of names that say no position; a number that is missing is worth a note."""
    ordered = tuple(sorted(files, key=natural))
    notes = [f"The files were taken in the order of their names, {ordered[0]} to {ordered[-1]}."]
    numbers = [_NUMBER.findall(file) for file in ordered]
    for column in range(len(numbers[0])):
        if len({len(found) for found in numbers}) > 1:
            break
        values = sorted({int(found[column]) for found in numbers})
        steps = [after - before for before, after in pairwise(values)]
        if len(values) == len(ordered) and steps and max(steps) > min(steps):
            gap = steps.index(max(steps))
            notes.append(
                f"Their numbers have gaps, the widest from {values[gap]} to {values[gap + 1]}: is one missing?"
            )
            break
    return Series(name, ordered, notes=tuple(notes))


def _on_grid(group: _Group, x: int, y: int, said: bool, roles: dict[int, str]) -> Series:
    name, files = group.written(roles), tuple(file for _, file in group.rows)
    places: dict[tuple[int, int], str] = {}
    for at_x, at_y, file in zip(group.values(x), group.values(y), files, strict=True):
        other = places.setdefault((at_y, at_x), file)
        if other is not file:
            return Series(name, files, refused=f"{other} and {file} are both at x {at_x}, y {at_y}: leave one of them.")
    if any(group.texts[column + 1] == "." and column + 2 < len(group.texts) for column in (x, y)):
        refused = f"The names give positions with decimals, as {files[0]} does: rename the files to rows and columns."
        return Series(name, files, refused=refused)
    rows, columns = _evenly(at_y for at_y, _ in places), _evenly(at_x for _, at_x in places)
    missing = len(rows) * len(columns) - len(places)
    if missing and not said and len(rows) * len(columns) > SPARSEST * len(places):
        return _in_order(group.written(dict.fromkeys(roles, "N")), files)
    if missing:
        at_y, at_x = next((v, u) for v in rows for u in columns if (v, u) not in places)
        refused = (
            f"Its files give a scan of {len(rows)} x {len(columns)} (rows x columns), but {missing} of the positions "
            f"have none, the first at x {at_x}, y {at_y}: a scan needs a pattern at each. Add them, or take the files "
            "of incomplete rows away."
        )
        return Series(name, files, refused=refused)
    notes = []
    other_name = "" if said else group.written({**roles, x: "Y", y: "X"})
    if other_name:
        notes.append(
            f"{_GUESS}, which were taken as X_Y (x across the scan, then y down), as the paper's pipeline writes them. "
            f"If they are row and column, give the dataset '{other_name}'."
        )
    if (rows.start, columns.start) != (0, 0) or (rows.step, columns.step) != (1, 1):
        notes.append(
            f"The names count x from {columns.start} in steps of {columns.step} and y from {rows.start} in steps of "
            f"{rows.step}; labels and maps count both from 0 in steps of 1."
        )
    if said and any(group.texts[column].endswith("-") for column in (x, y)):
        notes.append("The dash before the numbers in the names was taken as no minus.")
    ordered = tuple(places[at_y, at_x] for at_y in rows for at_x in columns)
    return Series(name, ordered, (len(rows), len(columns)), other_name, tuple(notes))


def _evenly(values: Iterable[int]) -> range:
    """Give the evenly spaced positions that hold all of some."""
    listed = sorted(set(values))
    step = gcd(*(value - listed[0] for value in listed)) or 1
    return range(listed[0], listed[-1] + 1, step)
