"""What patterns of a scan vary in: principal components of many of them, labelled or not."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_ghosthunter.learning.device import one_thread
from napari_ghosthunter.learning.network import COMPONENTS

SKETCHED = 2 * COMPONENTS  # found at once: the last ones of a sketch are rough, and are dropped
LEAST_SPREAD = 1e-3  # of patterns of standard deviation 1: those that differ less are equal but for rounding


def principal_components(patterns: Tensor) -> tuple[Tensor, Tensor]:
    """Give the layer (COMPONENTS, p), (COMPONENTS,) that turns flat patterns (n, p) into their components.

    They are divided by the standard deviation of the first, so that features are of size one for any scan. Where there
    are fewer than COMPONENTS, the rest are zero. The same patterns give the same bits.
    """
    rank = min(COMPONENTS, *patterns.shape)
    sketched = min(SKETCHED, *patterns.shape)
    with torch.random.fork_rng(devices=[]), one_thread():
        torch.default_generator.manual_seed(0)  # the sketch of Halko et al. (2011) is drawn by chance
        _, strengths, directions = torch.pca_lowrank(patterns, q=sketched, niter=4)
        spread = strengths[0] / max(1, len(patterns) - 1) ** 0.5
        weight = torch.zeros(COMPONENTS, patterns.shape[1])
        weight[:rank] = (directions[:, :rank] / spread.clamp_min(LEAST_SPREAD)).T
        return weight, -(weight @ patterns.mean(0))
