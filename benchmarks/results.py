"""How good the maps are: the table of docs/results.md, as Markdown.

Each scan is labelled from its reference map where Algorithm 1 asks, trained with the defaults, mapped, and compared
with the reference at all positions that were not labelled. The baseline is the one a network must beat to be worth
its time: log intensities binned to 64 pixels, unit norm, PCA of the whole scan to 64 components, logistic regression.

    python benchmarks/results.py                       the simulated scans
    python benchmarks/results.py --data ../shared/data the real ones too
    python benchmarks/results.py --only tilt --patterns '{"contrast_window": 0}' --training '{"shift": 0}'
                                                       with other choices than the defaults
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import napari_ghosthunter as gh
from napari_ghosthunter.learning.config import PatternConfig


@dataclass(frozen=True)
class Case:
    """A scan with its reference map and how to sample it."""

    name: str
    scan: gh.Scan
    truth: NDArray[np.int64]
    names: tuple[str, ...]
    step: int
    budget: int


LARGE = {"scan_shape": (34, 206), "detector_shape": (128, 128), "wall_fraction": 0.15}
SIMULATED = {
    "simulated, clear": ({**LARGE, "seed": 11, "counts": 60_000, "ghost_strength": 0.008}, 30, (25, 50)),
    "simulated, low dose": ({**LARGE, "seed": 12, "counts": 12_000, "background": 0.25, "jitter": 0.006}, 30, (50,)),
    "simulated, strong tilt": (
        {**LARGE, "seed": 13, "counts": 30_000, "ghost_strength": 0.008, "thickness_variation": 1, "tilt_variation": 1},
        30, (50, 100),
    ),
    "simulated, drift, hot pixels": (
        {**LARGE, "seed": 14, "counts": 30_000, "ghost_strength": 0.008, "drift": 0.03, "hot_pixels": 30,
         "cosmic_share": 0.5, "gain": 3}, 30, (50,),
    ),
    "simulated, narrow lattice": (
        {**LARGE, "seed": 15, "counts": 30_000, "lattice_spacing": 0.13, "disk_radius": 0.022, "rotation_deg": 12},
        30, (50,),
    ),
}  # fmt: skip


def simulated() -> Iterator[Case]:
    """Simulate scans of several kinds, with known domains."""
    for name, (settings, step, budgets) in SIMULATED.items():
        simulation = gh.simulate(gh.SimulationConfig(**settings))
        for budget in budgets:
            yield Case(name, simulation.scan, simulation.truth.astype(int), simulation.names, step, budget)


def real(data: Path) -> Iterator[Case]:
    """Open scans by others, with their reference maps."""
    path = data / "particle" / "bragg_rendered_80x58x64x64_u16.npz"
    mask = np.load(path)["particle_mask"].astype(int)
    for step, budget in ((20, 20), (15, 40)):
        yield Case("particle on vacuum", gh.open_scan(path), mask, ("vacuum", "particle"), step, budget)
    path = data / "sim_orientation" / "scan_32.npz"
    with np.load(path) as arrays:
        grains, phases = arrays["grain_id"].astype(int), arrays["phase_id"].astype(int)
    names = tuple(f"grain {index}" for index in range(grains.max() + 1))
    yield Case("six grains", gh.open_scan(path, dataset="data"), grains, names, 8, 40)
    yield Case("two phases", gh.open_scan(path, dataset="data"), phases, ("phase 0", "phase 1"), 8, 20)


def label(case: Case) -> gh.LabelSet:
    """Label what Algorithm 1 proposes, round by round, until the budget is spent or no boundary is left."""
    labels = gh.LabelSet(gh.ClassScheme.from_names(case.names), case.scan.scan_shape)
    while len(labels) < case.budget:
        proposed = gh.sampler.next_round(labels, case.scan.scan_shape, case.step, case.budget - len(labels)).proposals
        if not proposed:
            break
        labels.label_many({point.position: case.names[case.truth[point.position]] for point in proposed})
    return labels


def baseline(case: Case, labels: gh.LabelSet) -> NDArray[np.int64]:
    """PCA and logistic regression: class ids (scan_y, scan_x)."""
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression

    from napari_ghosthunter.learning.patterns import fit_patterns

    fitted = fit_patterns(PatternConfig(size=64, clip_hot=False), case.scan)
    rows = [
        np.log1p(fitted.reduce(case.scan.rows(y, y + 1)[0], (slice(None), slice(None)))[0].numpy() * scale)
        for y in range(case.scan.shape[0])
        for scale in [np.prod(case.scan.detector_shape) / fitted.size**2]
    ]
    features = np.concatenate(rows).reshape(-1, fitted.size**2)
    features /= np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    components = PCA(64, svd_solver="randomized", random_state=0).fit_transform(features)
    components /= components.std(0)[0]
    flat = np.ravel_multi_index(labels.positions.T, case.scan.scan_shape)
    classifier = LogisticRegression(C=10, max_iter=5000).fit(components[flat], case.truth.ravel()[flat])
    predicted: NDArray[np.int64] = classifier.predict(components).reshape(case.scan.scan_shape)
    return predicted


def run(case: Case, training: gh.TrainingConfig, patterns: gh.PatternConfig) -> str:
    """Train, map and compare; one row of the table."""
    labels = label(case)
    started = time.perf_counter()
    for report in gh.train(case.scan, labels, training, patterns):
        model = report.model
    trained = time.perf_counter()
    result = gh.evaluate(gh.segment(case.scan, model), case.truth, case.names, labels)
    mapped = time.perf_counter()
    others = np.ones(case.scan.scan_shape, bool)
    others[tuple(labels.positions.T)] = False
    plain = (baseline(case, labels) == case.truth)[others].mean()
    wall = "-" if result.wall_accuracy is None else f"{result.wall_accuracy:.3f}"
    held = model.record.held_out
    return (
        f"| {case.name} | {len(case.names)} | {len(labels)} | {training.seed} | {result.accuracy:.3f} | {wall} "
        f"| {plain:.3f} "
        f"| {held.right}/{held.count} | {trained - started:.0f} s | {mapped - trained:.0f} s |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with particle/ and sim_orientation/")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--training", type=json.loads, default={}, help="fields of TrainingConfig, as JSON")
    parser.add_argument("--patterns", type=json.loads, default={}, help="fields of PatternConfig, as JSON")
    parser.add_argument("--only", default="", help="only scans whose name contains this")
    options = parser.parse_args()
    print("| scan | classes | labels | seed | accuracy | near a wall | PCA + log. reg. | held out | train | map |")  # noqa: T201
    print("|---|---|---|---|---|---|---|---|---|---|")  # noqa: T201
    cases = [*(real(options.data) if options.data else ()), *simulated()]
    for case in cases:
        for seed in range(options.seeds):
            if options.only in case.name:
                training = gh.TrainingConfig(**{"seed": seed, **options.training})
                print(run(case, training, gh.PatternConfig(**options.patterns)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
