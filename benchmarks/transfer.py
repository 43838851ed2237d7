r"""A model on another scan of the same kind of sample: what is lost, and what ten labels there win back.

The other scan has other domains, thickness and tilt, another centre, and is turned by 7 degrees. Its ten labels lie
where the map of the model is least sure, five at a time, and the model is trained further with them, as
`ghosthunter train --from model.safetensors` does. Beside it, what 50 labels on the other scan give by themselves, and
whether the check before a model is applied foretells a loss.

    python -m benchmarks.transfer
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from statistics import mean
from typing import Any

import napari_ghosthunter as gh
from benchmarks.common import scratch
from benchmarks.judging.methods import Known
from benchmarks.judging.options import parser
from benchmarks.judging.oracle import oracle
from benchmarks.judging.samplings import APART, AT_ONCE, SAMPLINGS
from benchmarks.judging.scans import LARGE, TINY, Case, simulated
from benchmarks.judging.tables import markdown
from benchmarks.rows import tell
from napari_ghosthunter.labelling.uncertain import most_uncertain
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.mapping.compatibility import check_scan
from napari_ghosthunter.mapping.evaluation import evaluate

LABELS, FURTHER = 50, 10
KINDS: dict[str, dict[str, Any]] = {
    "clear": {"counts": 60_000, "ghost_strength": 0.008},
    "low dose, curved": {"counts": 15_000, "layout": "curved", "background": 0.2},
    "needles": {"counts": 25_000, "layout": "needles", "period": 24, "lattice_spacing": 0.16, "disk_radius": 0.026},
}
OTHER: dict[str, Any] = {
    "rotation_deg": 10.0, "thickness_variation": 1.0, "tilt_variation": 0.9, "centre_offset": (-0.02, 0.02),
}  # fmt: skip


def main() -> None:
    """Print the table."""
    asked = parser("benchmarks.transfer", __doc__, others=False)
    asked.add_argument("--seeds", type=int, default=3, help="how many")
    wanted = asked.parse_args()
    shape = dict(TINY["tiny wall"]) if wanted.tiny else LARGE
    head = ("kind of scan", "where it was trained", f"{LABELS} labels there", "as it is", f"{FURTHER} labels more",
            "foretold")  # fmt: skip
    with scratch() as folder:
        rows = [told(name, shape | kind, wanted.scratch or folder, range(wanted.seeds)) for name, kind in KINDS.items()]
    tell(markdown(head, rows))


def told(name: str, settings: dict[str, Any], folder: Path, seeds: Iterable[int]) -> list[str]:
    """Give the row of a kind of scan: mean accuracies at positions without a label."""
    number = 200 + list(KINDS).index(name)
    here = simulated(f"{name} here", settings | {"seed": number}, folder)
    there = simulated(f"{name} there", settings | OTHER | {"seed": number + 50}, folder)
    found = [tried(here, there, seed) for seed in seeds]
    figures = [f"{mean(values):.3f}" for values in zip(*(accuracies for accuracies, _ in found), strict=True)]
    return [name, *figures, found[0][1]]


def tried(here: Case, there: Case, seed: int) -> tuple[list[float], str]:
    """Train here and map there; give the accuracies in the order of the table, and what the check said."""
    who = oracle(there, 0.0, seed)
    model, own, own_model = trained(here, seed), chosen(there, seed), trained(there, seed)
    further, more = model, who.label(())
    while len(more) < FURTHER:
        mapped = gh.segment(there.scan, further, device="cpu")
        unsure = most_uncertain(mapped.probabilities, more, AT_ONCE, APART).proposals
        more = who.label([*more, *(point.position for point in unsure)])
        *_, last = gh.train(there.scan, more, device="cpu", start=model)
        further = last.model
    trials: tuple[tuple[Case, Model, gh.LabelSet], ...] = (
        (here, model, chosen(here, seed)), (there, own_model, own), (there, model, more), (there, further, more),
    )  # fmt: skip
    return [accuracy(*trial) for trial in trials], "; ".join(note.what for note in check_scan(model, there.scan))


@cache
def chosen(case: Case, seed: int) -> gh.LabelSet:
    """Label as the Label page proposes."""
    who = oracle(case, 0.0, seed)
    return who.label(SAMPLINGS["ours"](who, LABELS, seed, lambda: known(case).features))


@cache
def known(case: Case) -> Known:
    """Keep what is known of a scan."""
    return Known(case)


def trained(case: Case, seed: int) -> Model:
    """Train with these labels."""
    *_, last = gh.train(case.scan, chosen(case, seed), device="cpu")
    return last.model


def accuracy(case: Case, model: Model, labels: gh.LabelSet) -> float:
    """Map, and judge at positions without a label."""
    return evaluate(gh.segment(case.scan, model, device="cpu"), case.truth, case.names, labels).accuracy


if __name__ == "__main__":
    main()
