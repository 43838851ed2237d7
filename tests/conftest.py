"""What holds for all tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.disks import Disk, small_disk

# Time says nothing on a busy machine. CI tries the same examples every time, and says how to repeat one.
settings.register_profile("home", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("home"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "home")

# Real scans and the paper's label files: too large for the repository, they lie beside the checkout where they are had,
# or where GHOSTHUNTER_TEST_DATA says.
REAL_DATA = Path(os.environ.get("GHOSTHUNTER_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the real scans and labels; a test that asks for it is skipped where there is none."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real data in {REAL_DATA}")
    return REAL_DATA


@pytest.fixture(scope="session")
def shared_file(shared_data: Path) -> Callable[[str], Path]:
    """Give the path of a real file; a test is skipped, with the name of the file, where that is not there."""

    def path_of(name: str) -> Path:
        path = shared_data / name
        if not path.exists():
            pytest.skip(f"no {name} among the real data")
        return path

    return path_of


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """A small disk of its own, to be filled; a test that asks for it is skipped where none may be mounted."""
    with small_disk(tmp_path / "disk") as mounted:
        yield mounted


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Any]:
    """Give a function that makes a model with random weights: what it says means nothing, but is always the same."""
    import torch

    from napari_ghosthunter.labelling.classes import ClassScheme
    from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
    from napari_ghosthunter.learning.model import Epoch, Model, TrainingRecord
    from napari_ghosthunter.learning.network import build_network
    from napari_ghosthunter.learning.patterns import FittedPatterns, input_size
    from napari_ghosthunter.learning.validation import HeldOut

    def make(
        detector_shape: tuple[int, int] = (16, 16),
        names: tuple[str, ...] = ("a", "b", "c"),
        seed: int = 0,
        bad_pixels: tuple[tuple[int, int], ...] = (),
        **choices: Any,
    ) -> Model:
        config = PatternConfig(**({"size": 16} | choices))
        size = input_size(config, detector_shape)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            weights = build_network("ghosthunter", len(names), size).state_dict()
        epoch = Epoch(
            epoch=1, train_loss=1.5, train_accuracy=0.5, validation_loss=None, validation_accuracy=None,
            learning_rate=4e-4, seconds=0.1,
        )  # fmt: skip
        record = TrainingRecord(
            config=TrainingConfig(network="ghosthunter", seed=seed), labels_per_class=dict.fromkeys(names, 2),
            best_epoch=1, history=(epoch,),
            held_out=HeldOut(names=names, confusion=((0,) * len(names),) * len(names)),
        )  # fmt: skip
        fitted = FittedPatterns(config=config, detector_shape=detector_shape, size=size, bad_pixels=bad_pixels)
        return Model(ClassScheme.from_names(names), "ghosthunter", fitted, weights, record)

    return make


@pytest.fixture(scope="session")
def one_thread() -> Iterator[None]:
    """Compute in one thread: small tensors gain nothing from more, and lose much on a busy machine."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
