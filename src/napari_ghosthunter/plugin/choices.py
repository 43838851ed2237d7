"""How a user opened a file before: its scan shape and its dataset, kept beside the user's settings.

Folders of measurements are often read-only or shared, so nothing is ever written beside a scan. A file is known again
by its size and the bytes at both of its ends, so that it may be moved, copied or renamed.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.files import write_text
from napari_ghosthunter.scan.options import ScanOptions, options_in

NAME = "opened-scans.json"
KEPT = 500  # files; the ones opened longest ago are forgotten
END_BYTES = 64 * 2**10


def default_folder() -> Path:
    """Folder of this user's settings, as the operating system wants it; it may not exist yet."""
    return user_config_path("napari-ghosthunter", appauthor=False)


def recall(path: Path, folder: Path | None = None) -> ScanOptions:
    """Give what was chosen when this file was last opened; nothing if it never was, or the memory cannot be read."""
    stored = _load(folder or default_folder()).get(_key(path), {})
    chosen = options_in(stored) if isinstance(stored, dict) else None
    return chosen or ScanOptions()  # someone may have edited it


def remember(path: Path, choice: ScanOptions, folder: Path | None = None) -> None:
    """Keep what was chosen for this file; a memory that cannot be written is no reason not to open it."""
    folder = folder or default_folder()
    known = _load(folder)
    key = _key(path)
    known.pop(key, None)  # the last one opened comes last
    known[key] = choice.said()
    lines = [f"{json.dumps(one)}: {json.dumps(what)}" for one, what in list(known.items())[-KEPT:]]
    try:
        write_text(folder / NAME, "{\n" + ",\n".join(lines) + "\n}\n")
    except OutputError:
        return


def _load(folder: Path) -> dict[str, Any]:
    try:
        known = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _key(path: Path) -> str:
    """Know a file by its size and its ends; a folder by its place and its age."""
    state = path.stat()
    if path.is_dir():
        return hashlib.sha256(f"{path.absolute()} {state.st_mtime_ns}".encode()).hexdigest()[:32]
    with path.open("rb") as stream:
        ends = stream.read(END_BYTES)
        stream.seek(max(0, state.st_size - END_BYTES))
        ends += stream.read(END_BYTES)
    return hashlib.sha256(f"{state.st_size} ".encode() + ends).hexdigest()[:32]
