"""How long runs are told where nobody sees a bar."""

import pytest

from napari_ghosthunter.cli import console
from napari_ghosthunter.cli.logged_progress import LOG_EVERY_S
from napari_ghosthunter.cli.progress import progress_bar


@pytest.fixture
def clock(monkeypatch):
    """Give seconds that pass only as the test says."""
    now = [1000.0]
    monkeypatch.setattr(console.err, "get_time", lambda: now[0])
    return now


def steps(clock, seconds, of=10):
    with progress_bar("mapping a.npy") as bar:
        for done in range(1, of + 1):
            clock[0] += seconds
            bar.update(bar.task_ids[0], completed=done, total=of, note=f"loss {done}" if done == 4 else "")


def test_a_log_says_now_and_then_how_far_it_is(clock, capsys):
    steps(clock, LOG_EVERY_S / 2)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "mapping a.npy: 20 %", "mapping a.npy: 40 % loss 4", "mapping a.npy: 60 %", "mapping a.npy: 80 %",
        "mapping a.npy: 100 %",
    ]  # fmt: skip


def test_a_short_run_says_nothing(clock, capsys):
    steps(clock, LOG_EVERY_S / 11)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_has_its_bar_and_no_lines(clock, capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    steps(clock, 2 * LOG_EVERY_S)
    assert "%\n" not in capsys.readouterr().err
