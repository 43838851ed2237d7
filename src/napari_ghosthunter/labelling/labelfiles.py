"""Labels and proposed points as files: labels.csv, points.csv, and the YAML files that the paper published.

Hand-made tables come in every shape, so the reader forgives what cannot be mistaken (spaces, blank lines, more columns,
line ends) and refuses, with file and line, whatever would have to be guessed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.files import write_text
from napari_ghosthunter.labelling.classes import ClassScheme, tidy_name
from napari_ghosthunter.labelling.labels import LabelSet, Position, inside_scan
from napari_ghosthunter.labelling.sampling import Proposal
from napari_ghosthunter.labelling.yamlfile import load_plain

MOST_BYTES = 64 * 2**20  # some 3 million labels, as large as a bundle may hold
LABELS_HEADER = ("scan_y", "scan_x", "label")
POINTS_HEADER = ("scan_y", "scan_x", "reason")

_T = TypeVar("_T")


@dataclass(frozen=True)
class LabelReport:
    """What a label file, or several read as one, held.

    Attributes
    ----------
    entries
        Rows, all of them.
    unique
        Different positions among the labelled rows.
    duplicates
        Labelled rows beyond the first of their position, `entries - unlabelled - unique`.
    unlabelled
        Rows whose label is empty: positions that wait for one.
    conflicts
        (scan_y, scan_x, names) of positions with two or more different labels; these got no label.
    alike
        Groups of class names that differ only in capitals or spaces.
    """

    entries: int
    unique: int
    duplicates: int
    unlabelled: int = 0
    conflicts: tuple[tuple[int, int, tuple[str, ...]], ...] = ()
    alike: tuple[tuple[str, ...], ...] = ()

    def __str__(self) -> str:
        """Say it in one line for the user."""
        parts = [f"Entries: {self.entries}", f"different positions with a label: {self.unique}"]
        if self.duplicates:
            parts.append(f"entries for a position that came before: {self.duplicates}")
        if self.unlabelled:
            parts.append(f"not labelled yet: {self.unlabelled}")
        if self.conflicts:
            parts.append(f"left out for their different labels: {_tell_conflicts(self.conflicts)}")
        if self.alike:
            groups = ", ".join(" / ".join(names) for names in self.alike)
            parts.append(f"classes whose names differ only in capitals or spaces: {groups}")
        return "; ".join(parts) + "."


def read_labels(path: Path | str, scan_shape: tuple[int, int] | None = None) -> tuple[LabelSet, LabelReport]:
    """Read labels.csv: a table with the columns scan_y, scan_x and label, in any order and with any others beside.

    A table of proposed points with a column 'label' added will do. A row with an empty label waits for one and is only
    counted; a row that comes again with the same label counts once. The classes are `ClassScheme.from_names` of the
    labels as they first appear.

    Parameters
    ----------
    path
        The file: UTF-8, comma-separated, with a header.
    scan_shape
        (scan_y, scan_x) of the scan, to refuse positions outside it.

    Raises
    ------
    LabelError
        With file and line, if the file cannot be read, a column is missing, a row is not whole, a position is not two
        whole numbers or outside the scan, a label cannot name a class, or one position has different labels.
    """
    return read_label_files([path], scan_shape)


def read_label_files(
    paths: Sequence[Path | str], scan_shape: tuple[int, int] | None = None
) -> tuple[LabelSet, LabelReport]:
    """Read several files, each as `read_labels` does, as if their rows were in one.

    Raises
    ------
    LabelError
        As `read_labels`; also if different files give one position different labels, with the names of the files.
    """
    tables = {
        str(path): _read_table(path, LABELS_HEADER, lambda row: _labelled_position(row, scan_shape)) for path in paths
    }
    labels, report = _merged([row for rows in tables.values() for row in rows])
    if report.conflicts:
        positions = {(y, x) for y, x, _ in report.conflicts}
        files = [path for path, rows in tables.items() if any(name and spot in positions for spot, name in rows)]
        raise LabelError(
            f"{' and '.join(files)} {'give' if len(files) > 1 else 'gives'} different labels to one position: "
            f"{_tell_conflicts(report.conflicts)}. Keep one row for each of these positions."
        )
    return _label_set(", ".join(tables), labels, scan_shape), report


def read_any_labels(path: Path | str, scan_shape: tuple[int, int]) -> tuple[LabelSet, LabelReport]:
    """Read a label file of either kind, told by its name: the paper's YAML (.yaml, .yml), else labels.csv.

    Raises
    ------
    LabelError
        As `read_paper_labels` and `read_labels`.
    """
    if Path(path).suffix.lower() in {".yaml", ".yml"}:
        return read_paper_labels(path, scan_shape)
    return read_labels(path, scan_shape)


def write_labels(path: Path | str, labels: Mapping[Position, str]) -> None:
    """Write labels.csv, sorted by (scan_y, scan_x), whole or not at all.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    _write_table(path, LABELS_HEADER, [(y, x, labels[y, x]) for y, x in sorted(labels)])


