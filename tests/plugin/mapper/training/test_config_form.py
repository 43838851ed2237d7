"""Forms that are made from configurations: every field has its widget, its help and its bounds."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from pydantic import BaseModel
from qtpy.QtCore import QEvent, Qt
from qtpy.QtWidgets import QApplication, QCheckBox, QComboBox, QWidget

from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.offered import NETWORK_HELP
from napari_ghosthunter.plugin.mapper.training.config_form import ConfigForm
from napari_ghosthunter.plugin.mapper.training.editors import make_editor

FIELDS = [
    (kind, name) for kind in (TrainingConfig, PatternConfig) for name in kind.model_fields
    if name != "symmetries"
]  # fmt: skip
OTHERS: dict[str, Any] = {
    "network": "ghosthunter",
    "epochs": 250, "seed": 7, "batch_size": 16, "learning_rate": 2.5e-4, "min_learning_rate": 1e-5,
    "weight_decay": 0.0, "plateau_factor": 0.7, "plateau_patience": 30, "validation_share": 0.35, "shift": 0.02,
    "pool": "max", "pool_size": 5, "size": 128, "crop": 0.5, "centre": "detector", "clip_hot": False,
    "scaling": "sqrt", "log_floor": 0.5, "contrast_window": 0.1, "align": False,
}  # fmt: skip


@pytest.fixture
def form(qtbot):
    """Give a function that makes a form with all fields of a configuration, and a list of what it tells."""

    def make(config: BaseModel) -> tuple[ConfigForm, list[Any]]:
        form = ConfigForm(config, [name for kind, name in FIELDS if kind is type(config)])
        qtbot.addWidget(form)
        told: list[Any] = []
        form.edited.connect(told.append)
        return form, told

    return make


def shown(widget) -> str:
    if isinstance(widget, QCheckBox):
        return str(widget.isChecked())
    return widget.currentText() if isinstance(widget, QComboBox) else widget.text()


def choose(qtbot, widget, value: Any) -> None:
    """Choose a value as a user does."""
    if isinstance(widget, QCheckBox):
        widget.click()
    elif isinstance(widget, QComboBox):
        widget.setCurrentText(str(value))
    else:
        widget.selectAll()
        qtbot.keyClicks(widget, str(value))
        qtbot.keyClick(widget, Qt.Key.Key_Return)


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_each_field_is_shown_explained_and_changed(qtbot, form, kind, name) -> None:
    config = kind()
    made, told = form(config)
    widget = made.editors[name].widget
    default = getattr(config, name)
    assert shown(widget) == ("auto" if default is None else str(f"{default:.8f}".rstrip("0").rstrip(".")
                             if isinstance(default, float) else default))  # fmt: skip
    assert kind.model_fields[name].description in widget.toolTip()
    choose(qtbot, widget, OTHERS[name])
    assert told == [config.model_copy(update={name: OTHERS[name]})]
    made.show_config(told[0])
    assert len(told) == 1  # to show is not to change
    made.show_config(config)
    assert len(told) == 1
    assert shown(widget) != str(OTHERS[name])


@pytest.mark.parametrize(("kind", "name"), [(TrainingConfig, "epochs"), (TrainingConfig, "shift")])
@pytest.mark.parametrize("text", ["auto", ""])
def test_what_was_chosen_can_be_left_open_again(qtbot, form, kind, name, text) -> None:
    made, told = form(kind(**{name: OTHERS[name]}))
    widget = made.editors[name].widget
    qtbot.keyClick(widget, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    qtbot.keyClick(widget, Qt.Key.Key_Delete)
    choose(qtbot, widget, text)
    assert widget.text() == "auto"
    assert getattr(told[-1], name) is None


@pytest.mark.parametrize(("name", "value"), [("batch_size", 0), ("learning_rate", 2), ("validation_share", 0.9)])
def test_what_is_out_of_bounds_cannot_be_typed(qtbot, form, name, value) -> None:
    config = TrainingConfig()
    made, told = form(config)
    choose(qtbot, made.editors[name].widget, value)
    assert getattr(told[-1] if told else config, name) != value


def test_a_value_that_does_not_fit_is_told_and_not_used(qtbot, form) -> None:
    made, told = form(PatternConfig())
    choose(qtbot, made.editors["size"].widget, 100)
    assert told == []
    assert made.note.text() == "⚠ Input size: not used, it must be a multiple of 8."
    assert not made.note.isHidden()
    choose(qtbot, made.editors["size"].widget, 96)
    assert [config.size for config in told] == [96]
    assert made.note.isHidden()


def test_numbers_step_by_what_they_are(qtbot, form) -> None:
    made, told = form(TrainingConfig())
    rate, shift = made.editors["learning_rate"].widget, made.editors["shift"].widget
    rate.stepUp()
    assert told[-1].learning_rate == pytest.approx(4.1e-4)
    shift.stepUp()
    assert told[-1].shift == pytest.approx(0.01)
    shift.setValue(0)
    shift.stepDown()
    assert told[-1].shift is None


def test_a_decimal_comma_is_understood(qtbot, form) -> None:
    made, told = form(TrainingConfig())
    choose(qtbot, made.editors["validation_share"].widget, "0,3")
    assert told[-1].validation_share == 0.3


def test_a_seed_that_is_too_long_for_the_form_is_kept(qtbot, form) -> None:
    config = TrainingConfig(seed=2**62)
    made, told = form(config)
    choose(qtbot, made.editors["epochs"].widget, 5)
    assert told == [config.model_copy(update={"epochs": 5})]


def test_a_choice_says_of_each_value_what_it_is(form) -> None:
    made, _ = form(TrainingConfig())
    box = made.editors["network"].widget
    assert [box.itemText(index) for index in range(box.count())] == list(NETWORK_HELP)
    for index, words in enumerate(NETWORK_HELP.values()):
        assert box.itemData(index, Qt.ItemDataRole.ToolTipRole) == words


def test_a_form_without_fields_in_sight_takes_no_room(form) -> None:
    made, _ = form(TrainingConfig())
    made.show()
    names = list(made.editors)
    for name in names[1:]:
        made.set_shown(name, False)
    assert made.editors[names[0]].widget.isVisible()
    assert not made.editors[names[1]].widget.isVisible()
    made.set_shown(names[0], False)
    assert made.isHidden()
    made.set_shown(names[1], True)
    assert made.editors[names[1]].widget.isVisible()


def test_a_field_without_a_widget_is_a_bug() -> None:
    with pytest.raises(TypeError, match="no widget"):
        make_editor(TrainingConfig.model_fields["symmetries"])


def test_a_form_that_is_closed_is_gone(qtbot) -> None:
    parent = QWidget()
    qtbot.addWidget(parent)
    forms = [
        ConfigForm(kind(), [name for of, name in FIELDS if of is kind]) for kind in (TrainingConfig, PatternConfig)
    ]
    for form in forms:
        form.setParent(parent)
    refs = [weakref.ref(one) for form in forms for one in (form, *form.editors.values())]
    del form, forms
    parent.deleteLater()
    QApplication.sendPostedEvents(parent, QEvent.Type.DeferredDelete)
    gc.collect()
    assert [ref() for ref in refs if ref() is not None] == []
