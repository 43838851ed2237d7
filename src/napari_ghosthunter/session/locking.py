"""The lock of a sitting: held while it is open, so that no second window goes on with it; it falls with its process."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout, UnixFileLock, WindowsFileLock

from napari_ghosthunter.errors import OutputError, SessionError

LOCK = "lock"


def locked(folder: Path, seconds: float = 0) -> FileLock:
    """Take the lock of a sitting; wait for it no longer than some seconds.

    Raises
    ------
    SessionError
        If it is taken.
    OutputError
        If there can be no lock in this folder.
    """
    lock = FileLock(folder / LOCK, timeout=seconds, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        also = f" If it is not, because that computer broke down, delete {folder / LOCK}." if _is_soft(lock) else ""
        raise SessionError(
            f"This sitting is open in another window (its folder is {folder}); go on there, or start a new sitting."
            + also
        ) from None
    except (OSError, NotImplementedError) as error:
        raise OutputError(f"Cannot keep a sitting in {folder}: {getattr(error, 'strerror', None) or error}.") from error
    return lock


def _is_soft(lock: FileLock) -> bool:
    """Whether a file stands for the lock, where the file system knows none: a newer filelock tells by what is in it."""
    try:
        return not isinstance(lock, UnixFileLock | WindowsFileLock) or Path(lock.lock_file).stat().st_size > 0
    except OSError:  # gone by now
        return False


def in_use(folder: Path) -> bool:
    """Whether the sitting in this folder is open, in this process or in another.

    Raises
    ------
    OutputError
        If that cannot be found out, because nothing can be written in the folder.
    """
    try:
        locked(folder).release()
    except SessionError:
        return True
    return False
