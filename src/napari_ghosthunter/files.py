"""Files written whole or not at all: a temporary file beside the target, then a rename."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_ghosthunter.errors import OutputError


def check_outputs(paths: Iterable[Path | str], *, overwrite: bool, inputs: Iterable[Path | str | None] = ()) -> None:
    """Refuse outputs that exist already or cannot be written, before any work is done for them.

    Raises
    ------
    OutputError
        If one of `paths` exists and `overwrite` is false, is one of the `inputs` (None is passed over), is a folder or
        a device, or lies where no file can be made.
    """
    outputs, given = list(map(Path, paths)), [path for path in inputs if path is not None and Path(path).exists()]
    for path in outputs:
        _check_writable(path)
        if path.exists() and any(path.samefile(one) for one in given):
            raise OutputError(f"{path} is an input of this command; choose another output.")
    existing = [path for path in outputs if path.exists()]
    if existing and not overwrite:
        more = f" and {len(existing) - 1} more" if len(existing) > 1 else ""
        raise OutputError(
            f"{existing[0]}{more} exists already; choose another output, or add --overwrite (overwrite=True in Python)."
        )


def _check_writable(path: Path) -> None:
    if path.is_dir():
        raise OutputError(f"Cannot write {path}: it is a folder; give the name of a file.")
    if path.exists() and not path.is_file():  # a rename would put a plain file in the place of /dev/null
        raise OutputError(f"Cannot write {path}: it is a device or a pipe; give the name of a file.")
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    if not folder.is_dir():
        raise OutputError(f"Cannot write {path}: {folder} is a file, not a folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"Cannot write {path}: you may not write in the folder {folder}.")


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it replaces `path`, on any failure it vanishes.

    The temporary name keeps the suffix of `path`, because writers choose the format by it.

    Raises
    ------
    OutputError
        If the folder cannot be made or the file cannot be written there.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise OutputError(f"Cannot write {path}: {error.strerror or error}.") from error
    temporary = Path(name)
    try:
        yield temporary
        _like_a_new_file(temporary)
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:  # numpy gives no reason when it could not write everything
        reason = error.strerror or f"{error}; is the disk full?"
        raise OutputError(f"Cannot write {path}: {reason}.") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` (UTF-8) to `path`, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def _like_a_new_file(path: Path) -> None:
    """Give `path` the permissions of any new file: `mkstemp` makes it private to its owner."""
    umask = os.umask(0)
    os.umask(umask)
    path.chmod(0o666 & ~umask)
