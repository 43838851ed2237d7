"""What a notification shows of an error: the reason, in the few words that are seen of it."""

from __future__ import annotations

import pytest
from napari.utils import notifications

from napari_ghosthunter.plugin.window import errors, reason_first, tell_error

LONG = "Single_1_Frame_CounterDepth_1_Rows_256_Columns_256.mib"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("/tmp/w/points.csv, line 1: the table is empty.", "The table is empty (points.csv, line 1)."),
        (r"C:\data\points.csv: no label.", "No label (points.csv)."),
        ("Cannot write /proc/a.json and more: it is full.", "Cannot write a.json and more: it is full."),
        (
            "Cannot write /b/a.json and the files beside it: full.",
            "Full (cannot write a.json and the files beside it).",
        ),
        ("Cannot write /b/a.json: no space left.", "No space left (cannot write a.json)."),
        ("You may not write in the folder /a/b/.", "You may not write in the folder b."),
        ("'/a/b c/d.npy' (or ~/e) is no scan.", "'b c/d.npy' (or e) is no scan."),
        (f"{LONG} is cut off.", "Single_1_Fra…_256.mib is cut off."),
        (f"/data/{LONG}: it is cut off.", "It is cut off (Single_1_Fra…_256.mib)."),
        ("No scheduler answers at tcp://10.0.0.1:8786; 3 / 4 of 1/Å and/or y.", None),
        ("Nothing to shorten.", None),
    ],
)
def test_the_reason_comes_first(message: str, shown: str | None) -> None:
    assert reason_first(message) == (shown or message)


def test_who_listens_hears_it_in_full(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    heard: list[str] = []
    monkeypatch.setattr(notifications, "show_error", seen.append)
    errors.told.connect(heard.append)
    tell_error("/tmp/a.csv: it is empty.")
    errors.told.disconnect(heard.append)
    assert (seen, heard) == (["It is empty (a.csv)."], ["/tmp/a.csv: it is empty."])
