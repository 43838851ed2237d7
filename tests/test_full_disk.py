"""A disk that is full after any byte: one clear error, nothing half-written, and what was there before is as it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from napari_ghosthunter.errors import OutputError
from napari_ghosthunter.scan.datacube import write_py4dstem
from napari_ghosthunter.scan.scan import Scan
from tests.disks import PAGE, Disk, no_file_longer_than
from tests.scan.writers import needs_py4dstem
from tests.writers import WRITERS, Content, content


@pytest.fixture(scope="session")
def what(make_model: Callable[..., Any]) -> Content:
    return content(0, make_model())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "ballast"}


@pytest.mark.parametrize("name", WRITERS)
def test_a_disk_that_is_full_at_any_page(name: str, disk: Disk, what: Content) -> None:
    write = WRITERS[name]
    write(disk.path / name, what)
    before = contents(disk.path)
    pages = sum(-(-len(content) // PAGE) for content in before.values())
    for free in range(0, pages, max(1, pages // 12)):
        disk.fill(PAGE * free)
        with pytest.raises(
            OutputError, match="^Cannot write .*: .*(No space left on device|disk full|code: 28)"
        ) as refused:
            write(disk.path / name, what)
        assert str(refused.value).count("\n") == 0
        assert contents(disk.path) == before
    disk.empty()
    write(disk.path / name, what)
    assert set(contents(disk.path)) == set(before)


@pytest.mark.parametrize("name", WRITERS)
def test_a_file_that_cannot_grow_beyond_any_byte(name: str, tmp_path: Path, what: Content) -> None:
    write = WRITERS[name]
    write(tmp_path / name, what)
    before = contents(tmp_path)
    largest = max(map(len, before.values()))
    for size in [0, 1, *range(100, largest - 1, largest // 12), largest - 1]:
        with no_file_longer_than(size), pytest.raises(OutputError, match="File too large|is the disk full"):
            write(tmp_path / name, what)
        assert contents(tmp_path) == before, size


@pytest.mark.parametrize("name", WRITERS)
def test_a_read_only_disk(name: str, disk: Disk, what: Content) -> None:
    write = WRITERS[name]
    write(disk.path / name, what)
    before = contents(disk.path)
    disk.make_read_only()
    with pytest.raises(OutputError, match="Cannot write .*(Read-only|may not write)"):
        write(disk.path / name, what)
    assert contents(disk.path) == before


@needs_py4dstem
def test_a_whole_scan_is_not_begun_where_it_does_not_fit(disk: Disk) -> None:
    scan = Scan(np.zeros((64, 64, 32, 32), np.uint8))  # the disk, and nothing beside it
    with pytest.raises(OutputError, match=r"scan.h5: it takes 0.004 GB, and the disk has 0.00. GB left"):
        write_py4dstem(Scan(np.zeros((64, 65, 32, 32), np.uint8)), disk.path / "scan.h5")
    disk.fill(100_000)
    with pytest.raises(OutputError, match="and the disk has 0.000 GB left"):
        write_py4dstem(scan, disk.path / "scan.h5")
    assert disk.names == set()
