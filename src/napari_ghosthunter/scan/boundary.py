"""The boundary to the libraries that read files: their exceptions become one clear line here.

Broken files make RosettaSciIO, h5py and the rest raise almost anything, from struct.error to AssertionError. The
kinds seen are named; they are caught only around calls into a library, so that a fault of our own keeps its traceback.
"""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from xml.etree.ElementTree import ParseError

from napari_ghosthunter.errors import ScanError
from napari_ghosthunter.scan.causes import no_fault_of_the_file, one_line

LIBRARY_ERRORS = (
    OSError,
    ValueError,  # also UnicodeDecodeError and json's
    LookupError,  # KeyError, IndexError
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,  # OverflowError, ZeroDivisionError
    RuntimeError,  # also NotImplementedError and RecursionError
    EOFError,
    MemoryError,  # a length read from a damaged header
    ImportError,  # an optional dependency of a library that this file would need
    struct.error,
    lzma.LZMAError,
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
)


@contextmanager
def reading(path: Path, what: str, *more: type[Exception]) -> Iterator[None]:
    """Turn what a library raises on a file into a ScanError that says which file, what was expected, and why not.

    Parameters
    ----------
    path, what
        The file, and what it was read as ('a Gatan .dm4 file').
    more
        Exceptions of this library that are not of a builtin kind.

    Raises
    ------
    ScanError
        If the block raises one of `LIBRARY_ERRORS` or of `more`.
    """
    try:
        yield
    except LIBRARY_ERRORS + more as error:
        reason = no_fault_of_the_file(error)
        reason = reason or f"it is damaged, cut short, or of another kind ({one_line(error)})"
        raise ScanError(f"{path.name} cannot be read as {what}: {reason}.") from error
