"""The table's own code: rows, clocks, the plain pipeline and the processes that the table starts."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks import memory, plain, table
from benchmarks.clock import Clocked, in_turns
from benchmarks.common import opened, random_model
from benchmarks.rows import Row, at_least, at_most
from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.learning.device import one_thread
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.scan import Scan


def test_a_row_says_whether_its_limit_is_met() -> None:
    assert at_least("rate", 0.85, 0.85).met
    assert not at_least("rate", 0.84, 0.85).met
    assert at_most("time", 1.0, 1, " s").met
    assert not at_most("time", 1.01, 1, " s", "slow").met
    assert str(at_most("time", 1234.5, 1, " s", "slow")) == "| time | 1234 s (slow) | at most 1 s | **no** |  |"
    assert str(Row("what", "1", command="x")) == "| what | 1 |  |  | `x` |"


def test_clocks_tell_when_a_loss_was_reached() -> None:
    order: list[str] = []

    def epochs(name: str, losses: list[float]):
        for loss in losses:
            order.append(name)
            yield loss

    long, short = (Clocked(epochs(name, found), float) for name, found in (("a", [3, 1, 2]), ("b", [5.0])))
    in_turns([long, short])
    assert order == ["a", "b", "a", "a"]
    assert (long.losses, long.last, long.least) == ([3, 1, 2], 2, 1)
    assert long.until(2.5) == long.until(long.least) == long.seconds[1] < long.spent
    assert long.until(0.5) == float("inf")


def test_the_plain_loop_learns_and_infers_from_its_pngs(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    targets = np.arange(24) % 2
    cube = rng.poisson(5, (3, 8, 32, 32)).astype(np.uint16)
    cube.reshape(24, 32, 32)[targets == 1, 8:16] += 20
    scan = Scan(cube)
    paths = plain.write_pngs(scan, list(np.ndindex(scan.scan_shape)), tmp_path)
    pattern, image = cube[0, 5].astype(float), plain.read_png(paths[5], 32)
    expected = (pattern - pattern.min()) / (pattern.max() - pattern.min())
    np.testing.assert_allclose(image[0].numpy(), expected, atol=1 / 255)
    config = TrainingConfig(network="ghosthunter", epochs=8)
    with one_thread():
        reports = list(plain.train(paths, targets, (np.arange(16), np.arange(16, 24)), 32, config))
        found = plain.infer(reports[-1].best, paths, 32)
    assert [report.number for report in reports] == list(range(1, 9))
    assert (found == targets).all()


def test_the_random_model_maps_and_draws_from_its_own_seed(tmp_path: Path) -> None:
    scan = opened(tmp_path, (2, 4), (64, 48))
    one, other = (random_model(scan, "ghosthunter", pool="max") for _ in range(2))
    assert one.hash == other.hash
    assert np.isfinite(segment(scan, one, device="cpu").probabilities).all()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
def test_the_peak_is_the_process_own_and_not_the_scan(tmp_path: Path) -> None:
    scan = opened(tmp_path, (16, 64), (128, 128))  # 32 MiB
    code = "import numpy, sys; a = numpy.load(sys.argv[1], mmap_mode='r'); {}; a.sum(); import time; time.sleep(0.5)"
    command = [sys.executable, "-c", code.format("pass"), str(scan.provenance.path)]
    bare = memory.peak_mib(command, scan)
    command[2] = code.format("b = numpy.ones(2**23)")
    assert 60 < memory.peak_mib(command, scan) - bare < 70
    assert bare < 60 + 32


@pytest.mark.parametrize("module", ["proposals", "map_gpu", "first_look"])
def test_the_table_runs_its_modules(module: str) -> None:
    rows = list(table.measured(module, quick=True))
    assert rows
    assert all(row.command == f"python -m benchmarks.{module}" for row in rows)
    assert not any(row.figure.startswith("failed") for row in rows)


def test_a_module_that_fails_is_a_row_that_says_so() -> None:
    (row,) = table.measured("there_is_none", quick=True)
    assert row.figure == "failed with 1"


def test_every_benchmark_is_in_the_table() -> None:
    folder = Path(table.__file__).parent
    runnable = {path.stem for path in folder.glob("*.py") if "run_alone(" in path.read_text(encoding="utf-8")}
    assert runnable - {"rows"} == set(table.MODULES)
    assert all(word in table.machine() for word in ("Python", "torch", "cores"))
