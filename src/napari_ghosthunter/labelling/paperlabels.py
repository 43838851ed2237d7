"""The label files that the paper published: YAML lists of pattern files, whose names say the position."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import tidy_name
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.merging import LabelReport, label_set, merged
from napari_ghosthunter.labelling.positions import Position, inside_scan
from napari_ghosthunter.labelling.tables import read_text
from napari_ghosthunter.labelling.yamlfile import load_plain


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
    labels, report = merged(rows)
    return label_set(path, labels, scan_shape), report


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
    text = read_text(path)
    try:
        return load_plain(text)
    except LabelError as error:
        raise LabelError(f"{path}: {error}") from error
