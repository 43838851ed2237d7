"""A coverage-guided fuzzer (atheris) on the parsers of this package: `python -m fuzz TARGET -max_total_time=60`.

What a target raises that is no GhostHunterError is a fault; the input that led to it is kept beside, to be given again
as an argument. Atheris is no part of the project: `pip install atheris` (Linux, Python 3.11 to 3.13).
"""

from __future__ import annotations

import contextlib
import logging
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["napari_ghosthunter"]):
    from napari_ghosthunter.errors import GhostHunterError
    from napari_ghosthunter.labelling.classes import ClassScheme
    from napari_ghosthunter.labelling.labelfiles import read_labels, read_paper_labels, read_points
    from napari_ghosthunter.learning.modelfile import _header
    from napari_ghosthunter.mapping.export import load_map
    from napari_ghosthunter.scan.readers import open_scan
    from napari_ghosthunter.scan.readers.companion import companion_text
    from napari_ghosthunter.scan.readers.empad import _shape_in_name
    from napari_ghosthunter.scan.readers.file_names import series_in
    from napari_ghosthunter.scan.readers.pictures import read_png
    from napari_ghosthunter.session.bundle import _read_state

ROOM = Path(tempfile.mkdtemp(prefix="ghosthunter-fuzz-"))


def _in_file(name: str, read: Callable[[Path], object]) -> Callable[[bytes], None]:
    def run(data: bytes) -> None:
        path = ROOM / name
        path.write_bytes(data)
        with contextlib.suppress(GhostHunterError):
            read(path)

    return run


def _scan(path: Path) -> None:
    scan = open_scan(path)
    scan.pattern(0, 0)
    scan.pattern(scan.shape[0] - 1, scan.shape[1] - 1)


def _classes(data: bytes) -> None:
    with contextlib.suppress(GhostHunterError):
        ClassScheme.from_names(data.decode("utf-8", "replace").split(","))


def _mib_header(path: Path) -> None:
    (ROOM / "b.mib").write_bytes(b"MQ1,000001,00384,01,0002,0002,U08,   1x1,01,".ljust(384, b"\0") + b"1234")
    path.rename(ROOM / "b.hdr")
    _scan(ROOM / "b.mib")


TARGETS: dict[str, Callable[[bytes], None]] = {
    "labels": _in_file("a.csv", lambda path: read_labels(path, (100, 100))),
    "points": _in_file("a.csv", read_points),
    "paper": _in_file("a.yaml", lambda path: read_paper_labels(path, (34, 206))),
    "classes": _classes,
    "model": _in_file("a", lambda path: _header(path, companion_text(path))),
    "bundle": _in_file("session.json", lambda path: _read_state(path, path.parent)),
    "map": _in_file("a_map.json", lambda path: load_map(path.parent)),
    "shape": lambda data: _shape_in_name(data.decode("latin-1")) and None,
    "hdr": _in_file("a.hdr", _mib_header),
    "npy": _in_file("a.npy", _scan),
    "npz": _in_file("a.npz", _scan),
    "mrc": _in_file("a.mrc", _scan),
    "ser": _in_file("a.ser", _scan),
    "tvips": _in_file("a_000.tvips", _scan),
    "mib": _in_file("a.mib", _scan),
    "blo": _in_file("a.blo", _scan),
    "tif": _in_file("a.tif", _scan),
    "png": _in_file("a.png", read_png),
    "prz": _in_file("a.prz", _scan),
    "names": lambda data: series_in(data.decode("latin-1").split("/")) and None,
}


def main() -> None:
    """Fuzz the target that the command line names."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python -m fuzz TARGET [FOLDER OF INPUTS] [-max_total_time=60 ...]; {', '.join(TARGETS)}")
    target = TARGETS[sys.argv.pop(1)]
    logging.disable()
    atheris.Setup([*sys.argv, "-timeout=10", "-rss_limit_mb=3000", f"-artifact_prefix={ROOM}/"], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
