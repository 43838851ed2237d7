"""Row 5: peak memory of a map and of a virtual image, for cubes of 0.5, 1 and 2 GiB.

Pages of a memory-mapped scan count as resident memory of the process, though they are the page cache of the system,
which it takes back when it needs them: what ru_maxrss or VmHWM tells grows with the file, whatever the process does. So
the figure is the peak of what is the process's own, `RssAnon` and `RssShmem` of /proc/PID/status, looked at every 5 ms,
and all mapped files but the scan (the code of torch and the others), from /proc/PID/smaps. The higher of two runs
counts: how much is held at once depends a little on which thread comes first. Linux only.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.common import opened, random_model, scratch
from benchmarks.rows import Row, at_most, run_alone
from napari_ghosthunter.learning.modelfile import save_model
from napari_ghosthunter.scan.scan import Scan

COLUMNS, DETECTOR_SHAPE = 64, (512, 512)
ROWS = (16, 32, 64)  # 0.5, 1 and 2 GiB
RUNS = 2
LOOK_S, FILES_LOOK_S = 0.005, 0.25
MOST_MIB = 1.2 * 1024
FLAT = 1.1  # largest over smallest
VIRTUAL_IMAGE = """
import sys, torch
import napari_ghosthunter as gh
scan = gh.open_scan(sys.argv[1])
beam = gh.virtual.measure_scan_beam(scan)
gh.virtual.virtual_images(scan, [gh.virtual.bright_field_mask(scan.detector_shape, beam),
                                 gh.virtual.dark_field_mask(scan.detector_shape, beam)])
"""


def rows(quick: bool) -> Iterator[Row]:
    """Measure the commands with each cube; one cube is on disk at a time."""
    if sys.platform != "linux":
        yield Row("peak memory", "not measured: it needs Linux's /proc")
        return
    peaks: dict[str, list[float]] = {}
    sizes = []
    for count in (2, 4) if quick else ROWS:
        with scratch() as folder:
            scan = opened(folder, (count, COLUMNS), DETECTOR_SHAPE)
            sizes.append(f"{scan.size_bytes / 2**30:.2g}")
            for name, command in commands(scan, folder).items():
                peaks.setdefault(name, []).append(max(peak_mib(command, scan) for _ in range(1 if quick else RUNS)))
    for name, found in peaks.items():
        told = ", ".join(f"{peak:.0f}" for peak in found)
        yield at_most(f"peak memory of {name}, {', '.join(sizes)} GiB: the most", max(found), MOST_MIB, " MiB", told)
        yield at_most("the same: largest over smallest", max(found) / min(found), FLAT)


def commands(scan: Scan, folder: Path) -> dict[str, list[str]]:
    """Give the commands to measure, by what they do."""
    path = str(scan.provenance.path)
    found = {}
    for name, patterns in {"map": {}, "map, 5 x 5 pooling": {"pool": "max", "pool_size": 5}}.items():
        model = folder / f"{len(patterns)}.safetensors"
        save_model(random_model(scan, **patterns), model)
        out = str(folder / model.stem)
        command = [sys.executable, "-m", "napari_ghosthunter", "map", path, "--device", "cpu", "--overwrite"]
        found[f"`{name}`"] = [*command, "--model", str(model), "--out", out]
    found["bright and dark field, torch loaded"] = [sys.executable, "-c", VIRTUAL_IMAGE, path]
    return found


def peak_mib(command: list[str], scan: Scan) -> float:
    """Run a command and give the peak of its memory without the pages of the scan."""
    own, others, next_look = 0, 0, 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        folder = Path(f"/proc/{process.pid}")
        while process.poll() is None:
            try:
                own = max(own, own_kib(folder))
                if time.perf_counter() > next_look:
                    others = max(others, files_kib(folder, str(scan.provenance.path)))
                    next_look = time.perf_counter() + FILES_LOOK_S
            except OSError:  # it has just ended
                break
            time.sleep(LOOK_S)
    if process.returncode:
        raise RuntimeError(f"{command[:4]} ended with {process.returncode}")
    return (own + others) / 1024


def own_kib(process: Path) -> int:
    """Give the memory that is the process's own, now."""
    wanted = ("RssAnon:", "RssShmem:")
    lines = (process / "status").read_text(encoding="utf-8").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(wanted))


def files_kib(process: Path, without: str) -> int:
    """Give the resident pages of mapped files, but those of one file and what was written to (which is its own)."""
    found, counts = 0, False
    for line in (process / "smaps").read_text(encoding="utf-8").splitlines():
        words = line.split()
        if not words[0].endswith(":"):  # the head of a mapping: addresses, rights, offset, device, inode, path
            counts = len(words) > 5 and words[5].startswith("/") and without not in line
        elif counts and words[0] == "Rss:":
            found += int(words[1])
        elif counts and words[0] == "Anonymous:":
            found -= int(words[1])
    return found


if __name__ == "__main__":
    run_alone("benchmarks.memory", rows)
