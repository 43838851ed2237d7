"""Scans whose domains are known: simulated ones of many kinds, some never used to choose anything, and real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import napari_ghosthunter as gh
from napari_ghosthunter.scan.simulate import CLASS_NAMES

PAPER_STEP = 30  # of the grid, as in the paper's smallest experiment
TRUTH = ".truth.npy"


@dataclass(frozen=True, eq=False)
class Case:
    """A scan with its truth, and the step of the first grid over it.

    Attributes
    ----------
    truth
        Class ids (scan_y, scan_x); negative where nothing is known, as in vacuum.
    names
        Of the classes.
    """

    name: str
    scan: gh.Scan
    truth: NDArray[np.int64]
    names: tuple[str, ...]
    step: int

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Where the truth is known, (scan_y, scan_x)."""
        return self.truth >= 0


LARGE: dict[str, Any] = {"scan_shape": (34, 206), "detector_shape": (128, 128), "wall_fraction": 0.15}

# What the methods were developed on.
SEEN: dict[str, dict[str, Any]] = {
    "clear": {"seed": 11, "counts": 60_000, "ghost_strength": 0.008},
    "low dose": {"seed": 12, "counts": 12_000, "background": 0.25, "jitter": 0.006},
    "strong tilt": {
        "seed": 13, "counts": 30_000, "ghost_strength": 0.008, "thickness_variation": 1, "tilt_variation": 1,
    },
    "drift, hot pixels": {
        "seed": 14, "counts": 30_000, "ghost_strength": 0.008, "drift": 0.03, "hot_pixels": 30, "cosmic_share": 0.5,
        "gain": 3,
    },
    "narrow lattice": {
        "seed": 15, "counts": 30_000, "lattice_spacing": 0.13, "disk_radius": 0.022, "rotation_deg": 12,
    },
    "stripes of 3 pixels": {"seed": 16, "counts": 30_000, "layout": "stripes", "period": 6, "ghost_strength": 0.01},
    "needles": {
        "seed": 17, "counts": 20_000, "layout": "needles", "period": 16, "background": 0.2, "tilt_variation": 0.8,
    },
    "curved wall": {
        "seed": 18, "counts": 40_000, "layout": "curved", "ghost_strength": 0.006, "thickness_variation": 0.8,
    },
}  # fmt: skip

# What nothing was chosen by: they are only judged.
HELD_BACK: dict[str, dict[str, Any]] = {
    "256 pixels, curved": {
        "seed": 101, "detector_shape": (256, 256), "counts": 50_000, "layout": "curved", "ghost_strength": 0.007,
        "rotation_deg": -8, "lattice_spacing": 0.16, "disk_radius": 0.026, "thickness_variation": 0.7,
    },
    "faint needles": {
        "seed": 102, "counts": 9_000, "layout": "needles", "period": 20, "rotation_deg": 20, "lattice_spacing": 0.22,
        "disk_radius": 0.036, "drift": 0.02, "wall_fraction": 0.1,
    },
    "contaminated stripes": {
        "seed": 103, "counts": 25_000, "layout": "stripes", "period": 11, "tilt_variation": 1, "lattice_spacing": 0.15,
        "disk_radius": 0.024, "contamination": 0.4, "dead_rows": 2, "gain": 5,
    },
    "edge of the sample": {
        "seed": 104, "scan_shape": (60, 110), "counts": 18_000, "ghost_strength": 0.009, "rotation_deg": 35,
        "vacuum_fraction": 0.15, "contamination": 0.2, "jitter": 0.008, "hot_pixels": 12, "cosmic_share": 0.2,
    },
}  # fmt: skip

# Two small ones, to see whether all runs.
TINY: dict[str, dict[str, Any]] = {
    "tiny wall": {"seed": 1, "scan_shape": (12, 24), "detector_shape": (48, 48), "ghost_strength": 0.03},
    "tiny edge": {
        "seed": 2, "scan_shape": (10, 30), "detector_shape": (48, 48), "ghost_strength": 0.03, "vacuum_fraction": 0.2,
    },
}  # fmt: skip

REAL = ("particle on vacuum", "six grains", "two phases")


def cases(folder: Path, data: Path | None = None, *, tiny: bool = False) -> dict[str, Callable[[], Case]]:
    """List all scans by name, each as what makes or opens it.

    Parameters
    ----------
    folder
        Where simulated scans are written, and found the next time.
    data
        Folder with particle/ and sim_orientation/, where those are to be judged too.
    tiny
        Only two small scans.
    """
    if tiny:
        return {name: partial(simulated, name, settings, folder) for name, settings in TINY.items()}
    found = {name: partial(simulated, name, LARGE | own, folder) for name, own in (SEEN | HELD_BACK).items()}
    return found if data is None else {name: partial(real, name, data) for name in REAL} | found


def simulated(name: str, settings: dict[str, Any], folder: Path) -> Case:
    """Simulate a scan, or open it where it lies from another time."""
    path = folder / f"{name.replace(' ', '_')}.npy"
    if not path.with_suffix(TRUTH).exists():
        made = gh.simulate(gh.SimulationConfig(**settings), path=path)
        np.save(path.with_suffix(TRUTH), np.where(made.vacuum, -1, made.truth.astype(np.int64)))
    truth = np.load(path.with_suffix(TRUTH))
    step = min(PAPER_STEP, truth.shape[1] // 6)
    return Case(name, gh.open_scan(path), truth, CLASS_NAMES, step)


def real(name: str, data: Path) -> Case:
    """Open a scan by others, with its reference map."""
    if name == "particle on vacuum":
        path = data / "particle" / "bragg_rendered_80x58x64x64_u16.npz"
        with np.load(path) as arrays:
            mask = arrays["particle_mask"].astype(np.int64)
        return Case(name, gh.open_scan(path), mask, ("vacuum", "particle"), 20)
    path = data / "sim_orientation" / "scan_32.npz"
    key, word = ("grain_id", "grain") if name == "six grains" else ("phase_id", "phase")
    with np.load(path) as arrays:
        ids = arrays[key].astype(np.int64)
    names = tuple(f"{word} {index}" for index in range(ids.max() + 1))
    return Case(name, gh.open_scan(path, dataset="data"), ids, names, 8)
