"""The plain pipeline that the others are compared with: what the paper describes, in our own words.

Each pattern is written as an 8-bit PNG, scaled to its own minimum and maximum. From then on only the PNGs are used:
inference opens them one at a time, training opens those of each batch in every epoch. The network, its batch size and
its epochs are those of the paper; nothing here is slower than it need be for working in this way.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn

from napari_ghosthunter.learning.config import TrainingConfig
from napari_ghosthunter.learning.network import build_network
from napari_ghosthunter.scan.scan import Scan

PLATEAU_PATIENCE = 2  # epochs, as in the paper


def write_pngs(scan: Scan, positions: Sequence[tuple[int, int]], folder: Path) -> list[Path]:
    """Write the patterns at some positions as PNGs."""
    paths = []
    for scan_y, scan_x in positions:
        pattern = scan.pattern(scan_y, scan_x).astype(np.float32)
        low, high = pattern.min(), pattern.max()
        grey = ((pattern - low) * (255 / max(high - low, 1))).astype(np.uint8)
        path = folder / f"{scan_x}_{scan_y}.png"
        Image.fromarray(grey).save(path)
        paths.append(path)
    return paths


def read_png(path: Path, size: int) -> Tensor:
    """Read a PNG as a network input (1, S, S), from 0 to 1."""
    with Image.open(path) as image:
        resized = image.resize((size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(resized))[None].to(torch.float32) / 255


def infer(network: nn.Module, paths: Sequence[Path], size: int) -> NDArray[np.intp]:
    """Classify PNGs, one at a time."""
    network.eval()
    with torch.inference_mode():
        return np.array([int(network(read_png(path, size)[None]).argmax()) for path in paths], np.intp)


@dataclass(frozen=True)
class PlainEpoch:
    """What an epoch brought: its losses, and the network of the lowest validation loss so far."""

    number: int
    validation_loss: float
    best: nn.Module


def train(
    paths: Sequence[Path],
    targets: NDArray[np.intp],
    split: tuple[NDArray[np.intp], NDArray[np.intp]],
    size: int,
    config: TrainingConfig,
) -> Iterator[PlainEpoch]:
    """Train on PNGs, read anew in every epoch; `split` holds the indices of the training and the held-out ones."""
    torch.manual_seed(config.seed)
    network = build_network(config.network, int(targets.max()) + 1, size)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=config.plateau_factor, patience=PLATEAU_PATIENCE, min_lr=config.min_learning_rate
    )
    train_part, held_part = (torch.from_numpy(part) for part in split)
    best, least = copy.deepcopy(network), float("inf")

    def batch(indices: Tensor) -> tuple[Tensor, Tensor]:
        inputs = torch.stack([read_png(paths[index], size) for index in indices.tolist()])
        return inputs, torch.from_numpy(targets)[indices]

    for number in range(1, config.epochs_for(len(paths)) + 1):
        network.train()
        for indices in train_part[torch.randperm(len(train_part))].split(config.batch_size):
            inputs, truth = batch(indices)
            loss = F.cross_entropy(network(inputs), truth)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        network.eval()
        with torch.inference_mode():
            lost = 0.0
            for indices in held_part.split(config.batch_size):
                inputs, truth = batch(indices)
                lost += float(F.cross_entropy(network(inputs), truth, reduction="sum"))
        judged = lost / len(held_part)
        scheduler.step(judged)
        if judged < least:
            best, least = copy.deepcopy(network), judged
        yield PlainEpoch(number, judged, best)
