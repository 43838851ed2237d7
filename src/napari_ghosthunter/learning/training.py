"""Training as a generator: one report a step, the best model so far in each, so that it can stop at any time."""

from __future__ import annotations

from collections.abc import Iterator

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.descent import Descent
from napari_ghosthunter.learning.device import choose_device, spare_core
from napari_ghosthunter.learning.fitting import Fitting
from napari_ghosthunter.learning.material import gather
from napari_ghosthunter.learning.memory import NO_MEMORY, within_memory
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.offered import DEFAULT_NETWORK
from napari_ghosthunter.learning.report import EpochReport
from napari_ghosthunter.scan.scan import Scan


def train(
    scan: Scan,
    labels: LabelSet,
    config: TrainingConfig | None = None,
    patterns: PatternConfig | None = None,
    *,
    device: str = "auto",
    start: Model | None = None,
) -> Iterator[EpochReport]:
    """Train a network on labelled patterns, one report an epoch.

    Leave the loop at any time: the last report has the best model until then.

    Parameters
    ----------
    scan
        The scan that the labels belong to; only labelled patterns (and their neighbours, if pooled)
        are read, and a few spread ones to see how far the pattern centre wanders.
    labels
        At least one label of each of at least two classes, all inside the scan.
    config, patterns
        How to train, and how a pattern becomes a network input; the defaults suit most scans.
    device
        'auto', 'cpu', 'cuda' or 'mps'.
    start
        A model to train further: of another scan of the same kind, say, that few labels on this one are to fit it to.
        Its classes, its way to see patterns and its weights are what the training begins with.

    Raises
    ------
    LabelError
        If labels are too few, of one class only, or outside the scan.
    ModelError
        If there is no such network, or `start` is of another detector.
    TrainingError
        If the device or a symmetry is not to be had, `start` is of another network or sees patterns otherwise, or the
        GPU has too little memory; later, if the loss is no longer a number.
    """
    config = config or TrainingConfig(network=start.network if start else DEFAULT_NETWORK)
    target = choose_device(device)

    def prepared() -> Fitting | Descent:
        with spare_core():
            material = gather(scan, labels, config, patterns, target, start)
            return (Fitting if config.fitted else Descent)(material)

    run = within_memory(prepared, target)
    if run is None:
        raise TrainingError(NO_MEMORY)
    return run.epochs()
