"""Killed while writing: under its final name a file is whole, old or new; what else is left is known and harmless."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from napari_ghosthunter.learning.modelfile import save_model
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.export import output_paths
from tests.writers import BUNDLE, MAP, SCAN, VERSIONS, WRITERS, Content, content

REPOSITORY = Path(__file__).parents[1]
LEFT_BEHIND = re.compile(r"\.[a-z_]+-[a-z0-9_]{8}\.part\.[a-z0-9]+")
LOG = logging.getLogger(__name__)  # pytest --log-cli-level=INFO shows the figures


def contents(name: str, data: bytes) -> Any:
    """What a file says, whole or not; the parts of a header or an archive may come in any order."""
    if name.endswith(".safetensors") and len(data) >= 8:
        end = 8 + int.from_bytes(data[:8], "little")
        return json.loads(data[8:end]), data[end:]
    if name == BUNDLE:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            assert opened.testzip() is None
            return {member: contents(member, opened.read(member)) for member in opened.namelist()}
    return data


def files(folder: Path) -> dict[str, Any]:
    """All whole files by name, and None for each that a killed writer has left."""
    found = {path.name: path.read_bytes() for path in folder.iterdir()}
    return {name: None if LEFT_BEHIND.fullmatch(name) else contents(name, data) for name, data in found.items()}


@pytest.fixture
def versions(tmp_path: Path, make_model: Callable[..., Any]) -> list[Content]:
    save_model(make_model(), tmp_path / "model.safetensors")
    return [content(version, make_model()) for version in range(VERSIONS)]


@pytest.fixture
def whole(tmp_path: Path, versions: list[Content]) -> list[dict[str, Any]]:
    """The files of each version, written in peace."""
    for version, what in enumerate(versions):
        for name, write in WRITERS.items():
            write(tmp_path / f"{version}" / name, what)
    return [files(tmp_path / f"{version}") for version in range(VERSIONS)]


@pytest.fixture
def writer(tmp_path: Path, versions: list[Content]) -> Iterator[Callable[[], None]]:
    """Give a function that lets a process write into `out` until it is killed."""
    (tmp_path / "out").mkdir()
    command = [
        sys.executable,
        "-m",
        "tests.writers",
        tmp_path / "out",
        tmp_path / "model.safetensors",
        f"{os.urandom(4)}",
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def killed_once() -> None:
            process.stdin.write("\n")
            process.stdin.flush()
            assert process.stdout.readline() == "9\n"

        yield killed_once
        process.kill()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="Windows cannot copy a process")
@pytest.mark.parametrize("rounds", [6, pytest.param(200, marks=pytest.mark.slow)])
def test_no_half_file_under_a_final_name(
    tmp_path: Path, whole: list[dict[str, Any]], writer: Callable[[], None], rounds: int
) -> None:
    out, parts = tmp_path / "out", 0
    maps = {path.name for path in output_paths(out, MAP)}
    for _ in range(rounds):
        writer()
        found = files(out)
        left = {name for name, content in found.items() if content is None}
        parts += len(left)
        assert found.keys() - left <= whole[0].keys(), "a name that nobody knows"
        for name in found.keys() - left:
            assert any(found[name] == version[name] for version in whole), name
        if f"{MAP}_map.json" in found:
            assert any(all(found[name] == version[name] for name in maps) for version in whole), "a mixed map"
            assert DomainMap.load(out).scan_shape == SCAN.scan_shape, "what is left of others is no map"
        for name in left:
            (out / name).unlink()
    LOG.info("%d kills, %d files left unfinished, none of them under a final name", rounds, parts)


def test_what_a_killed_writer_left_goes_with_the_next_one_but_not_what_another_writes(
    tmp_path: Path, versions: list[Content]
) -> None:
    out, (what, _) = tmp_path / "out", versions
    for name, write in WRITERS.items():
        write(out / name, what)
    names = {path.name for path in out.iterdir()}
    old = [out / f".{Path(name).stem}-abcd1234.part{Path(name).suffix}" for name in names]
    young = [path.with_name(path.name.replace("abcd", "efgh")) for path in old]
    others = [
        out / ".scan-abcd1234.tif",
        out / "scan-abcd1234.part.tif",
        out / ".hidden",
        out / ".two-abcd1234.part.tif",
    ]
    for path in (*old, *young, *others):
        path.write_bytes(b"half")
    for path in (*old, *others):
        os.utime(path, (1, 1))
    for name, write in WRITERS.items():
        write(out / name, what)
    assert {path.name for path in out.iterdir()} == names | {path.name for path in (*young, *others)}
