"""A batch on a CPU: its convolutions in fixed parts, which threads of our own compute, its dense layers at once.

What makes a part depends on the size of the patterns only, and what the parts give is joined and added up in their
order: so the same bits come out of any number of threads. The dense layers stay whole, because each part would read
their millions of weights anew and bring as many gradients of its own to be added.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from typing import Any

import torch
from torch import Tensor, nn

PART_PIXELS = 2 * 128**2  # of network inputs in a part: fewer cost more calls than they gain, more leave cores idle


def logits_in_parts(network: nn.Module, pool: ThreadPoolExecutor, inputs: Tensor) -> Tensor:
    """Give the logits (B, n) of network inputs (B, 1, S, S), to go backward from as from those of `network`.

    Parameters
    ----------
    network
        Made of `features` and `head`, in which patterns of a batch do not depend on one another.
    pool
        Its threads, and the one that calls, let torch use one thread each (`device.own_threads`).
    inputs
        Network inputs, on the CPU.
    """
    features, head = network.get_submodule("features"), network.get_submodule("head")
    weights = tuple(features.parameters())
    found = _Parts.apply(inputs, pool, features, *weights)  # type: ignore[no-untyped-call]
    logits: Tensor = head(found)
    return logits


class _Parts(torch.autograd.Function):
    """`features`, some patterns in each thread, there and back."""

    @staticmethod
    def forward(ctx: Any, inputs: Tensor, pool: ThreadPoolExecutor, features: nn.Module, *weights: Tensor) -> Tensor:
        ctx.pool, ctx.weights, ctx.count = pool, weights, max(1, PART_PIXELS // inputs[0].numel())
        ctx.parts = list(pool.map(features, inputs.split(ctx.count)))  # whose threads remember the way back
        return torch.cat([part.detach() for part in ctx.parts])

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        found = ctx.pool.map(partial(_back, ctx.weights), ctx.parts, gradient.split(ctx.count))
        return None, None, None, *(reduce(torch.add, gradients) for gradients in zip(*found, strict=True))


def _back(weights: tuple[Tensor, ...], part: Tensor, gradient: Tensor) -> tuple[Tensor, ...]:
    return torch.autograd.grad(part, weights, gradient)
