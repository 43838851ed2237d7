r"""How sure maps are, and how often they are right: the reliability diagram of docs/accuracy.md.

Maps of `swift` with 50 labels of every known scan, at all positions without a label: those that the map is about so
sure of are put together, and counted. In vacuum, which belongs to no class, confidence should be low.

    python -m benchmarks.reliability --data ../shared/data --svg docs/images/reliability.svg
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import scratch
from benchmarks.judging.methods import Known, swift
from benchmarks.judging.options import parser
from benchmarks.judging.oracle import oracle
from benchmarks.judging.samplings import SAMPLINGS
from benchmarks.judging.scans import Case, cases
from benchmarks.judging.tables import markdown
from benchmarks.rows import tell

LABELS = 50
EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
WAYS = ("Algorithm 1", "ours")
SIDE, MARGIN = 240, 36  # of the diagram, in its own units
COLOURS = ("#0072b2", "#d55e00")


class Seen(NamedTuple):
    """Confidence of positions, whether the map was right there, and confidence in vacuum, each flat."""

    confidence: NDArray[np.float64]
    right: NDArray[np.bool_]
    vacuum: NDArray[np.float64]


class Bin(NamedTuple):
    """Positions that maps were about so sure of."""

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float


def main() -> None:
    """Print the table, and draw it."""
    asked = parser("benchmarks.reliability", __doc__)
    asked.add_argument("--svg", type=Path, help="where to draw the diagram")
    wanted = asked.parse_args()
    found: dict[str, list[Seen]] = {way: [] for way in WAYS}
    with scratch() as folder:
        for make in cases(wanted.scratch or folder, wanted.data, tiny=wanted.tiny).values():
            for way, seen in judged(make()):
                found[way].append(seen)
    binned = {way: bins(seen) for way, seen in found.items()}
    tell(markdown(("confidence", *(f"{way}: share, mean confidence, right" for way in WAYS)), table(binned)))
    for way, seen in found.items():
        tell(f"\n{way}: expected calibration error {error(binned[way]):.3f}; {said_of_vacuum(seen)}")
    if wanted.svg:
        wanted.svg.write_text(drawn(binned), encoding="utf-8")


def judged(case: Case) -> Iterator[tuple[str, Seen]]:
    """Map a scan in every way, and look where there is no label."""
    known, who = Known(case), oracle(case, 0.0, 0)
    for way in WAYS:
        labels = who.label(SAMPLINGS[way](who, LABELS, 0, lambda: known.features))
        domains = swift(known, labels, 0).map
        sure, names = domains.confidence.astype(float), np.array(domains.classes.names)
        right = names[domains.probabilities.argmax(2)] == np.array(case.names)[case.truth]
        judge = case.known.copy()
        judge[tuple(labels.positions.T)] = False
        yield way, Seen(sure[judge], right[judge], sure[~case.known])


def bins(seen: list[Seen]) -> list[Bin]:
    """Put positions of all scans together by the confidence; every scan counts the same."""
    sure = np.concatenate([one.confidence for one in seen])
    right = np.concatenate([one.right for one in seen])
    weight = np.concatenate([np.full(len(one.right), 1 / len(one.right)) for one in seen])
    found = []
    for low, high in pairwise(EDGES):
        inside = (sure >= low) & ((sure < high) | (high == EDGES[-1]))
        if inside.any():
            share = weight[inside]
            means = (float(np.average(values[inside], weights=share)) for values in (sure, right))
            found.append(Bin(low, high, int(inside.sum()), *means))
    return found


def table(binned: dict[str, list[Bin]]) -> Iterator[tuple[str, ...]]:
    """Give the rows."""
    for low, high in pairwise(EDGES):
        row = [f"{low:g} to {high:g}"]
        for found in binned.values():
            every = sum(one.count for one in found)
            own = [one for one in found if one.low == low]
            row.append(
                f"{100 * own[0].count / every:.1f} %, {own[0].confidence:.3f}, {own[0].accuracy:.3f}" if own else ""
            )
        yield tuple(row)


def error(found: list[Bin]) -> float:
    """Mean distance between confidence and accuracy (Guo et al. 2017)."""
    every = sum(one.count for one in found)
    return sum(one.count * abs(one.confidence - one.accuracy) for one in found) / every


def said_of_vacuum(seen: list[Seen]) -> str:
    """Tell how sure the maps are where there is no sample."""
    vacuum = np.concatenate([one.vacuum for one in seen])
    beside = np.concatenate([one.confidence for one in seen if len(one.vacuum)] or [np.empty(0)])
    if not len(vacuum):
        return "no scan with vacuum"
    low, sample = (float((values < 0.5).mean()) for values in (vacuum, beside))
    return f"in vacuum {100 * low:.1f} % below a confidence of 0.5, on the sample beside it {100 * sample:.1f} %"


def drawn(binned: dict[str, list[Bin]]) -> str:
    """Draw the diagram: accuracy over confidence, and the line on which both are the same."""

    def at(x: float, y: float) -> tuple[float, float]:
        return MARGIN + SIDE * x, MARGIN / 2 + SIDE * (1 - y)

    (left, bottom), (right, top) = at(0, 0), at(1, 1)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {SIDE + 1.5 * MARGIN:g} {SIDE + 1.5 * MARGIN:g}" '
        'font-family="sans-serif" font-size="10">',
        f'<rect width="100%" height="100%" fill="white"/><path d="M{left} {bottom}L{right} {top}" stroke="#999"/>',
        f'<path d="M{left} {top}V{bottom}H{right}" fill="none" stroke="black"/>',
    ]
    for tick in (0, 0.25, 0.5, 0.75, 1):
        (x, _), (_, y) = at(tick, 0), at(0, tick)
        lines.append(f'<text x="{x}" y="{bottom + 12}" text-anchor="middle">{tick:g}</text>')
        lines.append(f'<text x="{left - 4}" y="{y + 3}" text-anchor="end">{tick:g}</text>')
    lines.append(f'<text x="{(left + right) / 2}" y="{bottom + 25}" text-anchor="middle">confidence</text>')
    lines.append(f'<text transform="translate(10 {(top + bottom) / 2}) rotate(-90)" text-anchor="middle">right</text>')
    for number, (way, found) in enumerate(binned.items()):
        points = [at(one.confidence, one.accuracy) for one in found]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{COLOURS[number]}"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{COLOURS[number]}"/>' for x, y in points]
        lines.append(f'<text x="{left + 8}" y="{top + 12 + 13 * number}" fill="{COLOURS[number]}">{way}</text>')
    return "\n".join([*lines, "</svg>\n"])


if __name__ == "__main__":
    main()
