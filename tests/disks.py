"""Small disks that can be full or read-only, and files that cannot grow: what a test does to whoever writes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PAGE = 4096  # a disk in memory has room or none by whole pages
MEGABYTE = 2**20


class Disk:
    """A disk of 4 MiB in memory, mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self, free: int = 0) -> None:
        """Leave so many bytes, rounded up to whole pages."""
        self.empty()
        with self._ballast.open("wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(bytes(PAGE))
            except OSError:
                size = stream.tell()
            stream.truncate(max(0, size - -(-free // PAGE) * PAGE))

    def empty(self) -> None:
        """Give all its room back."""
        self._ballast.unlink(missing_ok=True)

    def make_read_only(self) -> None:
        """Let nothing be written any more; no file may be open for writing."""
        _call("mount", "-o", "remount,ro", str(self.path))

    @property
    def names(self) -> set[str]:
        """What lies on it."""
        return {str(path.relative_to(self.path)) for path in self.path.rglob("*")} - {"ballast"}


@contextmanager
def small_disk(path: Path) -> Iterator[Disk]:
    """Mount a small disk; skips the test where that is not allowed."""
    if not sys.platform.startswith("linux"):
        pytest.skip("needs a small disk in memory, which is mounted on Linux only")
    path.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={4 * MEGABYTE}", "tmpfs", path],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        pytest.skip(f"needs a small disk, which only root may mount: {done.stderr.strip()}")
    try:
        yield Disk(path)
    finally:
        _call("umount", "--lazy", str(path))


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes, as on a disk that is full; needs no rights."""
    resource = pytest.importorskip("resource", reason="Windows limits no file's size")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _call(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
