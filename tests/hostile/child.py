"""Opens spoilt scans one after the other, and tells how each ended: a process that may hang or die.

python -m tests.hostile.child SEEDS WORK            # jobs 'name number' come line by line
python -m tests.hostile.child SEEDS WORK name number  # one of them again, with its traceback
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

MIB = 2**20
ROOM = 6 * 1024 * MIB  # of addresses, over what the process has: the machine is to survive a test that fails


def run_one(seeds: Path, work: Path, name: str, number: int, *, told: bool = False) -> dict[str, Any]:
    """Spoil a copy of a seed, open it, read its first and last pattern; say how it ended and what that took."""
    from napari_ghosthunter.errors import GhostHunterError
    from tests.hostile.mutations import mutated
    from tests.hostile.seeds import read_seeds

    seed = read_seeds(seeds)[name]
    room = work / "room"
    shutil.rmtree(room, ignore_errors=True)
    shutil.copytree(seeds / name, room)
    spoilt = room / seed.spoilt
    spoilt.write_bytes(mutated(spoilt.read_bytes(), number))
    before = {path: path.read_bytes() for path in room.rglob("*") if path.is_file()}
    size = sum(map(len, before.values()))
    base = _memory("VmRSS")
    _forget_peak()
    started = time.process_time()
    opened_elsewhere: list[str] = []
    try:
        with _opened_files(work, opened_elsewhere):
            _planted_fault(name, number)
            ended, told_user = "opened", _use(room / seed.opened, seed.options)
    except GhostHunterError as error:
        ended, told_user = "refused", str(error)
        if told:
            traceback.print_exc()
    except BaseException as error:  # noqa: BLE001 (whatever it is, it is told)
        ended, told_user = "failed", "".join(traceback.format_exception(error)[-4:])
        if told:
            traceback.print_exc()
    seconds, memory = time.process_time() - started, _memory("VmHWM") - base
    gc.collect()
    after = {path: path.read_bytes() for path in room.rglob("*") if path.is_file()}
    return {
        "name": name, "number": number, "ended": ended, "told": told_user, "seconds": seconds, "memory": memory,
        "size": size, "elsewhere": opened_elsewhere, "changed": before != after,
    }  # fmt: skip


def _planted_fault(name: str, number: int) -> None:
    """Do what a bad reader would, where a test of the harness asks for it."""
    planted = dict(entry.split("=") for entry in os.environ.get("GHOSTHUNTER_TEST_FAULT", "").split(",") if entry)
    fault = planted.get(f"{name}:{number}")
    if fault == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault == "hang":
        time.sleep(600)
    elif fault == "raise":
        1 / 0  # noqa: B018
    elif fault == "take":
        bytearray(700 * MIB)[::4096] = b"x" * (700 * MIB // 4096)


def _use(path: Path, options: dict[str, Any]) -> str:
    import numpy as np

    from napari_ghosthunter.scan.readers import open_scan

    shape = options.get("scan_shape")
    scan = open_scan(path, scan_shape=None if shape is None else tuple(shape))
    for position in ((0, 0), (scan.shape[0] - 1, scan.shape[1] - 1)):
        pattern = scan.pattern(*position)
        assert pattern.shape == scan.detector_shape
        assert pattern.dtype == scan.dtype.newbyteorder("=")
        np.sum(pattern)
    return repr(scan)


@contextmanager
def _opened_files(work: Path, elsewhere: list[str]) -> Iterator[None]:
    """Note what Python opens outside `work`, but for code, and what is still open there (HDF5 opens in C)."""
    _WATCHED.append((work, elsewhere))
    try:
        yield
    finally:
        _WATCHED.clear()
        for fd in Path("/proc/self/fd").iterdir() if Path("/proc/self/fd").is_dir() else ():
            try:
                _note(str(fd.readlink()), work, elsewhere)
            except OSError:
                continue


_WATCHED: list[tuple[Path, list[str]]] = []
_TEMPORARY = tempfile.gettempdir()  # asked for here: the first time, it opens files itself
_CODE = (".py", ".pyc", ".so", ".pyd", ".zip", ".yaml", ".json", ".toml", ".txt", ".cfg", ".h", ".dll")


def _note(path: str, work: Path, elsewhere: list[str]) -> None:
    ours = (str(work), "/proc", "/sys", "/dev", sys.prefix, sys.base_prefix)
    inner = path.startswith(ours) or not path.startswith("/")
    unpacked = path.startswith(_TEMPORARY) and ("(deleted)" in path or path.count("/") == 2)
    if not inner and not unpacked and not path.endswith(_CODE):
        elsewhere.append(path)


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _WATCHED and isinstance(arguments[0], (str, os.PathLike)):
        path = os.path.abspath(arguments[0])  # noqa: PTH100 (called for each file: no objects)
        if not os.path.isdir(path):  # noqa: PTH112
            _note(path, *_WATCHED[0])


def _memory(key: str) -> int:
    """Give a line of /proc/self/status in bytes; 0 where there is none."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.is_file() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key)), 0)


def _forget_peak() -> None:
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")


def _limit_addresses() -> None:
    if sys.platform == "linux":
        import resource

        limit = _memory("VmSize") + ROOM
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    import logging

    logging.disable()
    seeds, work = map(Path, sys.argv[1:3])
    # what is imported once is neither a file read nor memory taken for a scan
    import h5py  # noqa: F401
    import hdf5plugin  # noqa: F401
    import numpy as np  # noqa: F401
    import zarr  # noqa: F401

    for name in ("blockfile", "digitalmicrograph", "empad", "mrc", "quantumdetector", "tia", "tvips"):
        __import__(f"rsciio.{name}._api")
    gc.collect()
    gc.freeze()  # only what comes from now on is looked through after each job
    _limit_addresses()
    sys.addaudithook(_audit)
    if len(sys.argv) > 3:
        print(json.dumps(run_one(seeds, work, sys.argv[3], int(sys.argv[4]), told=True), indent=1))  # noqa: T201
        return
    answers = os.fdopen(os.dup(1), "w")  # a library that prints does not disturb
    os.dup2(2, 1)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        name, number = line.split()
        print(json.dumps(run_one(seeds, work, name, int(number))), file=answers, flush=True)


if __name__ == "__main__":
    main()
