"""How the domains of a simulated scan lie: how far each position is on which side of a wall."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Layout = Literal["wall", "curved", "stripes", "needles"]
FloatArray = NDArray[np.float64]


def level(layout: Layout, scan_shape: tuple[int, int], period: float, rng: np.random.Generator) -> FloatArray:
    """Give the distance from the closest wall (scan_y, scan_x), negative on the one side, positive on the other.

    Its unit is the longer side of the scan for every layout; only its order and its sign count.

    Parameters
    ----------
    layout
        One slanted wall, one that winds, slanted stripes, or stripes that taper to a point along y.
    scan_shape
        (scan_y, scan_x).
    period
        Of the stripes and needles, in probe positions: two domains.
    rng
        Where chance comes from.
    """
    y, x = np.indices(scan_shape) / max(scan_shape)
    return LAYOUTS[layout](_Ground(y, x, period / max(scan_shape), smooth(scan_shape, rng), rng))


def smooth(shape: tuple[int, int], rng: np.random.Generator, waves: int = 4) -> FloatArray:
    """Give a smooth random field of unit size: a few long waves, (scan_y, scan_x)."""
    y, x = np.indices(shape) / max(shape)
    field = np.zeros(shape)
    for _ in range(waves):
        frequency = rng.normal(0, 1.3, 2)
        field += np.cos(2 * np.pi * (frequency[0] * y + frequency[1] * x) + rng.uniform(0, 2 * np.pi))
    return np.asarray(field / np.sqrt(waves / 2))


@dataclass(frozen=True)
class _Ground:
    """What domains are laid on; lengths are shares of the longer side."""

    y: FloatArray
    x: FloatArray
    period: float
    bend: FloatArray  # a smooth field
    rng: np.random.Generator


def _wall(ground: _Ground) -> FloatArray:
    y, x = ground.y, ground.x
    return np.asarray(x - x.max() / 2 + 0.5 * (y - y.max() / 2) + 0.06 * ground.bend)


def _curved(ground: _Ground) -> FloatArray:
    """Wind one wall across the scan, along its longer side, with two or three turns."""
    y, x = ground.y, ground.x
    along, across = (x, y) if x.max() >= y.max() else (y, x)
    turns, phase = ground.rng.uniform(2, 3), ground.rng.uniform(0, 2 * np.pi)
    middle = across.max() * (0.5 + 0.3 * np.sin(2 * np.pi * turns * along / max(along.max(), 1e-9) + phase))
    return np.asarray(across - middle + 0.01 * ground.bend)


def _stripes(ground: _Ground) -> FloatArray:
    place = (ground.x + 0.35 * ground.y + 0.25 * ground.period * ground.bend) / ground.period + ground.rng.uniform()
    return np.asarray((1 - 4 * np.abs(place - np.floor(place) - 0.5)) * ground.period / 4)


def _needles(ground: _Ground) -> FloatArray:
    """Let stripes of one domain taper to a point within the scan, every one at its own height."""
    place = ground.x / ground.period + ground.rng.uniform()
    number = np.floor(place).astype(int)
    tips = ground.rng.uniform(0.5, 1.1, number.max() + 1)[number] * max(ground.y.max(), 1e-9)
    half_width = 0.3 * (1 - ground.y / tips)  # of the period; negative beyond the tip
    return np.asarray((half_width - np.abs(place - number - 0.5)) * ground.period)


LAYOUTS: dict[Layout, Callable[[_Ground], FloatArray]] = {
    "wall": _wall,
    "curved": _curved,
    "stripes": _stripes,
    "needles": _needles,
}
