"""Row 4: the first picture of a scan, against the fastest plain pass over the same file.

The file has 1 GiB and lies in the page cache. The plain pass is np.add.reduce over the detector, in the chunks and with
the type of sum that are fastest here. A bright field reads only the box of the detector around the disk, so the same
box is summed plainly too; the dark field reads everything and weighs every pixel.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import opened, scratch
from benchmarks.rows import Row, at_least, run_alone
from benchmarks.turns import best_of
from napari_ghosthunter.scan import virtual

SCAN_SHAPE, DETECTOR_SHAPE = (32, 256), (256, 256)  # 1 GiB
CHUNKS = (1, 16, 64, 256, 1024)  # patterns
SUMS = (np.uint32, np.uint64, np.float64)
ROUNDS = 4


def rows(quick: bool) -> Iterator[Row]:
    """Measure the images, and the plain passes."""
    with scratch() as folder:
        scan = opened(folder, (2, 64) if quick else SCAN_SHAPE, DETECTOR_SHAPE)
        beam = virtual.measure_scan_beam(scan)
        bright, dark = (
            make(scan.detector_shape, beam) for make in (virtual.bright_field_mask, virtual.dark_field_mask)
        )
        k_y, k_x = (np.flatnonzero(bright.any(axis=axis)) for axis in (1, 0))
        box = slice(k_y[0], k_y[-1] + 1), slice(k_x[0], k_x[-1] + 1)
        everything = np.asarray(scan.data).reshape(-1, *DETECTOR_SHAPE)
        images = {
            "bright": partial(virtual.virtual_image, scan, bright),
            "dark": partial(virtual.virtual_image, scan, dark),
        }
        passes: dict[str, Any] = {}
        for chunk in CHUNKS:
            for dtype in SUMS:
                told = f"{dtype.__name__} sums of {chunk} patterns"
                passes[f"all: {told}"] = partial(plain_pass, everything, chunk, dtype)
                passes[f"box: {told}"] = partial(plain_pass, everything[:, *box], chunk, dtype)
        best = best_of({**images, **passes}, 1 if quick else ROUNDS)
        whole, boxed = (min((best[name], name) for name in passes if name.startswith(of)) for of in ("all", "box"))
        speed = f"{scan.size_bytes / best['bright'] / 1e9:.3g} GB/s of the file"
        what = f"bright field of a {scan.size_bytes / 2**30:.2g} GiB memory map, against the fastest plain pass over it"
        yield at_least(
            what, whole[0] / best["bright"], 0.8, " times",
            f"{speed}; plain: {scan.size_bytes / whole[0] / 1e9:.3g} GB/s, {whole[1][5:]}",
        )  # fmt: skip
        yield Row(
            "the same, against a plain pass over the box of the disk only", f"{boxed[0] / best['bright']:.2g} times"
        )
        yield Row(
            "dark field (all but the disk), against the fastest plain pass over the file",
            f"{whole[0] / best['dark']:.2g} times ({scan.size_bytes / best['dark'] / 1e9:.3g} GB/s)",
        )


def plain_pass(patterns: NDArray[Any], chunk: int, dtype: type[np.generic]) -> NDArray[Any]:
    """Sum each of the patterns (n, k_y, k_x), some at a time."""
    image = np.empty(len(patterns), dtype)
    for start in range(0, len(patterns), chunk):
        np.add.reduce(patterns[start : start + chunk], axis=(1, 2), dtype=dtype, out=image[start : start + chunk])
    return image


if __name__ == "__main__":
    run_alone("benchmarks.first_look", rows)
