"""Mean patterns whose direct beam is known and is often not the brightest disk.

The intensities are not exact: each pair of reflections has a structure factor, tilt and thickness excite them as the
two-beam theory says, and dynamical scattering is drawn by chance. What counts is that they are as uneven as those of
thick, tilted crystals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SIZE = 128
KINDS = (
    "thin", "thick", "plain", "tilted", "strong tilt", "brighter pair", "off centre", "few disks", "overlapping",
    "hot pixels", "beam stop", "single disk", "rings",
)  # fmt: skip
WEAK = {"thin": 8.0, "thick": 0.6, "tilted": 0.8, "strong tilt": 0.9}  # brightness of the beam, in that of bright disks
TILT = {"tilted": 1.2, "strong tilt": 2.0}  # of the mean over the scan, in lattice vectors


@dataclass(frozen=True)
class Known:
    """A mean pattern (k_y, k_x), where its direct beam is, and how far the next disk is, in pixels."""

    pattern: np.ndarray
    beam: tuple[float, float]
    spacing: float


def known(kind: str, seed: int, patterns: int = 16) -> Known:
    """Make the mean of some patterns of one of the KINDS."""
    rng = np.random.default_rng(seed)
    beam = (SIZE - 1) / 2 + rng.uniform(-1, 1, 2) * SIZE * (0.25 if kind == "off centre" else 0.06)
    spacing = rng.uniform(0.25, 0.35) * SIZE if kind == "few disks" else rng.uniform(0.09, 0.2) * SIZE
    indices, places = _lattice(rng, spacing)
    orders = np.hypot(*places.T) / spacing
    factors = _structure_factors(rng, indices)
    radius = spacing * (rng.uniform(0.5, 0.75) if kind == "overlapping" else rng.uniform(0.12, 0.3))
    middle = int(np.flatnonzero((indices == 0).all(axis=1))[0])
    fall, thickness, weak = rng.uniform(0.03, 0.2), rng.uniform(0.5, 2), WEAK.get(kind, rng.uniform(0.4, 3))
    mean_tilt, uneven = rng.normal(0, TILT.get(kind, 0.3), 2), np.exp(rng.normal(0, 0.25, len(places)))
    width, diffuse = rng.uniform(0.1, 0.35) * SIZE, rng.uniform(0.02, 0.2)
    follows = rng.random() < 0.3  # whether the background lies around the bright disks, or around the beam
    total = np.zeros((SIZE, SIZE))
    for _ in range(patterns):
        tilt = mean_tilt + rng.normal(0, 0.5, 2)
        error = 0.12 * orders**2 - 0.35 * (places / spacing) @ tilt
        bright = factors * np.exp(-fall * orders**2) * uneven * np.exp(rng.normal(0, 0.35, len(places)))
        bright *= np.sinc(thickness * np.exp(rng.normal(0, 0.3)) * error * 0.8) ** 2
        bright[middle] = 0
        bright[middle] = weak * np.sort(bright)[-3:].mean() * np.exp(rng.normal(0, 0.2))
        if kind == "brighter pair":
            one = int(np.argsort(orders)[1])
            other = int(np.flatnonzero((indices == -indices[one]).all(axis=1))[0])
            bright[[one, other]] = bright.max()
            bright[middle] = bright.max() / 1.5
        centre = beam + rng.normal(0, 0.5, 2)
        if kind in {"single disk", "rings"}:
            bright[:] = 0
            bright[middle] = 1
        total += _drawn(rng, centre, places, bright, radius, (width, diffuse, follows), rings=kind == "rings")
    return Known(_spoilt(rng, kind, total / patterns, beam, radius), (float(beam[0]), float(beam[1])), spacing)


def _lattice(rng, spacing):
    shapes = [(1, 90), (rng.uniform(1.1, 1.6), 90), (1, 60), (rng.uniform(1, 1.4), rng.uniform(65, 85))]
    ratio, angle = shapes[rng.integers(4)]
    turn = rng.uniform(0, np.pi)
    first = spacing * np.array([np.cos(turn), np.sin(turn)])
    second = spacing * ratio * np.array([np.cos(turn + np.radians(angle)), np.sin(turn + np.radians(angle))])
    reach = int(1.5 * SIZE / spacing) + 2
    indices = np.array([(i, j) for i in range(-reach, reach + 1) for j in range(-reach, reach + 1)])
    places = indices @ np.array([first, second])
    near = (np.abs(places) < 1.1 * SIZE).all(axis=1)
    return indices[near], places[near]


def _structure_factors(rng, indices):
    """Draw one for g and -g; in every other crystal the odd ones are ghosts."""
    drawn: dict[tuple[int, int], float] = {}
    for i, j in indices.tolist():
        drawn[i, j] = drawn[-i, -j] if (-i, -j) in drawn else float(np.exp(rng.normal(0, 0.9)))
    factors = np.array([drawn[i, j] for i, j in indices.tolist()])
    return factors * np.where(indices.sum(axis=1) % 2 == 0, 1, 0.06) if rng.random() < 0.5 else factors


def _drawn(rng, centre, places, bright, radius, background, *, rings):
    width, diffuse, follows = background
    y, x = np.mgrid[:SIZE, :SIZE].astype(float)
    away = np.hypot(y - centre[0], x - centre[1])
    pattern = np.zeros((SIZE, SIZE))
    for place, brightness in zip(centre + places, bright, strict=True):
        if brightness > 1e-4 * bright.max() and (np.abs(place - SIZE / 2) < SIZE).all():
            low = np.maximum(np.floor(place - radius - 1), 0).astype(int)
            high = np.ceil(place + radius + 2).astype(int)
            box = slice(low[0], max(high[0], 0)), slice(low[1], max(high[1], 0))
            pattern[box] += brightness * np.clip(radius - np.hypot(y[box] - place[0], x[box] - place[1]) + 0.5, 0, 1)
    if rings:
        pattern = 30 * pattern / pattern.max() + 2 * np.exp(-(((away - 0.25 * SIZE) / (0.04 * SIZE)) ** 2))
    around = np.exp(-away / width)
    if follows:
        for index in np.argsort(bright)[-8:]:
            far = np.hypot(y - centre[0] - places[index, 0], x - centre[1] - places[index, 1])
            around = around + bright[index] / bright.max() * np.exp(-2 * far / width)
    pattern += around * diffuse * pattern.sum() / around.sum()
    return rng.poisson(pattern * rng.choice([8e3, 3e4, 2e5]) / pattern.sum()).astype(float)


def _spoilt(rng, kind, mean, beam, radius):
    y, x = np.mgrid[:SIZE, :SIZE]
    if kind == "hot pixels":
        mean[rng.integers(SIZE, size=20), rng.integers(SIZE, size=20)] += mean.max() * rng.uniform(1, 30, 20)
    if kind == "beam stop":
        half = radius * rng.uniform(1.1, 2)
        mean = np.where((np.abs(x - beam[1]) < half) & (y > beam[0] - half), mean * rng.choice([0, 0.02]), mean)
    return mean
