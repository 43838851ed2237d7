"""Small tables as CSV files that were made by hand.

They come in every shape, so the reader forgives what cannot be mistaken (spaces, blank lines, more columns, line ends)
and refuses, with file and line, whatever would have to be guessed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.files import write_text

MOST_BYTES = 64 * 2**20  # some 3 million labels, as large as a bundle may hold

_T = TypeVar("_T")


def read_table(path: Path | str, columns: tuple[str, ...], convert: Callable[[dict[str, str]], _T]) -> list[_T]:
    """Convert each row of a CSV file, given as {column: stripped text}; an error gets the file and the line."""
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
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


def write_table(path: Path | str, header: tuple[str, ...], rows: Iterable[tuple[int, int, str]]) -> None:
    """Write a CSV file, whole or not at all; OutputError if that cannot be."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    write_text(path, text.getvalue())


def read_text(path: Path | str) -> str:
    """Read a text file of labels; LabelError, with its path, if it is none."""
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
