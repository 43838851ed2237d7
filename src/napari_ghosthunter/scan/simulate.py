"""A simulated boracite-like scan with known domains: the sample data of the demo, the tutorial and the tests.

A kinematic cartoon, not a multislice calculation. What it keeps of the experiment is what makes the task hard:
ghost disks of 0.1 to 3 % of the direct beam, and thickness, tilt, drift of the pattern centre, hot pixels and
counting noise that change every pattern more than the ghosts do.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from napari_ghosthunter.scan.calibration import Calibration
from napari_ghosthunter.scan.layouts import Layout, level, smooth
from napari_ghosthunter.scan.scan import LazyArray, Provenance, Scan

CLASS_NAMES = ("none", "vertical", "horizontal")
NONE, VERTICAL, HORIZONTAL = range(3)


class SimulationConfig(BaseModel):
    """What the simulated scan looks like. Lengths on the detector are fractions of its shorter side."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    scan_shape: tuple[int, int] = Field((34, 64), description="Probe positions (scan_y, scan_x).")
    detector_shape: tuple[int, int] = Field((64, 64), description="Detector pixels (k_y, k_x).")
    seed: int = Field(0, description="Seed of every random choice.")
    layout: Layout = Field("wall", description="How the domains lie: one wall, a winding one, stripes or needles.")
    period: float = Field(12.0, ge=2, description="Of stripes and needles: two domains, in probe positions.")
    wall_fraction: float = Field(0.12, ge=0, le=0.6, description="Share of the positions inside the wall band.")
    island_fraction: float = Field(0.08, ge=0, le=0.5, description="Share of the out-of-plane (none) island.")
    ghost_strength: float = Field(0.012, gt=0, le=0.1, description="Brightest ghost over the direct beam.")
    counts: float = Field(30_000.0, gt=0, description="Mean electrons per pattern.")
    gain: float = Field(1.0, gt=0, description="Stored value per electron.")
    background: float = Field(0.1, ge=0, le=0.9, description="Share of the electrons in the diffuse background.")
    disk_radius: float = Field(0.03, gt=0, description="Radius of a disk.")
    lattice_spacing: float = Field(0.19, gt=0, description="Distance of neighbouring Bragg disks.")
    rotation_deg: float = Field(3.0, description="Rotation of the lattice against the detector.")
    thickness_variation: float = Field(0.5, ge=0, description="Strength of the change of Bragg intensities.")
    tilt_variation: float = Field(0.5, ge=0, description="Strength of the drift of the Laue circle.")
    centre_offset: tuple[float, float] = Field((0.01, -0.015), description="Centre of the pattern off the middle.")
    drift: float = Field(0.012, ge=0, description="Slow wander of the pattern centre across the scan.")
    jitter: float = Field(0.003, ge=0, description="Random shift of the pattern centre, pattern by pattern.")
    hot_pixels: int = Field(4, ge=0, description="Detector pixels that are always hot.")
    cosmic_share: float = Field(0.02, ge=0, le=1, description="Share of the patterns with a random bright pixel.")
    vacuum_fraction: float = Field(0.0, ge=0, le=0.9, description="Share of the positions beside the sample.")
    contamination: float = Field(
        0.0, ge=0, le=0.9, description="Largest share of the electrons in a diffuse glow that varies over the scan."
    )
    dead_rows: int = Field(0, ge=0, description="Rows of detector pixels that count nothing.")


@dataclass(frozen=True, eq=False)
class Simulation:
    """A simulated scan and its truth.

    Attributes
    ----------
    scan
        The scan.
    truth
        Class ids (scan_y, scan_x), indices into `names`; in vacuum, where there is no sample to have one, that of none.
    vacuum
        Where there is no sample, (scan_y, scan_x).
    names
        Of the classes.
    """

    scan: Scan
    truth: NDArray[np.uint8] = field(repr=False)
    vacuum: NDArray[np.bool_] = field(repr=False)
    names: tuple[str, ...] = CLASS_NAMES


