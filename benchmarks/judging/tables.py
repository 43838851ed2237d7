"""What many trials say together, as tables in Markdown.

The spread is that over the seeds of a scan: the standard deviation, averaged over the scans.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from statistics import mean, median, stdev
from typing import TypeVar

from benchmarks.judging.scans import HELD_BACK
from benchmarks.judging.trials import Outcome, Plan

Trials = dict[Plan, Outcome]
Way = tuple[str, str]  # method and sampling

Key = TypeVar("Key")

MAIN_BUDGET = 50
MAIN_SAMPLING = "Algorithm 1"


def tables(done: Trials) -> Iterator[str]:
    """Give all tables that the trials fill, those without wrong labels first."""
    for wrong in sorted({plan.wrong for plan in done}):
        trials = {plan: outcome for plan, outcome in done.items() if plan.wrong == wrong}
        which = f", {wrong:.0%} of them wrong" if wrong else ""
        main = {plan: outcome for plan, outcome in trials.items() if plan.budget == MAIN_BUDGET}
        if main:
            yield f"{MAIN_BUDGET} labels{which}:\n\n{overview(main)}"
            if len(shared := paired(main)) < len(main):
                yield f"{MAIN_BUDGET} labels{which}, scans and seeds that every way was tried on:\n\n{overview(shared)}"
            yield f"{MAIN_BUDGET} labels{which}, scan by scan:\n\n{by_scan(main)}"
        yield f"By number of labels{which}:\n\n{by_budget(trials)}"
        yield f"What the models said of themselves{which}:\n\n{honesty(trials)}"


def overview(trials: Trials) -> str:
    """Compare ways over all scans."""
    head = ("method", "sampling", "scans", "trials", "accuracy", "balanced", "near a wall", "training")
    rows = []
    for way, own in grouped(trials, lambda plan: (plan.method, plan.sampling)):
        seconds = median(outcome.training for outcome in own.values())
        scans = len({plan.scan for plan in own})
        rows.append(
            (
                *way,
                f"{scans}",
                f"{len(own)}",
                with_spread(own),
                share(own, "balanced"),
                share(own, "wall"),
                f"{seconds:.1f} s",
            )
        )
    return markdown(head, rows)


def by_budget(trials: Trials) -> str:
    """Compare numbers of labels, for each way that was tried with several."""
    budgets = sorted({plan.budget for plan in trials})
    rows = []
    for way, own in grouped(trials, lambda plan: (plan.method, plan.sampling)):
        if len({plan.budget for plan in own}) > 1 or len(budgets) == 1:
            parts = [{plan: one for plan, one in own.items() if plan.budget == budget} for budget in budgets]
            rows.append((*way, *(with_spread(part) for part in parts)))
    return markdown(("method", "sampling", *map(str, budgets)), rows)


def by_scan(trials: Trials) -> str:
    """Compare scans, for every way."""
    ways = [way for way, _ in grouped(trials, lambda plan: (plan.method, plan.sampling))]
    rows = []
    for scan, own in grouped(trials, lambda plan: plan.scan):
        parts = [{plan: one for plan, one in own.items() if (plan.method, plan.sampling) == way} for way in ways]
        rows.append((f"{scan} *" if scan in HELD_BACK else scan, *(with_spread(part) for part in parts)))
    return markdown(("scan", *(f"{method}, {sampling}" for method, sampling in ways)), rows)


def honesty(trials: Trials) -> str:
    """Compare what models said with what was true, by method, sampling and budget."""
    told = {plan: outcome for plan, outcome in trials.items() if outcome.said is not None}
    rows = []
    for way, own in grouped(told, lambda plan: (plan.method, plan.sampling, f"{plan.budget}")):
        fields = ("said", "estimate", "accuracy")
        rows.append(
            (*way, *(share(own, field) for field in fields), held(own, "low", "high"), held(own, "least", "most"))
        )
    head = ("method", "sampling", "labels", "left-out labels right", "estimate", "true",
            "interval of the left-out labels holds it", "interval of the estimate holds it")  # fmt: skip
    return markdown(head, rows)


def held(trials: Trials, low: str, high: str) -> str:
    """Count how often the accuracy lay in an interval, and how often above it."""
    bounds = [(getattr(one, low), one.accuracy, getattr(one, high)) for one in trials.values()]
    known = [found for found in bounds if None not in found]
    if not known:
        return "-"
    inside, above = (sum(test) for test in zip(*((a <= x <= b, x > b) for a, x, b in known), strict=True))
    return f"{inside} of {len(known)}" + (f", {above} above" if above else "")


def paired(trials: Trials) -> Trials:
    """Keep the scans and seeds that every way was tried on."""
    tried = [
        {(plan.scan, plan.seed) for plan in own}
        for _, own in grouped(trials, lambda plan: (plan.method, plan.sampling))
    ]
    common = set.intersection(*tried)
    return {plan: outcome for plan, outcome in trials.items() if (plan.scan, plan.seed) in common}


def grouped(trials: Trials, key: Callable[[Plan], Key]) -> list[tuple[Key, Trials]]:
    """Put trials with one key together, in the order in which the keys are met."""
    found: dict[Key, Trials] = defaultdict(dict)
    for plan, outcome in trials.items():
        found[key(plan)][plan] = outcome
    return list(found.items())


def with_spread(trials: Trials) -> str:
    """Give the mean accuracy with its spread over seeds, and how many trials gave no map."""
    scans = [
        [outcome.accuracy for outcome in own.values() if outcome.accuracy is not None]
        for _, own in grouped(trials, lambda plan: plan.scan)
    ]
    every = [accuracy for scan in scans for accuracy in scan]
    failed = f" ({len(trials) - len(every)} without a map)" if len(every) < len(trials) else ""
    if not every:
        return failed.strip()
    spreads = [stdev(scan) for scan in scans if len(scan) > 1]
    return f"{mean(every):.3f}" + (f" ± {mean(spreads):.3f}" if spreads else "") + failed


def share(trials: Trials, field: str) -> str:
    """Give the mean of a figure, where there is one."""
    found = [getattr(outcome, field) for outcome in trials.values()]
    return f"{mean(known):.3f}" if (known := [value for value in found if value is not None]) else "-"


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a table."""
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("| ---", "|---").replace("--- |", "---|") for line in lines)
