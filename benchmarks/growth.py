"""Row 7, first half: the time of a map against the number of positions and of detector pixels.

Of each, sizes that double are measured in turns. The exponent is the slope of the times over the sizes, both as
logarithms: 1 is linear. With the pixels it is below 1, for the network takes the same time whatever the detector has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from benchmarks.common import opened, random_model, scratch
from benchmarks.rows import Row, at_most, run_alone
from benchmarks.turns import best_of
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.scan import Scan

COLUMNS = 128  # positions a row
ROWS = (4, 8, 16, 32)
DETECTORS = ((128, 128), (256, 128), (256, 256), (512, 256), (512, 512))
LINEAR = 1.1  # exponent: 7 % more for each doubling is within what other work on the machine does
ROUNDS = 4


def rows(quick: bool) -> Iterator[Row]:
    """Measure both kinds of growth."""
    columns, rounds = (16, 1) if quick else (COLUMNS, ROUNDS)
    with scratch() as folder:
        scans = {f"{n}": opened(folder, (n, columns), (128, 128), f"rows{n}") for n in ROWS}
        sizes = {name: scan.shape[0] * scan.shape[1] for name, scan in scans.items()}
        yield growth("positions", sizes, times(scans, rounds))
    with scratch() as folder:
        scans = {
            f"{k_y} x {k_x}": opened(folder, (ROWS[0], columns), (k_y, k_x), f"{k_y}x{k_x}") for k_y, k_x in DETECTORS
        }
        sizes = {name: scan.shape[2] * scan.shape[3] for name, scan in scans.items()}
        yield growth("detector pixels", sizes, times(scans, rounds))


def times(scans: Mapping[str, Scan], rounds: int) -> dict[str, float]:
    """Map each scan in turn; the best seconds of each."""
    models = {name: random_model(scan) for name, scan in scans.items()}
    return best_of({name: lambda now=name: segment(scans[now], models[now], device="cpu") for name in scans}, rounds)


def growth(what: str, sizes: Mapping[str, int], seconds: Mapping[str, float]) -> Row:
    """Make the row of one kind of growth."""
    exponent = np.polyfit(np.log(list(sizes.values())), np.log([seconds[name] for name in sizes]), 1)[0]
    told = [f"{sizes[name]:,}: {seconds[name]:.2f} s" for name in sizes]
    before, last = list(seconds.values())[-2:]
    told.append(f"last doubling {last / before:.2f} times")
    return at_most(
        f"time of a map against the number of {what}, exponent", float(exponent), LINEAR, "", "; ".join(told)
    )


if __name__ == "__main__":
    run_alone("benchmarks.growth", rows)
