"""The fingerprint tells scans apart by what they hold, and reads little of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from napari_ghosthunter.scan import fingerprint as module
from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.readers import open_scan
from napari_ghosthunter.scan.scan import Scan

CUBE = np.random.default_rng(0).integers(0, 1000, (5, 7, 6, 8), dtype=np.uint16)


def test_it_depends_on_the_content_alone(tmp_path: Path) -> None:
    mark = fingerprint(Scan(CUBE))
    assert len(mark) == 64
    np.save(tmp_path / "a.npy", CUBE)
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["cube"] = CUBE
    assert fingerprint(open_scan(tmp_path / "a.npy")) == mark
    assert fingerprint(open_scan(tmp_path / "b.h5")) == mark
    assert fingerprint(Scan(CUBE.astype(">u2"))) == mark
    assert fingerprint(Scan(CUBE, Calibration((2, 2), "nm"))) == mark


@pytest.mark.parametrize(
    "other",
    [
        CUBE + np.uint16(1),
        CUBE.astype(np.uint32),
        CUBE.astype(np.int16),
        CUBE.reshape(7, 5, 6, 8),
        CUBE[::-1],
        np.zeros_like(CUBE),
    ],
)
def test_other_scans_have_others(other: Any) -> None:
    assert fingerprint(Scan(other)) != fingerprint(Scan(CUBE))


@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (1, 40, 3, 2), (200, 300, 4, 4), (3, 3, 100, 50)])
def test_it_reads_no_more_than_its_share(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    class Counting:
        shape, dtype = (), np.dtype(np.float32)

        def __getitem__(self, key: Any) -> Any:
            part = np.broadcast_to(np.float32(np.nan), self.shape)[key]
            read.append(part.nbytes)
            return part

    monkeypatch.setattr(module, "LARGEST_SAMPLE", 8000)
    data = Counting()
    data.shape = shape
    assert fingerprint(Scan(data)) == fingerprint(Scan(data))
    assert len(read) <= 2 * 16
    assert sum(read) <= 2 * 8000
