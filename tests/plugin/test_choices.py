"""What is remembered of files, where, and what is forgotten."""

from __future__ import annotations

import json

import pytest

from napari_ghosthunter.plugin import choices
from napari_ghosthunter.plugin.choices import recall, remember
from napari_ghosthunter.scan.options import ScanOptions


def test_a_choice_comes_back_and_lies_beside_the_settings(row_file, memory):
    before = sorted(row_file.parent.iterdir())
    remember(row_file, ScanOptions(scan_shape=(6, 10), dataset="data"))
    assert recall(row_file) == ScanOptions(scan_shape=(6, 10), dataset="data")
    assert sorted(row_file.parent.iterdir()) == before
    assert [one.name for one in memory.iterdir()] == ["opened-scans.json"]


def test_a_file_is_known_again_after_it_was_moved(row_file):
    remember(row_file, ScanOptions(scan_shape=(6, 10)))
    assert recall(row_file.rename(row_file.with_name("other.npy"))) == ScanOptions(scan_shape=(6, 10))


def test_another_file_is_not(row_file, scan_file):
    remember(row_file, ScanOptions(scan_shape=(6, 10)))
    assert recall(scan_file) == ScanOptions()
    row_file.write_bytes(row_file.read_bytes()[:-2] + b"??")
    assert recall(row_file) == ScanOptions()


def test_folders_have_choices_too(tmp_path):
    remember(tmp_path, ScanOptions(dataset="a"))
    assert recall(tmp_path) == ScanOptions(dataset="a")


def test_the_oldest_are_forgotten(tmp_path, monkeypatch):
    monkeypatch.setattr(choices, "KEPT", 2)
    files = [tmp_path / name for name in "abc"]
    for number, file in enumerate(files):
        file.write_text(file.name)
        remember(file, ScanOptions(scan_shape=(1, number + 1)))
    assert [recall(file).scan_shape for file in files] == [None, (1, 2), (1, 3)]


@pytest.mark.parametrize("content", ["", "[]", "{", '{"KEY": 3}', '{"KEY": {"scan_shape": [1]}}', b"\xff"])
def test_a_damaged_memory_is_empty(row_file, memory, content):
    if isinstance(content, str):
        remember(row_file, ScanOptions(scan_shape=(6, 10)))
        (key,) = json.loads((memory / choices.NAME).read_text())
        content = content.replace("KEY", key).encode()
    (memory / choices.NAME).write_bytes(content)
    assert recall(row_file) == ScanOptions()
    remember(row_file, ScanOptions(scan_shape=(6, 10)))
    assert recall(row_file) == ScanOptions(scan_shape=(6, 10))


def test_a_memory_that_cannot_be_written_is_done_without(row_file, memory):
    memory.rmdir()
    memory.write_text("no folder")
    remember(row_file, ScanOptions(scan_shape=(6, 10)))
    assert recall(row_file) == ScanOptions()
