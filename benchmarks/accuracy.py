r"""How good the maps are: the tables of docs/results.md, as Markdown.

Scan x method x sampling x budget x seed: a scan with a known truth is labelled by somebody who knows it, mapped, and
judged at all positions that were not labelled. A seed is the corner that a grid starts from (or what is drawn by
chance), and what a training begins with; the scan stays the same.

    python -m benchmarks.accuracy --cache trials.jsonl                        what takes seconds
    python -m benchmarks.accuracy --cache trials.jsonl --wrong 0.03           the same with 3 % of the labels wrong
    python -m benchmarks.accuracy --cache trials.jsonl --methods ghosthunter "paper's network, log" paper \
        --samplings "Algorithm 1" --budgets 50                                the networks that take minutes
    python -m benchmarks.accuracy --cache trials.jsonl --print                what is in the file so far

`--data ../shared/data` adds the scans by others. Simulated scans are kept in `--scratch`, 4 GB in all.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.common import scratch
from benchmarks.judging.methods import METHODS, QUICK
from benchmarks.judging.options import parser
from benchmarks.judging.samplings import SAMPLINGS
from benchmarks.judging.scans import cases
from benchmarks.judging.tables import tables
from benchmarks.judging.trials import append, plans, read, tried
from benchmarks.rows import tell

BUDGETS = (10, 25, 50, 100, 250)


def main() -> None:
    """Do the trials that are asked for and not done yet, and print the tables of all in the file."""
    wanted = options()
    with scratch() as folder:
        cache, scans = wanted.cache or folder / "trials.jsonl", wanted.scratch or folder
        if not wanted.print:
            found = cases(scans, wanted.data, tiny=wanted.tiny)
            names = [name for name in wanted.scans or found if name in found]
            listed = plans(names, wanted.methods, wanted.samplings, wanted.budgets, wanted.wrong, wanted.seeds)
            for plan, outcome in tried(listed, found, read(cache)):
                append(cache, plan, outcome)
        for table in tables(read(cache)):
            tell(table + "\n")


def options() -> argparse.Namespace:
    """Read the command line."""
    asked = parser("benchmarks.accuracy", __doc__)
    asked.add_argument("--scans", nargs="+", help="only these; all by default")
    asked.add_argument("--methods", nargs="+", choices=METHODS, default=QUICK)
    asked.add_argument("--samplings", nargs="+", choices=SAMPLINGS, default=list(SAMPLINGS))
    asked.add_argument("--budgets", nargs="+", type=int, default=BUDGETS, help="how many labels")
    asked.add_argument("--wrong", type=float, default=0.0, help="share of the labels that are wrong")
    asked.add_argument("--seeds", type=int, default=3, help="how many")
    asked.add_argument("--cache", type=Path, help="file with the trials that were done, a line of JSON each")
    asked.add_argument("--print", action="store_true", help="only print what is in the file")
    return asked.parse_args()


if __name__ == "__main__":
    main()
