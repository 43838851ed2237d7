"""A network that only answers: on a CPU, the same layers in the layout of oneDNN, in two thirds of the time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias

import torch
import torch.nn.functional as F  # noqa: N812 - torch's own idiom
from torch import Tensor, nn

from napari_ghosthunter.learning.network import GhostHunter
from napari_ghosthunter.learning.parts import PART_PIXELS

FEW_PIXELS = 8 * 128**2  # of inputs that go through the convolutions together: what lies between stays in the caches

Answer: TypeAlias = Callable[[Tensor], Tensor]
"""From network inputs (B, 1, S, S) to (B, m)."""


def answering(network: nn.Module, pool: ThreadPoolExecutor | None = None) -> Answer:
    """Give what answers with the logits (B, n) of a network, whose weights stay as they are now.

    Parameters
    ----------
    network
        The network.
    pool
        Whose threads share the convolutions of a batch, in fixed parts; without it, all is done in the one that calls.

    Notes
    -----
    On a CPU, torch changes the layout of what comes into each convolution, and back, and takes long for the maximum of
    pools. Where all layers between are oneDNN's, that is done once. The convolutions take a few inputs at a time, and
    the dense layers all at once, so that they read their millions of weights once.
    """
    if not isinstance(network, GhostHunter) or not _served(network):
        return network
    layers = [_in_layout(layer) if isinstance(layer, nn.Conv2d) else layer for layer in network.features]

    def features(inputs: Tensor) -> Tensor:
        found = inputs.to_mkldnn()
        for layer in layers:
            found = layer(found)
        return found.to_dense().flatten(1)

    def logits(inputs: Tensor) -> Tensor:
        few = max(1, (PART_PIXELS if pool else FEW_PIXELS) // inputs[0].numel())
        each = pool.map if pool else map
        found: Tensor = network.head(torch.cat(list(each(features, inputs.split(few)))))
        return found

    return logits


def _served(network: nn.Module) -> bool:
    first = next(network.parameters())
    return first.device.type == "cpu" and first.dtype == torch.float32 and torch.backends.mkldnn.is_available()


def _in_layout(layer: nn.Conv2d) -> Answer:
    assert layer.bias is not None
    weight, bias = (parameter.detach().contiguous().to_mkldnn() for parameter in (layer.weight, layer.bias))
    return lambda inputs: F.conv2d(inputs, weight, bias, layer.stride, layer.padding)
