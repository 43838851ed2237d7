"""The networks, by name: one function each from (classes, input size) to a torch module giving logits."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from napari_ghosthunter.errors import ModelError
from napari_ghosthunter.learning.alignment import coarse, coarse_factor
from napari_ghosthunter.learning.novelty import NO_LIMIT, PROTOTYPES, doubted, trust

COMPONENTS = 32  # that patterns are taken apart in
SQUARED = 16  # of the first of them count squared too
SQUARE_SHARE = 0.5


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
        # the paper has ReLU before the pooling: the same numbers, but four times as many to go through
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(),  # (B, 16, S/2, S/2)
            nn.Conv2d(16, 32, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(),  # (B, 32, S/4, S/4)
            nn.Conv2d(32, 64, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(),  # (B, 64, S/8, S/8)
        )  # fmt: skip
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(64 * (size // 8) ** 2, 128), nn.ReLU(),  # (B, 128)
            nn.Linear(128, classes),  # (B, n)
        )  # fmt: skip

    def forward(self, patterns: Tensor) -> Tensor:
        """Give the logits (B, n) of network inputs (B, 1, S, S)."""
        with torch.autocast(patterns.device.type, torch.float16) if in_half(patterns) else nullcontext():
            logits: Tensor = self.head(self.features(patterns))
        return logits.to(patterns.dtype)


class Swift(nn.Module):
    """Principal components of the patterns, and one linear layer on them: a hundredth of the work of `GhostHunter`.

    The components are those of the scan (`components.principal_components`), the layer is fitted to the labels
    (`fitting.Fitting`). That patterns are laid on one another first (`alignment`) is what lets so little do. The
    squares of the first components let a class lie between two others, as a wall between two domains. What is unlike
    all labelled patterns gets no class with confidence (`novelty`).

    Parameters
    ----------
    classes
        Number of classes, n.
    size
        Side S of the square input, a multiple of 8; it is binned to R = S / `coarse_factor(S)`.
    """

    prototypes: Tensor
    far: Tensor

    def __init__(self, classes: int, size: int) -> None:
        super().__init__()
        self.components = nn.Linear((size // coarse_factor(size)) ** 2, COMPONENTS)  # (B, R * R) -> (B, 32)
        self.head = nn.Linear(COMPONENTS + SQUARED, classes)
        self.register_buffer("prototypes", torch.zeros(PROTOTYPES, COMPONENTS))  # components of labelled patterns
        self.register_buffer("far", torch.tensor(NO_LIMIT))  # from them

    def features(self, patterns: Tensor) -> Tensor:
        """Give the features (B, 48) of network inputs (B, 1, S, S): components, and squares of the first."""
        return self.binned_features(coarse(patterns[:, 0]))

    def binned_features(self, patterns: Tensor) -> Tensor:
        """Do the same with inputs that are binned already, (B, R, R)."""
        found: Tensor = self.components(patterns.flatten(1))
        return torch.cat([found, SQUARE_SHARE * found[:, :SQUARED].square()], 1)

    def forward(self, patterns: Tensor) -> Tensor:
        """Give the logits (B, n) of network inputs (B, 1, S, S)."""
        return self.judged(self.features(patterns))

    def judged(self, features: Tensor) -> Tensor:
        """Give the logits (B, n) of features (B, 48)."""
        trusted = trust(features[:, :COMPONENTS], self.prototypes, self.far)
        return doubted(torch.softmax(self.head(features), 1), trusted).log()


NETWORKS: dict[str, Callable[[int, int], nn.Module]] = {"swift": Swift, "ghosthunter": GhostHunter}


def in_half(patterns: Tensor) -> bool:
    """Whether convolutions of these inputs go in half precision: on a GPU, where nothing is learned from them.

    It changes the class of no more than one position in a thousand (`benchmarks/half.py`).
    """
    return patterns.is_cuda and torch.is_inference_mode_enabled()


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