def read_points(path: Path | str) -> list[Proposal]:
    """Read points.csv, as `write_points` wrote it; other columns are passed over.

    Raises
    ------
    LabelError
        With file and line, if the file cannot be read, a column is missing or a row is not whole.
    """
    return _read_table(path, POINTS_HEADER, lambda row: Proposal(*_position(row), row["reason"]))


def write_points(path: Path | str, proposals: Iterable[Proposal]) -> None:
    """Write points.csv, whole or not at all; without proposals it holds the header only.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    _write_table(path, POINTS_HEADER, [(point.scan_y, point.scan_x, point.reason) for point in proposals])


def read_paper_labels(
    path: Path | str,
    scan_shape: tuple[int, int],
    rename: Mapping[str, str] | None = None,
) -> tuple[LabelSet, LabelReport]:
    """Read a label file of the paper's own tool (github.com/FinHardy/ghost-hunter).

    It lists pattern files and labels, `- file: 196_4_boxsize5.png` with `label: vertical`; the file name begins with
    the position as X_Y, X across the scan (scan_x) and Y down (scan_y). Entries that come again are merged. A position
    with different labels gets none and is reported: nothing is guessed.

    Parameters
    ----------
    path
        The YAML file.
    scan_shape
        (scan_y, scan_x) of the scan; the paper's is (34, 206).
    rename
        New names for classes, such as {'na': 'none'}; others keep theirs.

    Raises
    ------
    LabelError
        If the file is not such a list, a position lies outside the scan, or no class has a name that is to be new.
    """
    content = _load_yaml(path)
    entries = content.get("labels") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise LabelError(f"{path} is not a label file of the paper: it has no list 'labels' of files and labels.")
    rows = []
    found: dict[str, None] = {}
    for number, entry in enumerate(entries, start=1):
        try:
            position, name = _paper_entry(entry)
            new_name = (rename or {}).get(name, name)
            rows.append((inside_scan(position, scan_shape), tidy_name(new_name) if name else None))
        except LabelError as error:
            raise LabelError(f"{path}, entry {number}: {error}") from error
        if name:
            found[name] = None
    for name in rename or {}:
        if name not in found:
            raise LabelError(f"{path} has no class {name!r} to rename; its classes are: {', '.join(found) or 'none'}.")
    labels, report = _merged(rows)
    return _label_set(path, labels, scan_shape), report


def _paper_entry(entry: Any) -> tuple[Position, str]:
    """Take the position and the label ('' for none yet) out of one entry of the YAML list."""
    if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
        raise LabelError(f"it should have a 'file' and a 'label', but is {str(entry)[:80]!r}.")
    found = re.fullmatch(r"(?:.*[/\\])?([0-9]{1,9})_([0-9]{1,9})(?:[_.].*)?", entry["file"].strip())
    if found is None:
        raise LabelError(f"{entry['file']!r} does not begin with a position X_Y, as 196_4_boxsize5.png does.")
    name = entry.get("label")
    if not isinstance(name, str | None):
        raise LabelError(f"the label {name!r} is not text; put it in quotes.")
    return (int(found[2]), int(found[1])), (name or "").strip()


def _load_yaml(path: Path | str) -> Any:
    text = _read_text(path)
    try:
        return load_plain(text)
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from error


def _read_text(path: Path | str) -> str:
    try:
        size = Path(path).stat().st_size
        if not Path(path).is_file():
            raise LabelError(f"Cannot read {path}: it is a folder, a pipe or a device, not a file.")
        if size > MOST_BYTES:
            raise LabelError(f"{path} is too large for a table of labels ({size / 1e6:.0f} MB).")
        return Path(path).read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise LabelError(f"Cannot read {path}: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise LabelError(f"{path} is not UTF-8 text; save it again as 'CSV UTF-8' or plain text in UTF-8.") from error


def _read_table(path: Path | str, columns: tuple[str, ...], convert: Callable[[dict[str, str]], _T]) -> list[_T]:
    """Convert each row of a CSV file, given as {column: stripped text}; an error gets the file and the line."""
    reader = csv.reader(io.StringIO(_read_text(path), newline=""), strict=True)
    header: list[str] | None = None
    rows = []
    try:
        for cells in reader:
            texts = [cell.strip() for cell in cells]
            if not any(texts):
                continue
            if header is None:
                header = _checked_header(texts, columns)
                continue
            rows.append(convert(_as_record(texts, header, columns)))
    except csv.Error as error:
        raise LabelError(f"{path}, line {reader.line_num}: {error}; check the double quotes.") from error
    except LabelError as error:
        raise LabelError(f"{path}, line {reader.line_num}: {error}") from error
    if header is None:
        raise LabelError(f"{path} is empty; its first line must be {','.join(columns)}.")
    return rows


def _checked_header(header: list[str], columns: tuple[str, ...]) -> list[str]:
    told = ",".join(header)
    absent = [column for column in columns if column not in header]
    if absent:
        hint = "separate the columns by commas" if re.search("[;\t]", told) else f"add {' and '.join(absent)}"
        raise LabelError(f"the header {told!r} lacks the columns {', '.join(absent)}; {hint}.")
    twice = [column for column in columns if header.count(column) > 1]
    if twice:
        raise LabelError(f"the header {told!r} has {', '.join(twice)} more than once; keep one column of that name.")
    return header


def _as_record(texts: list[str], header: list[str], columns: tuple[str, ...]) -> dict[str, str]:
    """Name the cells of a row; cells that a spreadsheet left off at the end of a row are empty."""
    if len(texts) > len(header):
        raise LabelError(
            f"the row has {len(texts)} values for {len(header)} columns; put a text that holds commas in double quotes."
        )
    record = dict(zip(header, texts + [""] * (len(header) - len(texts)), strict=True))
    return {column: record[column] for column in columns}


def _position(row: Mapping[str, str]) -> Position:
    for column in ("scan_y", "scan_x"):
        if not re.fullmatch("[+-]?[0-9]{1,9}", row[column]):
            raise LabelError(f"{column} is {row[column]!r}; it must be a whole number (probe positions from 0).")
    return inside_scan((int(row["scan_y"]), int(row["scan_x"])), None)


def _labelled_position(row: Mapping[str, str], scan_shape: tuple[int, int] | None) -> tuple[Position, str | None]:
    position = inside_scan(_position(row), scan_shape)
    return position, tidy_name(row["label"]) if row["label"] else None


def _merged(rows: list[tuple[Position, str | None]]) -> tuple[dict[Position, str], LabelReport]:
    """Merge rows of the same position; one with different names gets none and goes into the report."""
    found: dict[Position, dict[str, None]] = {}
    for position, name in rows:
        if name is not None:
            found.setdefault(position, {})[name] = None
    unlabelled = sum(name is None for _, name in rows)
    report = LabelReport(
        entries=len(rows),
        unique=len(found),
        duplicates=len(rows) - unlabelled - len(found),
        unlabelled=unlabelled,
        conflicts=tuple((*position, tuple(names)) for position, names in sorted(found.items()) if len(names) > 1),
        alike=_alike(name for _, name in rows if name is not None),
    )
    return {position: next(iter(names)) for position, names in found.items() if len(names) == 1}, report


def _alike(names: Iterable[str]) -> tuple[tuple[str, ...], ...]:
    """Group the names that differ only in capitals or spaces: slips of the keyboard, most likely."""
    groups: dict[str, dict[str, None]] = {}
    for name in names:
        groups.setdefault("".join(name.split()).casefold(), {})[name] = None
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def _label_set(path: Path | str, labels: dict[Position, str], scan_shape: tuple[int, int] | None) -> LabelSet:
    try:
        return LabelSet(ClassScheme.from_names(labels.values()), scan_shape, labels)
    except LabelError as error:  # too many classes: the wrong column, most likely
        raise LabelError(f"{path}: {error}") from error


def _tell_conflicts(conflicts: tuple[tuple[int, int, tuple[str, ...]], ...]) -> str:
    shown = [f"({y}, {x}) {' / '.join(names)}" for y, x, names in conflicts[:10]]
    return ", ".join(shown) + (f" and {len(conflicts) - 10} more" if len(conflicts) > 10 else "")


def _write_table(path: Path | str, header: tuple[str, ...], rows: Iterable[tuple[int, int, str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())
