r"""What the neighbours' say brings to maps and what it costs: the figures of docs/results.md.

Maps of `swift` with 50 labels of every known scan, without the neighbours and with them, judged at all positions
without a label: how many are right, and how far that is from how sure the maps are. In vacuum, which belongs to no
class, confidence should stay low.

    python -m benchmarks.neighbours --data ../shared/data
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from benchmarks.common import scratch
from benchmarks.judging.methods import Known, swift
from benchmarks.judging.options import parser
from benchmarks.judging.oracle import oracle
from benchmarks.judging.samplings import SAMPLINGS
from benchmarks.judging.scans import Case, cases
from benchmarks.judging.tables import markdown
from benchmarks.reliability import LABELS, WAYS, Seen, bins, error, said_of_vacuum
from benchmarks.rows import tell

STRENGTHS = (0.0, 0.5, 1.0, 2.0, 4.0)


class Trial(NamedTuple):
    """A way to choose labels, and how much neighbours helped."""

    way: str
    strength: float


def main() -> None:
    """Print a table for each way: scan by scan, and all together."""
    asked = parser("benchmarks.neighbours", __doc__)
    asked.add_argument("--seeds", type=int, default=2, help="how often each scan is labelled")
    wanted = asked.parse_args()
    found: dict[Trial, dict[str, list[Seen]]] = {}
    with scratch() as folder:
        for name, make in cases(wanted.scratch or folder, wanted.data, tiny=wanted.tiny).items():
            for trial, seen in judged(make(), wanted.seeds):
                found.setdefault(trial, {}).setdefault(name, []).append(seen)
    head = ("scan", *("without" if not strength else f"strength {strength:g}" for strength in STRENGTHS))
    for way in WAYS:
        tell(f"\n{way}, share of positions that are right:\n\n{markdown(head, rows(found, way))}\n")
        for strength in STRENGTHS:
            scans = found[Trial(way, strength)]
            every = [seen for several in scans.values() for seen in several]
            own = {name: error(bins(several)) for name, several in scans.items()}
            worst = max(own, key=lambda name: own[name])
            tell(
                f"{strength:g}: expected calibration error {error(bins(every)):.3f} of all together, "
                f"{np.mean(list(own.values())):.3f} of a scan in the mean, {own[worst]:.3f} at most ({worst}); "
                f"{said_of_vacuum(every)}"
            )


def judged(case: Case, seeds: int) -> Iterator[tuple[Trial, Seen]]:
    """Map a scan in every way, and look where there is no label."""
    known = Known(case)
    for seed in range(seeds):
        who = oracle(case, 0.0, seed)
        for way in WAYS:
            labels = who.label(SAMPLINGS[way](who, LABELS, seed, lambda: known.features))
            plain = swift(known, labels, seed).map
            judge = case.known.copy()
            judge[tuple(labels.positions.T)] = False
            for strength in STRENGTHS:
                domains = plain.with_neighbours(strength)
                right = np.array(domains.classes.names)[domains.classes_image - 1] == np.array(case.names)[case.truth]
                sure = domains.confidence.astype(float)
                yield Trial(way, strength), Seen(sure[judge], right[judge], sure[~case.known])


def rows(found: dict[Trial, dict[str, list[Seen]]], way: str) -> Iterator[tuple[str, ...]]:
    """Give the accuracy of each scan, mean over the seeds, and the mean over the scans."""
    shares = {
        strength: {name: float(np.mean([seen.right.mean() for seen in several])) for name, several in own.items()}
        for strength in STRENGTHS
        for own in [found[Trial(way, strength)]]
    }
    for name in shares[STRENGTHS[0]]:
        yield name, *(f"{shares[strength][name]:.3f}" for strength in STRENGTHS)
    yield "mean", *(f"{float(np.mean(list(shares[strength].values()))):.4f}" for strength in STRENGTHS)


if __name__ == "__main__":
    main()
