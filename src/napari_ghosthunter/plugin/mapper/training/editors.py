"""A small widget for one field of a configuration: made from its type and its bounds, told of by its title and help."""

from __future__ import annotations

from math import floor, log10
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from qtpy.QtCore import QObject, Qt
from qtpy.QtGui import QValidator
from qtpy.QtWidgets import QCheckBox, QComboBox, QDoubleSpinBox, QSpinBox, QWidget

from napari_ghosthunter.plugin.qt import Signal

AUTO = "auto"  # shown for None
LARGEST_INT = 2**31 - 1  # of a spin box
DECIMALS = 8
FIRST_STEP = 0.01  # up from zero
NARROWEST = 72  # screen pixels: the dock is beside the scan


class Editor(QObject):
    """Shows the value of one field, and tells of a new one.

    Signals
    -------
    edited(value)
        The user has chosen another value.

    Attributes
    ----------
    widget
        What the user sees.
    """

    edited = Signal(object)
    widget: QWidget

    def show_value(self, value: Any) -> None:
        """Show a value, and tell nobody."""
        self.widget.blockSignals(True)
        self._set(value)
        self.widget.blockSignals(False)

    def _set(self, value: Any) -> None:
        raise NotImplementedError


class Choice(Editor):
    """One of a few values, each with some words of help where there are any."""

    def __init__(self, values: tuple[Any, ...], words: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.widget: QComboBox = QComboBox()
        for value in values:
            self.widget.addItem(str(value), value)
        for index, help_text in enumerate(words):
            self.widget.setItemData(index, help_text, Qt.ItemDataRole.ToolTipRole)
        self.widget.currentIndexChanged.connect(lambda index: self.edited.emit(values[index]))

    def _set(self, value: Any) -> None:
        self.widget.setCurrentIndex(self.widget.findData(value))


class Tick(Editor):
    """Yes or no."""

    def __init__(self) -> None:
        super().__init__()
        self.widget: QCheckBox = QCheckBox()
        self.widget.toggled.connect(self.edited.emit)

    def _set(self, value: Any) -> None:
        self.widget.setChecked(value)


class Number(Editor):
    """A number in bounds, or 'auto' where it may be left open."""

    def __init__(self, whole: bool, optional: bool, bounds: tuple[float, float], step: float) -> None:
        super().__init__()
        self._whole, self._optional = whole, optional
        self.widget: Any = Whole() if whole else Decimal()
        low, high = bounds
        self._open = low - step  # below what may be chosen
        number: Any = int if whole else float
        self.widget.setRange(number(self._open if optional else low), number(high))
        if optional:
            self.widget.setSpecialValueText(AUTO)
        if whole:
            self.widget.setSingleStep(int(step))
        self.widget.setKeyboardTracking(False)  # 12 on the way to 128 is not meant
        self.widget.valueChanged.connect(self._tell)

    def _tell(self, value: float) -> None:
        left_open = self._optional and value == self.widget.minimum()
        self.edited.emit(None if left_open else value)

    def _set(self, value: Any) -> None:
        self.widget.setValue(self.widget.minimum() if value is None else min(value, self.widget.maximum()))


class Decimal(QDoubleSpinBox):
    """A spin box that writes 0.0004 as 0.0004, and steps by a tenth of the decade that it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.setDecimals(DECIMALS)

    def stepBy(self, steps: int) -> None:  # noqa: N802 - Qt's name
        """Step by a tenth of the decade that the value is in, so that 0.0004 and 0.2 both go in sensible steps."""
        shown = 0.0 if self.text() == self.specialValueText() else self.value()
        size = 10.0 ** (floor(log10(abs(shown))) - 1) if shown else FIRST_STEP
        self.setValue(float(f"{shown + steps * size:.6g}"))

    def textFromValue(self, value: float) -> str:  # noqa: N802 - Qt's name
        """Write a number without trailing zeros."""
        return f"{value:.{DECIMALS}f}".rstrip("0").rstrip(".")

    def valueFromText(self, text: str) -> float:  # noqa: N802 - Qt's name
        """Read a number, or 'auto'."""
        return float(_read(self, text))

    def validate(self, text: str, position: int) -> Any:
        """Let pass what is a number in bounds, or 'auto'."""
        return _judge(self, text), text, position


class Whole(QSpinBox):
    """A spin box for whole numbers, where 'auto' can be typed too, and is what an empty field means."""

    def valueFromText(self, text: str) -> int:  # noqa: N802 - Qt's name
        """Read a number, or 'auto'."""
        return int(_read(self, text))

    def validate(self, text: str, position: int) -> Any:
        """Let pass what is a number in bounds, or 'auto'."""
        return _judge(self, text), text, position


def _read(box: Any, text: str) -> float:
    """Read a number with a point or a comma; the minimum stands for 'auto', where that may be."""
    if box.specialValueText() and text.strip() in ("", AUTO):
        return float(box.minimum())
    return float(text.replace(",", "."))


def _judge(box: Any, text: str) -> Any:
    """Say whether a text is a value of a box, or may still become one."""
    try:
        value = _read(box, text)
    except ValueError:
        return QValidator.State.Intermediate
    fits = box.minimum() <= value <= box.maximum() and (isinstance(box, Decimal) or value == int(value))
    return QValidator.State.Acceptable if fits else QValidator.State.Intermediate


def make_editor(field: FieldInfo) -> Editor:
    """Make the widget of a field.

    Raises
    ------
    TypeError
        If there is none for its type.
    """
    kind, optional = _without_none(field.annotation)
    if offered := offered_by(field):
        editor: Editor = Choice(tuple(offered), tuple(offered.values()))
    elif get_origin(kind) is Literal:
        editor = Choice(get_args(kind))
    elif kind is bool:
        editor = Tick()
    elif kind in (int, float):
        step = float(_bound(field, "multiple_of", 1) if kind is int else 10.0**-DECIMALS)
        low = float(_bound(field, "ge", _bound(field, "gt", 0)))
        high = min(float(_bound(field, "le", _bound(field, "lt", LARGEST_INT))), LARGEST_INT)
        editor = Number(kind is int, optional, (low, high), step)
    else:
        raise TypeError(f"There is no widget for {field.annotation}.")
    widget = editor.widget
    widget.setToolTip(field.description or "")
    if not isinstance(widget, QCheckBox):
        widget.setMinimumWidth(NARROWEST)
    return editor


def offered_by(field: FieldInfo) -> dict[str, str]:
    """Give the values that a field offers, each with words of help; empty if it says nothing of them."""
    extra = field.json_schema_extra
    choices = extra.get("choices") if isinstance(extra, dict) else None
    return {name: str(words) for name, words in choices.items()} if isinstance(choices, dict) else {}


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """Split `int | None` into int and whether None may be."""
    if get_origin(annotation) in (Union, UnionType):
        (kind,) = (part for part in get_args(annotation) if part is not NoneType)
        return kind, True
    return annotation, False


def _bound(field: FieldInfo, name: str, otherwise: float) -> float:
    return next((getattr(limit, name) for limit in field.metadata if hasattr(limit, name)), otherwise)
