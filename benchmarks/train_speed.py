"""Row 3, first half: training with 50 labels, against the plain loop (benchmarks/plain.py) with the same network.

Both have the same labels, held-out ones, network, first learning rate, batch size and number of epochs. The plain loop
has one thread or one for each core, whichever is faster here; ours chooses by itself. They take turns epoch by epoch,
so that other work on the machine meets both; each has its own clock, which for the plain loop starts with writing the
PNGs of the labelled patterns, and for ours with reading them. The accuracy is that on the truth of the simulated scan,
at every fifth position.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks import plain
from benchmarks.clock import Clocked, in_turns
from benchmarks.common import PAPER_NETWORK, PAPER_SIZE, scratch
from benchmarks.judging.scans import Case
from benchmarks.labelled import labelled_case
from benchmarks.rows import Row, at_least, run_alone
from benchmarks.turns import best_threads
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.material import trainable_classes
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.offered import DEFAULT_NETWORK
from napari_ghosthunter.learning.patterns import input_size
from napari_ghosthunter.learning.split import stratified_split
from napari_ghosthunter.learning.training import train
from napari_ghosthunter.mapping.segmentation import segment

DETECTOR, BUDGET = 256, 50
QUICK_EPOCHS = 3
EVERY = 5  # positions, of those that are judged


def rows(quick: bool) -> Iterator[Row]:
    """Train both with the network of the paper, and ours with the default one where that is another."""
    with scratch() as folder:
        small = labelled_case(folder, 64, 20, (12, 48)) if quick else None
        case, labels = small or labelled_case(folder, DETECTOR, BUDGET)
        config = TrainingConfig(network=PAPER_NETWORK, epochs=QUICK_EPOCHS if quick else None)
        patterns = PatternConfig(size=PAPER_SIZE)
        size = input_size(patterns, case.scan.detector_shape)
        theirs = plain_training(case, labels, config, size, folder)
        ours = our_training(case, labels, config, patterns)
        our_training(
            case, labels, config, patterns
        ).advance()  # imports what it needs, as the next line does for theirs
        torch.set_num_threads(best_threads(plain_training(case, labels, config, size, folder).advance))
        in_turns([theirs, ours])
        judged = [place for index, place in enumerate(np.ndindex(case.scan.scan_shape)) if index % EVERY == 0]
        names = trainable_classes(labels, case.scan).names
        found = plain.infer(theirs.last.best, plain.write_pngs(case.scan, judged, folder), size)
        share = np.mean(
            [names[number] == case.names[case.truth[place]] for number, place in zip(found, judged, strict=True)]
        )
        yield from compared(case, judged, ours, theirs, float(share), PAPER_NETWORK)
        if DEFAULT_NETWORK != PAPER_NETWORK:
            default = our_training(case, labels, config.model_copy(update={"network": DEFAULT_NETWORK}))
            in_turns([default])
            yield from compared(case, judged, default, theirs, float(share), DEFAULT_NETWORK)


def our_training(
    case: Case, labels: LabelSet, config: TrainingConfig, patterns: PatternConfig | None = None
) -> Clocked:
    """Make ready what `train` does."""

    def epochs() -> Iterator[object]:
        yield from train(case.scan, labels, config, patterns, device="cpu")  # as a generator, also what it does before

    return Clocked(epochs(), lambda report: report.figures.validation_loss)


def plain_training(case: Case, labels: LabelSet, config: TrainingConfig, size: int, folder: Path) -> Clocked:
    """Make ready what the plain loop does."""
    names = trainable_classes(labels, case.scan).names
    targets = np.array([names.index(name) for name in labels.values()])
    split = stratified_split(targets, config.validation_share, config.seed)

    def epochs() -> Iterator[object]:
        yield from plain.train(plain.write_pngs(case.scan, list(labels), folder), targets, split, size, config)

    return Clocked(epochs(), lambda epoch: epoch.validation_loss)


def compared(
    case: Case, judged: Sequence[tuple[int, ...]], ours: Clocked, theirs: Clocked, their_share: float, network: str
) -> Iterator[Row]:
    """Make the rows of a network of ours against the plain loop, which has that of the paper."""
    against = f"{len(theirs.losses)} epochs of `{network}`, against the plain loop"
    if network != PAPER_NETWORK:
        against += f" with `{PAPER_NETWORK}`"
    to_best, plain_to_best = ours.until(ours.least), theirs.until(theirs.least)
    yield at_least(
        f"training: time to the best validation loss, {against}", plain_to_best / to_best, 10, " times",
        f"{to_best:.1f} s for a loss of {ours.least:.3f}; plain {plain_to_best:.1f} s for {theirs.least:.3f}",
    )  # fmt: skip
    as_low = ours.until(theirs.least)
    told = f"{plain_to_best / as_low:.3g} times ({as_low:.1f} s)" if as_low < float("inf") else "never"
    yield Row("the same, until ours is as low as the best of the plain loop", told)
    yield Row("the same, an epoch", f"{theirs.epoch / ours.epoch:.3g} times ({ours.epoch:.3f} s)")
    share = our_accuracy(case, judged, ours.last.model)
    yield at_least(
        "the same, accuracy", 100 * share, round(100 * their_share, 1), " %", "the limit is the plain loop's"
    )


def our_accuracy(case: Case, judged: Sequence[tuple[int, ...]], model: Model) -> float:
    """Give the share of some positions that a model's map has right."""
    found = segment(case.scan, model, device="cpu").classes_image
    names = model.classes.names
    return float(np.mean([names[found[place] - 1] == case.names[case.truth[place]] for place in judged]))


if __name__ == "__main__":
    run_alone("benchmarks.train_speed", rows)
