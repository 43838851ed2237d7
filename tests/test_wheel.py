"""The package as it is installed from a wheel, without the repository around it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling")
ROOT = Path(__file__).parents[1]


@pytest.mark.slow
@pytest.mark.parametrize("history", [True, False], ids=["from git", "from a copy without its history"])
def test_a_wheel_alone_maps_the_demo(tmp_path: Path, history: bool) -> None:
    source = ROOT
    if not history:
        source = tmp_path / "source"
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, files.split("\0")):
            if name.startswith(("src/", "pyproject", "README", "LICENSE")):
                (source / name).parent.mkdir(parents=True, exist_ok=True)
                (source / name).write_bytes((ROOT / name).read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", tmp_path, source], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert {"napari_ghosthunter/napari.yaml", "napari_ghosthunter/py.typed"} <= set(archive.namelist())
        assert not [name for name in archive.namelist() if not name.startswith("napari_ghosthunter")]
        archive.extractall(tmp_path / "installed")

    run = [sys.executable, "-m", "napari_ghosthunter"]
    alone = os.environ | {"PYTHONPATH": str(tmp_path / "installed")}
    where = "import napari_ghosthunter; print(napari_ghosthunter.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", where], cwd=tmp_path, env=alone, capture_output=True, text=True, check=False
    )
    assert found.stdout.startswith(str(tmp_path / "installed"))
    done = subprocess.run(
        [*run, "demo", "--out", "demo"], cwd=tmp_path, env=alone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "demo" / "overview.png").is_file()
