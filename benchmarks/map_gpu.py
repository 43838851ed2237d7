"""Row 2: the map on a GPU, and what its parts take alone; where there is no GPU, it says so.

7,004 patterns of 512 x 512 uint16 (3.7 GB) in the page cache, from the memory map to probabilities. The parts are those
that any such map has: reading the file into pinned memory, copying it to the GPU, reducing the patterns to the size of
the network's input, and scaling them for the network and inferring. Each is timed alone, on the same blocks; together
they take longer than the map where that overlaps them.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch

from benchmarks.common import PAPER_NETWORK, PAPER_SCAN, PAPER_SIZE, opened, random_model, scratch
from benchmarks.rows import Row, at_most, run_alone
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.offered import DEFAULT_NETWORK
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.scan import Scan

DETECTOR_SHAPE = (512, 512)
BLOCK = 64  # patterns: 32 MiB
ROUNDS = 4


def rows(quick: bool) -> Iterator[Row]:
    """Measure the default network, and the one of the paper where that is another."""
    if not torch.cuda.is_available():
        yield Row("map, GPU", "no GPU here")
        return
    with scratch() as folder:
        scan = opened(folder, (2, 64) if quick else PAPER_SCAN, DETECTOR_SHAPE)
        for network in dict.fromkeys((DEFAULT_NETWORK, PAPER_NETWORK)):
            choices = {"size": PAPER_SIZE} if network == PAPER_NETWORK else {}
            yield from measured(scan, random_model(scan, network, **choices), 1 if quick else ROUNDS)


def measured(scan: Scan, model: Model, rounds: int) -> Iterator[Row]:
    """Measure the map, its parts, and how it differs from that of the CPU."""
    mapped = segment(scan, model, device="cuda")
    card, count = torch.cuda.get_device_name(), scan.shape[0] * scan.shape[1]
    whole = min(clocked(lambda: segment(scan, model, device="cuda")) for _ in range(rounds))
    what = f"map, GPU ({card}): {count:,} patterns of {scan.shape[2]} x {scan.shape[3]} {scan.dtype}, `{model.network}`"
    yield at_most(what, whole, 1.0, " s", f"{scan.size_bytes / whole / 1e9:.1f} GB/s")
    alone = parts(scan, model, rounds)
    told = ", ".join(f"{name} {seconds:.2f} s ({seconds / whole:.0%})" for name, seconds in alone.items())
    yield Row("the same, its parts alone (share of the map's time)", told)
    some = Scan(scan.data[:2], scan.calibration, scan.provenance)
    differs = float(np.mean(segment(some, model, device="cpu").classes_image != mapped.classes_image[:2]))
    yield at_most("the same, positions whose class is not that of the CPU", 100 * differs, 0.1, " %")


def parts(scan: Scan, model: Model, rounds: int) -> dict[str, float]:
    """Time each part alone, over all blocks of the scan; the best seconds of each."""
    patterns = np.asarray(scan.data).reshape(-1, *scan.detector_shape)
    window, network = model.patterns.window(scan), model.load_network("cuda")
    pinned = torch.empty((BLOCK, *scan.detector_shape), dtype=torch.uint16, pin_memory=True)
    on_card = torch.empty_like(pinned, device="cuda")
    host = pinned.numpy()
    reduced, _ = model.patterns.reduce(patterns[:BLOCK], window, "cuda")

    def reading() -> None:
        for start in range(0, len(patterns), BLOCK):
            block = patterns[start : start + BLOCK]
            host[: len(block)] = block

    def copying() -> None:
        for _ in range(0, len(patterns), BLOCK):
            on_card.copy_(pinned, non_blocking=True)

    def binning() -> None:
        cast = on_card.to(torch.float32)
        size = model.patterns.size
        for _ in range(0, len(patterns), BLOCK):
            on_card.to(torch.float32)
            torch.nn.functional.avg_pool2d(cast[:, None], (cast.shape[1] // size, cast.shape[2] // size))

    def inferring() -> None:
        with torch.inference_mode():
            for _ in range(0, len(patterns), BLOCK):
                network(model.patterns.scale(reduced)).softmax(1)

    named = {"reading": reading, "copying": copying, "cast and binning": binning, "scaling and network": inferring}
    return {name: min(clocked(part) for _ in range(rounds + 1)) for name, part in named.items()}


def clocked(action: Callable[[], object]) -> float:
    """Give the seconds until the GPU has done something."""
    torch.cuda.synchronize()
    began = time.perf_counter()
    action()
    torch.cuda.synchronize()
    return time.perf_counter() - began


if __name__ == "__main__":
    run_alone("benchmarks.map_gpu", rows)
