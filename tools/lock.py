"""Write locks/: every package that `make` installs, for every system and Python, with the hashes of its wheels.

    make lock           what constraints.txt pins, with hashes; what it does not pin comes in at its newest
    make test-lowest    instead, for one Python: the oldest releases that pyproject.toml allows, without hashes

- `demo.txt`: what `make demo` installs: the package, py4DSTEM, and what builds the package itself; without torch
- `test.txt`: what `make test` installs: that and more
- `torch.txt`: torch as the index has it, with its libraries for accelerators
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]
ACCELERATION = re.compile(r"(torch|triton|(cuda|nvidia)-[a-z0-9-]+)==")  # torch, and what it has for itself alone
HEADER = "# Written by `make lock` from pyproject.toml and constraints.txt; do not edit.\n"


def main() -> None:
    """Resolve both sets anew, and write all files."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    if sys.argv[1:2] == ["--lowest"]:
        blocks = re.split(r"^(?=\S)", oldest(sys.argv[2]), flags=re.MULTILINE)
        sys.stdout.write("".join(block for block in blocks if not ACCELERATION.match(block)))
        return
    lowest = project["project"]["requires-python"].removeprefix(">=")
    build = [*project["build-system"]["requires"], "editables>=0.5"]  # hatchling asks for it when it installs with -e
    (ROOT / "locks").mkdir(exist_ok=True)
    for name, extras in (("demo", ["--extra=py4dstem"]), ("test", ["--extra=test"])):
        blocks = re.split(r"^(?=\S)", resolved(build, lowest, extras), flags=re.MULTILINE)
        write(f"{name}.txt", [block for block in blocks if not ACCELERATION.match(block)])
        write("torch.txt", [block for block in blocks if ACCELERATION.match(block)])


def resolved(build: list[str], lowest: str, extras: list[str]) -> str:
    """Give the requirements of the package, of its building and of some extras, each with all hashes."""
    with tempfile.TemporaryDirectory() as folder:
        more = Path(folder, "build.in")
        more.write_text("\n".join(build), encoding="utf-8")
        return compiled(
            "--universal", "--generate-hashes", f"--python-version={lowest}", "--constraint=constraints.txt", *extras,
            str(more),
        )  # fmt: skip


def oldest(python: str) -> str:
    """Give the oldest releases of what the package itself asks for, and the newest of the rest; torch as it is pinned.

    Older builds of torch come with gigabytes of libraries; its bound is not tried here.
    """
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    torch = next(line for line in pins.splitlines() if line.startswith("torch=="))
    with tempfile.TemporaryDirectory() as folder:
        override = Path(folder, "torch.txt")
        override.write_text(torch, encoding="utf-8")
        return compiled("--resolution=lowest-direct", f"--python={python}", f"--override={override}", "--extra=test")


def compiled(*options: str) -> str:
    """Resolve what pyproject.toml asks for."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header", "--no-annotate"]
    command += [*options, "pyproject.toml"]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def write(name: str, blocks: list[str]) -> None:
    """Write one lock."""
    (ROOT / "locks" / name).write_text(HEADER + "".join(blocks), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
