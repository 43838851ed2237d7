"""Files written whole or not at all: a temporary file beside the target, then a rename.

Whoever is killed while writing leaves the temporary file, which no reader takes for anything: its name begins with a
dot and has '.part' before its ending. Whoever writes the same file an hour later or more removes it.
"""

from __future__ import annotations

import glob
import os
import secrets
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from napari_ghosthunter.errors import OutputError

PART = ".part"
LEFT_SECONDS = 3600.0  # a temporary file that nobody has touched for so long is nobody's any more


def check_outputs(paths: Iterable[Path | str], *, overwrite: bool, inputs: Iterable[Path | str | None] = ()) -> None:
    """Refuse outputs that exist already or cannot be written, before any work is done for them.

    Raises
    ------
    OutputError
        If one of `paths` exists and `overwrite` is false, is one of the `inputs` (None is passed over), is a folder or
        a device, or lies where no file can be made.
    """
    outputs, given = list(map(Path, paths)), [path for path in inputs if path is not None and Path(path).exists()]
    for folder, path in {_check_writable(path): path for path in reversed(outputs)}.items():
        _check_folder(folder, path)
    for path in outputs:
        if path.exists() and any(path.samefile(one) for one in given):
            raise OutputError(f"{path} is an input of this command; choose another output.")
    existing = [path for path in outputs if path.exists()]
    if existing and not overwrite:
        exist = f" and {len(existing) - 1} more exist" if len(existing) > 1 else " exists"
        raise OutputError(
            f"{existing[0]}{exist} already; choose another output, or add --overwrite (overwrite=True in Python)."
        )


def _check_writable(path: Path) -> Path:
    """Give the folder that a file, or the folder of it, is to be made in."""
    if path.is_dir():
        raise OutputError(f"Cannot write {path}: it is a folder; give the name of a file.")
    if path.exists() and not path.is_file():  # a rename would put a plain file in the place of /dev/null
        raise OutputError(f"Cannot write {path}: it is a device or a pipe; give the name of a file.")
    folder = next(folder for folder in path.absolute().parents if folder.exists())
    if not folder.is_dir():
        raise OutputError(f"Cannot write {path}: {folder} is a file, not a folder.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OutputError(f"Cannot write {path}: you may not write in the folder {folder}.")
    return folder


def _check_folder(folder: Path, path: Path) -> None:
    """Refuse a folder that no file can be made in, whatever its rights say: they do not hold for an administrator."""
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OutputError(f"Cannot write {path}: no file can be made in {folder} ({error.strerror}).") from error


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success it replaces `path`, on any failure it vanishes.

    The temporary name keeps the suffix of `path`, because writers choose the format by it.

    Raises
    ------
    OutputError
        If the folder cannot be made or the file cannot be written there.
    """
    with whole_files([path]) as (temporary,):
        yield temporary


@contextmanager
def whole_files(paths: Sequence[Path | str]) -> Iterator[list[Path]]:
    """Give temporary paths beside `paths`; on success they replace all of these, on any failure they vanish.

    The first one is renamed last, and is not there while the others are replaced: if it is there, the set is whole.

    Raises
    ------
    OutputError
        If a folder cannot be made or a file cannot be written there.
    """
    targets = list(map(Path, paths))
    what = f"{targets[0]}" if len(targets) == 1 else f"{targets[0]} and the files beside it"
    temporaries: list[Path] = []
    try:
        for target in targets:
            temporaries.append(_temporary_beside(target))  # noqa: PERF401 - those that are made must be known
        yield temporaries
        for temporary in temporaries:
            _settle(temporary)
        if len(targets) > 1:
            targets[0].unlink(missing_ok=True)
        for temporary, target in reversed(list(zip(temporaries, targets, strict=True))):
            temporary.replace(target)
        for folder in {target.parent for target in targets}:
            _settle_names(folder)
    except OSError as error:  # numpy gives no reason when it could not write everything
        reason = error.strerror or f"{error}; is the disk full?"
        raise OutputError(f"Cannot write {what}: {reason}.") from error
    finally:
        for temporary in temporaries:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_text(path: Path | str, text: str) -> None:
    """Write `text` (UTF-8) to `path`, whole or not at all."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def _temporary_beside(path: Path) -> Path:
    """Make an empty file of another name in the folder of `path`, which is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(path)
    while True:
        temporary = path.with_name(f".{path.stem}-{secrets.token_hex(4)}{PART}{path.suffix}")
        # not `mkstemp`, which makes it private: here the system gives it the rights of any new file in this folder
        with suppress(FileExistsError):
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            return temporary


def _clear_leftovers(path: Path) -> None:
    """Remove what writers of `path` have left when they were killed, but nothing that one may be writing."""
    for left in path.parent.glob(f".{glob.escape(path.stem)}-*{PART}{glob.escape(path.suffix)}"):
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > LEFT_SECONDS:
                left.unlink()


def _settle(path: Path) -> None:
    """Put a finished file on the disk."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def _settle_names(folder: Path) -> None:
    """Put the names in a folder on the disk, where the system can: a machine may lose power after a rename."""
    if os.name != "posix":
        return
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
