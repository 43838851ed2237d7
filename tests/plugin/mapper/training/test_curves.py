"""The curves: where a value lies, which numbers stand at the axes, and what the cursor finds."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QPoint, QRectF
from qtpy.QtGui import QColor, QPalette
from qtpy.QtTest import QTest

from napari_ghosthunter.learning.model import Epoch
from napari_ghosthunter.plugin.mapper.training.axes import Axes, round_step
from napari_ghosthunter.plugin.mapper.training.curves import ON_DARK, ON_LIGHT, Curves


def epochs(count: int, held_out: bool = True) -> list[Epoch]:
    return [
        Epoch(
            epoch=n, train_loss=1 / n, train_accuracy=1 - 1 / n, learning_rate=1e-3, seconds=n,
            validation_loss=2 / n if held_out else None, validation_accuracy=0.5 if held_out else None,
        )
        for n in range(1, count + 1)
    ]  # fmt: skip


@pytest.fixture
def curves(qtbot):
    curves = Curves()
    qtbot.addWidget(curves)
    curves.resize(380, 120)
    return curves


def painted(curves: Curves, colour: QColor) -> int:
    """Count the pixels that are drawn in about this colour."""
    image = curves.grab().toImage()
    near = 0
    for y in range(image.height()):
        for x in range(image.width()):
            pixel = image.pixelColor(x, y)
            near += max(abs(a - b) for a, b in zip(pixel.getRgb()[:3], colour.getRgb()[:3], strict=True)) < 24
    return near


@pytest.mark.parametrize(("span", "count", "step"), [(1, 3, 0.5), (1.05, 3, 0.5), (400, 4, 100), (7, 4, 2), (3, 4, 1)])
def test_steps_are_round(span, count, step) -> None:
    assert round_step(span, count) == pytest.approx(step)


def test_values_lie_where_they_belong() -> None:
    axes = Axes(QRectF(10, 20, 100, 50), 11, 2.0)
    assert (axes.point(1, 0).x(), axes.point(1, 0).y()) == (10, 70)
    assert (axes.point(11, 2).x(), axes.point(11, 2).y()) == (110, 20)
    assert axes.point(6, 1).x() == 60
    assert axes.point(6, 9).y() == 20  # no higher than the top
    assert [axes.epoch_at(x) for x in (-50, 10, 61, 110, 900)] == [1, 1, 6, 11, 11]
    assert axes.value_ticks == [0, 1, 2]
    assert axes.epoch_ticks == [1, 5, 10]


@pytest.mark.parametrize("count", [1, 2, 3, 9, 400, 100_000])
def test_few_numbers_stand_at_the_axis_whatever_its_length(count) -> None:
    ticks = Axes(QRectF(0, 0, 100, 50), count, 1).epoch_ticks
    assert ticks[0] == 1
    assert ticks == sorted(set(ticks))
    assert len(ticks) <= 6


def test_the_cursor_finds_the_numbers_of_an_epoch(curves) -> None:
    curves.show_history(epochs(11), best=7)
    curves.show()
    curves.grab()
    loss = curves._axes[0]
    QTest.mouseMove(curves, QPoint(round(loss.point(4, 0).x()), 60))
    QTest.qWait(50)
    assert curves.hover_text == "Epoch 4: training 0.25, 75 %; held-out 0.5, 50 %"
    accuracy = curves._axes[1]
    QTest.mouseMove(curves, QPoint(round(accuracy.point(11, 0).x()), 60))
    QTest.qWait(50)
    assert curves.hover_text.startswith("Epoch 11:")
    curves.show_history(epochs(2), best=1)  # a new training, that has not come so far
    assert curves.hover_text == ""
    curves.grab()


def test_a_fit_is_drawn_in_steps_of_which_none_is_better(curves) -> None:
    curves.show_history(epochs(24), None, "Step")
    curves._hovered = 24
    assert curves.hover_text.startswith("Step 24: training 0.0417, 96 %; held-out ")
    curves.grab()
    assert curves._axes[0].epoch_ticks == [1, 10, 20]


def test_without_held_out_labels_only_the_training_is_told(curves) -> None:
    curves.show_history(epochs(3, held_out=False), best=3)
    curves._hovered = 2
    assert curves.hover_text == "Epoch 2: training 0.5, 50 %"
    curves.grab()


@pytest.mark.parametrize(("ground", "text", "colours"), [("#262930", "#f0f1f2", ON_DARK), ("white", "black", ON_LIGHT)])
def test_both_lines_are_seen_on_either_ground(curves, ground, text, colours) -> None:
    palette = QPalette(QColor(text), QColor(ground))
    palette.setColor(QPalette.ColorRole.Window, QColor(ground))
    palette.setColor(QPalette.ColorRole.WindowText, QColor(text))
    curves.setPalette(palette)
    before = [painted(curves, colour) for colour in colours]
    curves.show_history(epochs(30), best=30)
    after = [painted(curves, colour) for colour in colours]
    assert before == [0, 0]
    assert min(after) > 50


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_epochs_are_drawn_too(curves, count) -> None:
    curves.show_history(epochs(count), best=count or None)
    assert not curves.grab().isNull()
