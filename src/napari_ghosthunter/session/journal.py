"""The journal of a sitting: a file of JSON lines to which every edit is added before the next one can be made.

The first line says what the sitting started from. A machine that loses power tears the last line at most, and a
damaged line costs what that line said, not the rest.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from napari_ghosthunter.errors import LabelError, OutputError, SessionError
from napari_ghosthunter.files import whole_file
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.edits import Edit, How
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.positions import Position

FORMAT = 1


class Header(BaseModel):
    """The first line: the scan, and what the sitting started from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = FORMAT
    fingerprint: str
    scan: dict[str, Any]  # as `describe` tells it
    started: datetime
    classes: ClassScheme = ClassScheme()
    labels: tuple[tuple[int, int, str], ...] = ()
    points: tuple[tuple[int, int, str], ...] = ()
    training: dict[str, Any] | None = None  # the training configuration, where it was chosen
    patterns: dict[str, Any] | None = None

    @classmethod
    def of(cls, fingerprint: str, scan: dict[str, Any], labels: LabelSet, **choices: dict[str, Any] | None) -> Header:
        """Describe a sitting that starts now with these labels."""
        return cls(
            fingerprint=fingerprint,
            scan=scan,
            started=datetime.now(UTC),
            classes=labels.classes,
            labels=_rows(labels),
            points=_rows(labels.points),
            **choices,
        )

    def start(self, scan_shape: tuple[int, int]) -> LabelSet:
        """Make the labels and points that the sitting started from.

        Raises
        ------
        LabelError
            If they do not fit a scan of `scan_shape` (scan_y, scan_x).
        """
        return LabelSet(
            self.classes,
            scan_shape,
            {(y, x): name for y, x, name in self.labels},
            {(y, x): reason for y, x, reason in self.points},
        )


class Entry(BaseModel):
    """Any further line: an edit and how it was done, or a choice of configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    how: How | None = None
    edit: Annotated[Edit, Field(discriminator="kind")] | None = None
    training: dict[str, Any] | None = None
    patterns: dict[str, Any] | None = None


@dataclass(frozen=True)
class JournalText:
    """What a journal file holds.

    Attributes
    ----------
    header
        None where the first line is damaged.
    entries
        The other lines in their order; None for each that cannot be read.
    good_end
        Bytes up to the end of the last line that can be read; what follows was torn in writing.
    size
        Bytes in all.
    """

    header: Header | None
    entries: tuple[Entry | None, ...]
    good_end: int
    size: int

    @property
    def torn(self) -> bool:
        """Whether the last line was cut off."""
        return self.good_end < self.size

    @property
    def unreadable(self) -> int:
        """Number of damaged lines that others follow."""
        return self.entries.count(None) + (self.header is None)


class Journal:
    """A journal file that is open for writing. It is not for two writers; `Sitting` sees to that.

    Parameters
    ----------
    path
        The file.
    end
        Bytes up to the end of its last whole line; what follows is cut off. By default nothing does.

    Raises
    ------
    OutputError
        If the file cannot be made or opened.
    """

    def __init__(self, path: Path, end: int | None = None) -> None:
        self._path = path
        self._whole = True  # but for what a line that could not be written may have left
        try:
            self._stream = path.open("a+b", buffering=0)
            if end is not None:
                self._stream.truncate(end)
            self._end = self._stream.seek(0, os.SEEK_END)
            if self._end and not _ends_a_line(self._stream):
                self._end += self._stream.write(b"\n")
        except OSError as error:
            raise OutputError(f"Cannot write the journal {path}: {error.strerror or error}.") from error

    @classmethod
    def begin(cls, path: Path, header: Header) -> Journal:
        """Make a journal, whole with its first line or not at all, in the place of one that is there.

        Raises
        ------
        OutputError
            If it cannot be made.
        """
        with whole_file(path) as temporary:
            temporary.write_bytes(_line(header))
        return cls(path)

    def append(self, entry: Entry) -> None:
        """Add a line; it is on the disk when this returns.

        Raises
        ------
        OutputError
            If it cannot be written, for instance because the disk is full; the file stays as it was, or is brought
            back to that before anything else is written.
        SessionError
            If the journal is closed.
        """
        if self._stream.closed:
            raise SessionError("This sitting is closed; open the scan again to go on.")
        data = _line(entry)
        try:
            self._cut()
            if os.fstat(self._stream.fileno()).st_nlink == 0:
                raise OSError("it was deleted; save a copy of your work, and open the scan again")
            self._whole = False
            if self._stream.write(data) != len(data):
                raise OSError("the disk is full")
            os.fsync(self._stream.fileno())
        except OSError as error:
            with suppress(OSError):
                self._cut()
            raise OutputError(f"Cannot write the journal {self._path}: {error.strerror or error}.") from error
        self._end, self._whole = self._end + len(data), True

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _cut(self) -> None:
        """Take away what was written of a line that failed: the next line would not be one behind it."""
        if not self._whole:
            self._stream.truncate(self._end)
            self._whole = True


def read_journal(path: Path) -> JournalText:
    """Read what can be read of a journal, without changing it.

    Raises
    ------
    SessionError
        If there is no such file, it cannot be read, or a newer version wrote it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise SessionError(f"Cannot read the journal {path}: {error.strerror or error}.") from error
    first, *others = data.split(b"\n")
    header = _header(path, first)
    end = len(first) + 1
    good_end, good = (0, 0) if header is None else (min(end, len(data)), 0)
    entries: list[Entry | None] = []
    for line in others:
        end += len(line) + 1
        if line:
            entries.append(_entry(line))
            if entries[-1] is not None:
                good_end, good = min(end, len(data)), len(entries)
    return JournalText(header, tuple(entries[:good]), good_end, len(data))


def _header(path: Path, line: bytes) -> Header | None:
    """Check the version first: a newer file may have fields that this one cannot know."""
    try:
        content = json.loads(line)
        version = content.get("format") if isinstance(content, dict) else None
        if isinstance(version, int) and version > FORMAT:
            raise SessionError(f"{path} was written by a newer napari-ghosthunter; update to go on with it.")
        return Header.model_validate_json(line)
    except (LabelError, ValidationError, ValueError, RecursionError):
        return None


def _entry(line: bytes) -> Entry | None:
    try:
        return Entry.model_validate_json(line)
    except (LabelError, ValidationError):  # a name that cannot be a class is a LabelError
        return None


def _line(line: Header | Entry) -> bytes:
    absent = {name for name, value in line if value is None}
    return line.model_dump_json(exclude=absent).encode() + b"\n"


def _ends_a_line(stream: io.FileIO) -> bool:
    stream.seek(-1, os.SEEK_END)
    return stream.read(1) == b"\n"


def _rows(values: Mapping[Position, str]) -> tuple[tuple[int, int, str], ...]:
    return tuple((y, x, text) for (y, x), text in values.items())