def simulate(config: SimulationConfig | None = None, *, path: Path | str | None = None) -> Simulation:
    """Make a scan of uint16 patterns with known domains.

    Parameters
    ----------
    config
        What it looks like; the default takes under three seconds.
    path
        Where to write the cube as .npy, row by row, for one that should not lie in memory.
    """
    config = config or SimulationConfig()
    path = None if path is None else Path(path)
    rng = np.random.default_rng(config.seed)
    truth, ghosts = _domains(config, rng)
    shape = (*config.scan_shape, *config.detector_shape)
    cube: NDArray[np.uint16]
    if path is None:
        cube = np.empty(shape, np.uint16)
    else:
        cube = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint16, shape=shape)  # type: ignore[no-untyped-call]
    disks = _Disks.of(config)
    amplitudes = _amplitudes(config, disks, ghosts, rng)
    shifts = _shifts(config, rng)
    background = _background(config, 0.18)
    # what is off by default has chance of its own, so that it changes nothing else
    extra = np.random.default_rng([config.seed, 1])
    vacuum = _vacuum(config, extra)
    truth[vacuum] = NONE
    amplitudes[vacuum] = (np.hypot(disks.h, disks.k) == 0).astype(np.float32)  # the direct beam alone
    dirt = config.contamination * (1 + np.tanh(smooth(config.scan_shape, extra))) / 2 * ~vacuum
    glow = _background(config, 0.35)
    dead = extra.choice(shape[2], min(config.dead_rows, shape[2]), replace=False)
    hot = rng.integers(0, config.detector_shape, size=(config.hot_pixels, 2))
    for row in range(config.scan_shape[0]):
        clean = amplitudes[row] @ disks.images.reshape(len(disks.images), -1)
        clean = clean.reshape(-1, *config.detector_shape)
        clean *= (1 - config.background) / clean.sum((1, 2), keepdims=True)
        clean += config.background * background
        if config.contamination:
            clean += dirt[row, :, None, None] * (glow - clean)
        cube[row] = _detect(_shifted(clean, shifts[row]), config, hot, rng)
        cube[row][:, dead] = 0
    calibration = Calibration((2.0, 2.0), "nm", (0.02 * 64 / shape[2], 0.02 * 64 / shape[3]), "1/nm")
    data: LazyArray = cube if path is None else np.load(path, mmap_mode="r", allow_pickle=False)
    return Simulation(Scan(data, calibration, Provenance(path=path, reader="simulation")), truth, vacuum)


@dataclass(frozen=True, eq=False)
class _Disks:
    """Images of all disks (n, k_y, k_x) with their reciprocal vectors in units of the lattice, and their kind."""

    images: NDArray[np.float32]
    h: NDArray[np.float64]
    k: NDArray[np.float64]
    kind: NDArray[np.intp]  # 0 Bragg, VERTICAL or HORIZONTAL ghosts

    @classmethod
    def of(cls, config: SimulationConfig) -> _Disks:
        """Render every disk whose centre lies on the detector, with an edge one pixel wide."""
        side = min(config.detector_shape)
        spacing, radius = config.lattice_spacing * side, max(config.disk_radius * side, 0.8)
        order = int(np.ceil(max(config.detector_shape) / spacing)) + 1
        halves = np.arange(-2 * order, 2 * order + 1) / 2
        k, h = (axis.ravel() for axis in np.meshgrid(halves, halves, indexing="ij"))
        half_h, half_k = h % 1 != 0, k % 1 != 0
        kind = np.where(half_h, HORIZONTAL, np.where(half_k, VERTICAL, 0))
        angle = np.deg2rad(config.rotation_deg)
        centre = (np.array(config.detector_shape) - 1) / 2
        y = centre[0] + spacing * (k * np.cos(angle) + h * np.sin(angle))
        x = centre[1] + spacing * (h * np.cos(angle) - k * np.sin(angle))
        on_detector = (np.abs(y - centre[0]) < centre[0] + radius) & (np.abs(x - centre[1]) < centre[1] + radius)
        keep = on_detector & ~(half_h & half_k)
        rows, columns = np.indices(config.detector_shape)
        distance = np.hypot(rows - y[keep, None, None], columns - x[keep, None, None])
        return cls(np.clip(radius + 0.5 - distance, 0, 1).astype(np.float32), h[keep], k[keep], kind[keep])


