"""Runs jobs in a child process that may hang or die, and goes on with the next one."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
START_SECONDS = 120  # the imports, on a busy machine
HUNG_SECONDS = 60  # by the clock on the wall; what a job takes of the processor is told by the child itself


class Child:
    """One process of `tests.hostile.child`, started when it is needed and again after it died."""

    def __init__(self, seeds: Path, work: Path) -> None:
        self._command = [sys.executable, "-m", "tests.hostile.child", str(seeds), str(work)]
        self._process: subprocess.Popen[bytes] | None = None

    def ask(self, name: str, number: int) -> dict[str, Any]:
        """Give the answer of the child; if it gave none, it is ended, and 'ended' says 'hung' or 'died'."""
        if self._process is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
            self._process = subprocess.Popen(self._command, cwd=ROOT, bufsize=0, **pipes)
            if self._line(START_SECONDS).strip() != b"ready":
                self.end()
                raise RuntimeError(f"{' '.join(self._command)} does not start")
        assert self._process.stdin is not None
        self._process.stdin.write(f"{name} {number}\n".encode())
        line = self._line(HUNG_SECONDS)
        if line.endswith(b"\n"):
            answer: dict[str, Any] = json.loads(line)
            return answer
        code = self._process.poll()
        self.end()
        ended = "hung" if code is None else f"died ({code})"
        return {"name": name, "number": number, "ended": ended, "told": "", "seconds": 0, "memory": 0, "size": 0,
                "elsewhere": [], "changed": False}  # fmt: skip

    def _line(self, seconds: float) -> bytes:
        """Read a line; less than a line if none came in time, or the child died."""
        assert self._process is not None
        assert self._process.stdout is not None
        line = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not line.endswith(b"\n"):
                if not selector.select(seconds):
                    return line
                part = self._process.stdout.read(65536)
                if not part:
                    self._process.wait(10)
                    return line
                line += part
        return line

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def run_jobs(seeds: Path, work: Path, jobs: Iterable[tuple[str, int]]) -> Iterator[dict[str, Any]]:
    """Run jobs (name of a seed, number of a mutation) in one child after the other."""
    child = Child(seeds, work)
    try:
        for name, number in jobs:
            yield child.ask(name, number)
    finally:
        child.end()
