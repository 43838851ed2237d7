"""The whole table, as docs/performance.md has it: every benchmark in a process of its own, one after the other.

    make bench                   or python -m benchmarks
    python -m benchmarks --quick small sizes, to see whether all runs
    python -m benchmarks --only memory --only start

Scratch files go to the folder for temporary files (TMPDIR says which), at most 3.6 GB at a time, and are removed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.rows import HEAD, Row, cores, tell

MODULES = (
    "map_cpu", "map_gpu", "half", "train_speed", "train_bound", "first_look", "hover", "memory", "start", "growth",
    "proposals", "cluster", "window", "live",
)  # fmt: skip
WITH_A_WINDOW = {"hover", "window", "start", "live"}
ROOT = Path(__file__).parents[1]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, to see whether all runs")
    parser.add_argument("--only", action="append", choices=MODULES, help="only these modules; repeatable")
    wanted = parser.parse_args()
    began = time.perf_counter()
    tell(f"{machine()}.\n\n{HEAD}")
    rows: list[Row] = []
    for module in wanted.only or MODULES:
        for row in measured(module, quick=wanted.quick):
            rows.append(row)
            tell(str(row))
    missed = sum(row.met is False for row in rows)
    tell(f"\n{len(rows)} rows in {(time.perf_counter() - began) / 60:.0f} min; limits not met: {missed}.")
    sys.exit(any(row.figure.startswith("failed") for row in rows))


def measured(module: str, *, quick: bool) -> Iterator[Row]:
    """Run one benchmark in a process of its own, and give its rows; one that says so, if it fails."""
    command = [sys.executable, "-m", f"benchmarks.{module}", "--json", *(["--quick"] if quick else [])]
    if module in WITH_A_WINDOW:
        command = [*screen(), *command]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    for line in done.stdout.splitlines():
        if line.startswith('{"what"'):
            yield Row(**json.loads(line))
    if done.returncode:
        yield Row(module, f"failed with {done.returncode}", command=f"python -m benchmarks.{module}")


def screen() -> list[str]:
    """Give what a command with a window needs before it: a screen in memory, where Linux has no other."""
    if sys.platform != "linux" or os.environ.get("DISPLAY") or not shutil.which("xvfb-run"):
        return []
    return ["xvfb-run", "-a", "-s", "-screen 0 1600x1000x24"]


def machine() -> str:
    """Say where this was measured, and with what."""
    names = ("napari-ghosthunter", "numpy", "torch", "napari", "PySide6", "distributed")
    return f"{processor()}, {cores()} cores, {platform.system()}, Python {platform.python_version()}, " + ", ".join(
        f"{name} {found}" for name in names if (found := installed(name))
    )


def processor() -> str:
    """Name the processor, if the system knows it."""
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def installed(name: str) -> str | None:
    """Give the version of a package; None if it is not there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
