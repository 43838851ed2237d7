"""Small tables as CSV files that were made by hand.

They come in every shape, so the reader forgives what cannot be mistaken (spaces, blank lines, more columns, line ends,
semicolons or tabs in the place of commas) and refuses, with file and line, whatever would have to be guessed.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.files import write_text

MOST_BYTES = 64 * 2**20  # some 3 million labels, as large as a bundle may hold

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs"}  # the second where a comma is the decimal point

_T = TypeVar("_T")
Choose: TypeAlias = Callable[[list[str]], Mapping[str, str]]
_FIRST_LINE = re.compile(r"[^\r\n]*[^\s][^\r\n]*")
_SAID = re.compile(r"sep=([,;\t])", re.IGNORECASE)


def read_table(
    path: Path | str,
    columns: tuple[str, ...],
    convert: Callable[[dict[str, str]], _T],
    choose: Choose | None = None,
) -> list[_T]:
    """Convert each row of a table, given as {column: stripped text}; an error gets the file and the line.

    Parameters
    ----------
    path
        The file, whose columns are separated by commas, semicolons or tabs: whichever gives the columns.
    columns
        Names of the columns that are needed.
    convert
        Makes something of a row.
    choose
        Takes the columns out of a header, as {name for `convert`: name in the header}, and raises LabelError if it
        cannot; those of the same names if not given.

    Raises
    ------
    LabelError
        If the file cannot be read, or is no such table.
    """
    choose = choose or partial(named, columns)
    text = read_text(path)
    line, separator, first = 0, ",", _FIRST_LINE.search(text)
    if first is None:
        raise LabelError(f"{path} is empty; its first line must be {','.join(columns)}.")
    told = _SAID.fullmatch(first[0].strip(" "))  # as spreadsheets write it before the header
    if told is not None:
        line, text = len(text[: first.start()].splitlines()), text[first.end() :]  # the rest of it is a line, too
        separator = told[1]
    else:
        separator = _separator(first[0], choose)
    return list(_converted(path, text, separator, line, choose, convert))


def _converted(
    path: Path | str,
    text: str,
    separator: str,
    before: int,
    choose: Choose,
    convert: Callable[[dict[str, str]], _T],
) -> Iterator[_T]:
    """Read the rows of a text whose separator is known, and which is `before` lines down in its file."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header: list[str] | None = None
    names: Mapping[str, str] = {}
    try:
        for cells in reader:
            texts = [cell.strip() for cell in cells]
            if not any(texts):
                continue
            if header is None:
                header, names = texts, choose(texts)
                continue
            record = _as_record(texts, header, separator)
            yield convert({name: record[column] for name, column in names.items()})
    except csv.Error as error:
        raise LabelError(f"{path}, line {before + reader.line_num}: {error}; check the double quotes.") from error
    except LabelError as error:
        raise LabelError(f"{path}, line {before + reader.line_num}: {error}") from error


def cells_of(line: str, separator: str) -> list[str]:
    """Split one line of a table into its stripped cells."""
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator), [])]
    except csv.Error:
        return []


def _separator(header: str, choose: Choose) -> str:
    """Find the separator that gives a header the columns that are needed; the comma, which is refused, if none does."""
    for separator in SEPARATORS:
        with suppress(LabelError):
            choose(cells_of(header, separator))
            return separator
    return max(SEPARATORS, key=lambda separator: len(cells_of(header, separator)))


def named(columns: tuple[str, ...], header: list[str]) -> dict[str, str]:
    """Check that the columns of these names are there, each once."""
    told = ",".join(header)
    absent = [column for column in columns if column not in header]
    if absent:
        hint = f"add {' and '.join(absent)}"
        raise LabelError(f"the header {told!r} lacks the columns {', '.join(absent)}; {hint}.")
    twice = [column for column in columns if header.count(column) > 1]
    if twice:
        raise LabelError(f"the header {told!r} has {', '.join(twice)} more than once; keep one column of that name.")
    return {column: column for column in columns}


def _as_record(texts: list[str], header: list[str], separator: str) -> dict[str, str]:
    """Name the cells of a row; cells that a spreadsheet left off at the end of a row are empty."""
    if len(texts) > len(header):
        raise LabelError(
            f"the row has {len(texts)} values for {len(header)} columns; put a text that holds {SEPARATORS[separator]} "
            "in double quotes."
        )
    return dict(zip(header, texts + [""] * (len(header) - len(texts)), strict=True))


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
