"""The networks, by name: one function each from (classes, input size) to a torch module giving logits."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from napari_ghosthunter.errors import ModelError


class GhostHunter(nn.Module):
    """The network of the paper (Hardy et al., figure 4): three convolutions and two dense layers.

    With three classes and one 128 x 128 channel it has the paper's 2.1 million parameters (2,120,963).

    Parameters
    ----------
    classes
        Number of classes, n.
    size
        Side S of the square input, a multiple of 8.
    """

    def __init__(self, classes: int, size: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (B, 16, S/2, S/2)
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (B, 32, S/4, S/4)
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),  # (B, 64, S/8, S/8)
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64 * (size // 8) ** 2, 128), nn.ReLU(),  # (B, 128)
            nn.Linear(128, classes),  # (B, n)
        )  # fmt: skip

    def forward(self, patterns: Tensor) -> Tensor:
        """Give the logits (B, n) of network inputs (B, 1, S, S)."""
        logits: Tensor = self.head(self.features(patterns))
        return logits


NETWORKS: dict[str, Callable[[int, int], nn.Module]] = {"ghosthunter": GhostHunter}


def build_network(name: str, classes: int, size: int) -> nn.Module:
    """Make the network of that name with fresh weights.

    Raises
    ------
    ModelError
        If there is no such network.
    """
    if name not in NETWORKS:
        raise ModelError(f"There is no network '{name}'; choose one of: {', '.join(NETWORKS)}.")
    return NETWORKS[name](classes, size)


def placed(network: nn.Module, device: torch.device | str) -> nn.Module:
    """Move a network to a device, in the memory layout that is faster on CPU and GPU (channels last)."""
    moved: nn.Module = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved
