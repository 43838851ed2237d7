"""Labels and proposed points as files: labels.csv and points.csv, and whichever kind of label file there is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import tidy_name
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.merging import LabelReport, label_set, merged, tell_conflicts
from napari_ghosthunter.labelling.napari_points import NO_LABELS, is_of_points, points_columns, position_of_point
from napari_ghosthunter.labelling.paperlabels import read_paper_labels
from napari_ghosthunter.labelling.positions import Position, inside_scan
from napari_ghosthunter.labelling.proposal import Proposal
from napari_ghosthunter.labelling.tables import SEPARATORS, cells_of, named, read_table, read_text, write_table

LABELS_HEADER = ("scan_y", "scan_x", "label")
POINTS_HEADER = ("scan_y", "scan_x", "reason")
TABLES = (".csv", ".tsv", ".txt")


def read_labels(path: Path | str, scan_shape: tuple[int, int] | None = None) -> tuple[LabelSet, LabelReport]:
    """Read labels.csv: a table with the columns scan_y, scan_x and label, in any order and with any others beside.

    A table that napari writes of a Points layer will do as well: axis-0, axis-1, and a feature 'label', or only one;
    its places are rounded to positions.

    A table of proposed points with a column 'label' added will do. A row with an empty label waits for one and is only
    counted; a row that comes again with the same label counts once. The classes are those of the
    labels, in the order of `classes.in_order`.

    Parameters
    ----------
    path
        The file: UTF-8, with a header, separated by commas, semicolons or tabs.
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
        str(path): read_table(path, LABELS_HEADER, lambda row: _labelled_position(row, scan_shape), _label_columns)
        for path in paths
    }
    labels, report = merged([row for rows in tables.values() for row in rows])
    if report.conflicts:
        positions = {(y, x) for y, x, _ in report.conflicts}
        files = [path for path, rows in tables.items() if any(name and spot in positions for spot, name in rows)]
        raise LabelError(
            f"{' and '.join(files)} {'give' if len(files) > 1 else 'gives'} different labels to one position: "
            f"{tell_conflicts(report.conflicts)}. Keep one row for each of these positions."
        )
    return label_set(", ".join(tables), labels, scan_shape), report


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


def waits_for_labels(path: Path | str) -> bool:
    """Whether a file is a table of proposed points, as `write_points` writes it, to which nobody has added labels.

    Raises
    ------
    LabelError
        If it cannot be read as text.
    """
    if Path(path).suffix.lower() not in TABLES:
        return False
    header = next((line for line in read_text(path).splitlines() if line.strip()), "")
    headers = [set(cells_of(header, separator)) for separator in SEPARATORS]
    return any(columns.issuperset(POINTS_HEADER) and LABELS_HEADER[-1] not in columns for columns in headers)


def write_labels(path: Path | str, labels: Mapping[Position, str]) -> None:
    """Write labels.csv, sorted by (scan_y, scan_x), whole or not at all.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_table(path, LABELS_HEADER, [(y, x, labels[y, x]) for y, x in sorted(labels)])


def read_points(path: Path | str) -> list[Proposal]:
    """Read points.csv, as `write_points` wrote it; other columns are passed over.

    Raises
    ------
    LabelError
        With file and line, if the file cannot be read, a column is missing or a row is not whole.
    """
    return read_table(path, POINTS_HEADER, lambda row: Proposal(*_position(row), row["reason"]))


def write_points(path: Path | str, proposals: Iterable[Proposal]) -> None:
    """Write points.csv, whole or not at all; without proposals it holds the header only.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_table(path, POINTS_HEADER, [(point.scan_y, point.scan_x, point.reason) for point in proposals])


def _position(row: Mapping[str, str]) -> Position:
    for column in ("scan_y", "scan_x"):
        if not re.fullmatch("[+-]?[0-9]{1,9}", row[column]):
            raise LabelError(f"{column} is {row[column]!r}; it must be a whole number (probe positions from 0).")
    return inside_scan((int(row["scan_y"]), int(row["scan_x"])), None)


def _label_columns(header: list[str]) -> dict[str, str]:
    """Find the columns of labels.csv, or else those of napari's points."""
    if is_of_points(header) and not {"scan_y", "scan_x"} & set(header):
        return points_columns(header)
    return named(LABELS_HEADER, header)


def _labelled_position(row: dict[str, str], scan_shape: tuple[int, int] | None) -> tuple[Position, str | None]:
    if is_of_points(list(row)):
        name = row["label"] if row["label"] not in NO_LABELS else ""
        return inside_scan(position_of_point(row), scan_shape), tidy_name(name) if name else None
    position = inside_scan(_position(row), scan_shape)
    return position, tidy_name(row["label"]) if row["label"] else None
