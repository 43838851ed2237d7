"""Small text files beside a scan: headers, which say what the scan is of."""

from __future__ import annotations

import re
from pathlib import Path

from napari_ghosthunter.errors import ScanError

_WHOLE = re.compile("[0-9]{1,9}")
COMPANION_BYTES = 16 * 2**20


def companion_text(path: Path) -> str:
    """Read a header file, of any encoding that keeps ASCII.

    Raises
    ------
    ScanError
        If it cannot be read, or is too large to be one.
    """
    try:
        size = path.stat().st_size
        if not path.is_file() or size > COMPANION_BYTES:
            raise ScanError(f"{path.name} ({size / 1e6:.0f} MB) is no header: those are text files of some kB.")
        return path.read_text(encoding="latin-1")
    except OSError as error:
        raise ScanError(f"{path.name} beside it cannot be read: {error.strerror or error}.") from error


def whole_number(text: str | None) -> int:
    """Read a number of positions; 0 where a header states none, or nonsense."""
    digits = (text or "").strip()
    return int(digits) if _WHOLE.fullmatch(digits) else 0