def _domains(config: SimulationConfig, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Lay out the domains: truth (scan_y, scan_x) and ghost weights (scan_y, scan_x, [vertical, horizontal])."""
    shape = config.scan_shape
    y, x = np.indices(shape) / max(shape)
    side = level(config.layout, shape, config.period, rng)
    truth = np.where(side < 0, VERTICAL, HORIZONTAL).astype(np.uint8)
    depth = np.abs(side)
    half_width = np.quantile(depth, config.wall_fraction)
    in_wall = depth < half_width
    island = np.hypot(y - 0.7 * y.max(), x - 0.85 * x.max()) + 0.02 * smooth(shape, rng)
    out_of_plane = island < np.quantile(island, config.island_fraction)
    truth[in_wall | out_of_plane] = NONE
    # In the wall both ghosts overlap, faint, and neither wins; there is no sharp edge to where one does.
    share = side / max(half_width, 1e-9)
    horizontal = (1 + np.tanh(1.2 * share)) / 2
    fade = (0.4 + 0.6 * np.clip(np.abs(share), 0, 1) ** 2) * (1 + 0.25 * np.tanh(smooth(shape, rng)))
    weight = np.stack([1 - horizontal, horizontal], axis=-1) * fade[..., None]
    weight[out_of_plane] = 0
    return truth, weight


def _amplitudes(
    config: SimulationConfig, disks: _Disks, ghosts: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Brightness of each disk at each position, (scan_y, scan_x, n), the direct beam near one."""
    shape, radius = config.scan_shape, np.hypot(disks.h, disks.k)
    direct, bragg = radius == 0, (disks.kind == 0) & (radius > 0)
    envelope = np.exp(-0.22 * radius**2)
    structure = np.where(bragg, rng.uniform(0.04, 0.35, radius.size), rng.uniform(0.3, 1.0, radius.size))
    structure[direct] = 1
    thickness = config.thickness_variation * smooth(shape, rng)
    tilt = config.tilt_variation * np.stack([smooth(shape, rng), smooth(shape, rng)])
    phase = rng.uniform(0, 2 * np.pi, radius.size)
    # Thickness makes beams swing against each other; tilt brightens one side of the pattern.
    swing = 1 + 0.6 * np.sin(phase + 2 * thickness[..., None])
    lean = np.exp(0.45 * (tilt[0][..., None] * disks.k + tilt[1][..., None] * disks.h))
    amplitude: NDArray[np.float64] = (
        envelope * structure * np.where(direct, 1 + 0.15 * np.tanh(thickness[..., None]), swing * lean)
    )
    for index, kind in enumerate((VERTICAL, HORIZONTAL)):
        amplitude[..., disks.kind == kind] *= config.ghost_strength * ghosts[..., index, None]
    return amplitude.astype(np.float32)


def _shifts(config: SimulationConfig, rng: np.random.Generator) -> NDArray[np.float64]:
    """Shift of the pattern at each position in pixels, (scan_y, scan_x, [k_y, k_x])."""
    slow = np.stack([smooth(config.scan_shape, rng, 2) for _ in range(2)], axis=-1)
    fast = rng.normal(0, 1, slow.shape)
    return np.asarray(
        min(config.detector_shape) * (np.array(config.centre_offset) + config.drift * slow + config.jitter * fast)
    )


def _vacuum(config: SimulationConfig, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Mark the positions beside the sample, whose edge winds around the first corner, (scan_y, scan_x)."""
    y, x = np.indices(config.scan_shape) / max(config.scan_shape)
    inside = np.hypot(y, x) + 0.03 * smooth(config.scan_shape, rng)
    order = np.argsort(inside, axis=None)[: round(config.vacuum_fraction * inside.size)]
    beside = np.zeros(config.scan_shape, bool)
    beside.ravel()[order] = True
    return beside


def _background(config: SimulationConfig, width: float) -> NDArray[np.float32]:
    """Diffuse scattering around the beam, of so wide a core in shares of the side, sum one, (k_y, k_x)."""
    y, x = np.indices(config.detector_shape, dtype=np.float32)
    centre, side = (np.array(config.detector_shape) - 1) / 2, min(config.detector_shape)
    glow: NDArray[np.float32] = (1 + ((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / (width * side) ** 2) ** -1.5
    glow /= glow.sum()
    return glow


def _shifted(patterns: NDArray[np.float32], shifts: NDArray[np.float64]) -> NDArray[np.float32]:
    """Shift each pattern (n, k_y, k_x) by its own sub-pixel vector (n, 2), bilinearly."""
    whole = np.floor(shifts).astype(int)
    out = np.empty_like(patterns)
    for index, ((dy, dx), (fy, fx)) in enumerate(zip(whole, shifts - whole, strict=True)):
        moved = np.roll(patterns[index], (dy, dx), (0, 1))
        moved = (1 - fy) * moved + fy * np.roll(moved, 1, 0)
        out[index] = (1 - fx) * moved + fx * np.roll(moved, 1, 1)
    return out


def _detect(
    patterns: NDArray[np.float32], config: SimulationConfig, hot: NDArray[Any], rng: np.random.Generator
) -> NDArray[np.uint16]:
    """Count electrons, then add the faults of the detector, (n, k_y, k_x)."""
    dose = config.counts * rng.normal(1, 0.03, (len(patterns), 1, 1)).clip(0.5)
    counted = rng.poisson(np.maximum(patterns, 0) * dose).astype(np.float64)
    bright = counted.max() * 2 + 20
    counted[:, hot[:, 0], hot[:, 1]] += bright * rng.uniform(0.2, 1, len(hot))
    for index in np.flatnonzero(rng.random(len(patterns)) < config.cosmic_share):
        counted[index, rng.integers(patterns.shape[1]), rng.integers(patterns.shape[2])] += bright
    stored: NDArray[np.uint16] = np.clip(np.round(counted * config.gain), 0, 65535).astype(np.uint16)
    return stored
