"""Trials: a scan, labels, a map, and how right it is; each a line of JSON, so that a long table can be gone on with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from itertools import product
from pathlib import Path

from benchmarks.judging.methods import METHODS, Known, Made
from benchmarks.judging.oracle import oracle
from benchmarks.judging.samplings import SAMPLINGS
from benchmarks.judging.scans import Case
from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.mapping.evaluation import evaluate


@dataclass(frozen=True)
class Plan:
    """What one trial is."""

    scan: str
    method: str
    sampling: str
    budget: int
    wrong: float
    seed: int


@dataclass(frozen=True)
class Outcome:
    """What came out of it; None where there is no such figure.

    Attributes
    ----------
    labels
        How many there were.
    accuracy, balanced, wall
        At all positions that were not labelled; the mean over the classes; and within 2 pixels of a wall.
    said, low, high
        The share of left-out labels that came out right, with its 95 % interval.
    estimate, least, most
        What the model estimates the accuracy of the map to be, with its interval.
    training, mapping
        Seconds.
    failed
        Why there is no map.
    """

    labels: int = 0
    accuracy: float | None = None
    balanced: float | None = None
    wall: float | None = None
    said: float | None = None
    low: float | None = None
    high: float | None = None
    estimate: float | None = None
    least: float | None = None
    most: float | None = None
    training: float = 0.0
    mapping: float = 0.0
    failed: str = ""


def plans(
    scans: Iterable[str], methods: Iterable[str], samplings: Iterable[str], budgets: Iterable[int], wrong: float,
    seeds: int,
) -> list[Plan]:  # fmt: skip
    """List all trials, scan by scan; all methods of a seed before the next seed."""
    every = product(scans, range(seeds), methods, samplings, budgets)
    return [Plan(scan, method, sampling, budget, wrong, seed) for scan, seed, method, sampling, budget in every]


def tried(
    wanted: Iterable[Plan], cases: dict[str, Callable[[], Case]], done: dict[Plan, Outcome]
) -> Iterator[tuple[Plan, Outcome]]:
    """Do the trials that are not done yet, one scan in memory at a time."""
    known: Known | None = None
    for plan in wanted:
        if plan in done:
            continue
        if known is None or known.case.name != plan.scan:
            known = Known(cases[plan.scan]())
        yield plan, attempt(plan, known)


def attempt(plan: Plan, known: Known) -> Outcome:
    """Label, make the map, and judge it by the truth."""
    case, who = known.case, oracle(known.case, plan.wrong, plan.seed)
    labels = who.label(SAMPLINGS[plan.sampling](who, plan.budget, plan.seed, lambda: known.features))
    try:
        made = METHODS[plan.method](known, labels, plan.seed)
    except GhostHunterError as error:  # such as labels of one class only
        return Outcome(labels=len(labels), failed=str(error))
    result = evaluate(made.map, case.truth, case.names, labels)
    return Outcome(
        labels=len(labels), accuracy=result.accuracy, balanced=result.balanced_accuracy, wall=result.wall_accuracy,
        training=made.training, mapping=made.mapping, **_said(made),
    )  # fmt: skip


def _said(made: Made) -> dict[str, float | None]:
    """Give what the model said of itself."""
    if made.record is None:
        return {}
    held, whole = made.record.held_out, made.record.estimate
    low, high = held.interval if held.count else (None, None)
    told = {"said": held.accuracy, "low": low, "high": high}
    if whole is not None:
        low, high = whole.interval
        told |= {"estimate": whole.accuracy, "least": low, "most": high}
    return told


def read(path: Path) -> dict[Plan, Outcome]:
    """Read the trials that are in a file, if it is there."""
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        values = json.loads(line)
        plan = {field.name: values.pop(field.name) for field in fields(Plan)}
        found[Plan(**plan)] = Outcome(**values)
    return found


def append(path: Path, plan: Plan, outcome: Outcome) -> None:
    """Add a trial to a file."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(plan) | asdict(outcome)) + "\n")
