"""A form for some fields of a configuration, made from their titles, help, types and bounds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from pydantic import BaseModel, ValidationError
from qtpy.QtWidgets import QAbstractSpinBox, QGridLayout, QLabel, QWidget

from napari_ghosthunter.plugin.mapper.training.editors import Editor, make_editor
from napari_ghosthunter.plugin.qt import Signal


class ConfigForm(QWidget):
    """Shows fields of a configuration, and what the user makes of them.

    Signals
    -------
    edited(config)
        The configuration, with a field that the user changed.

    Parameters
    ----------
    config
        The configuration to begin with; its class says what the fields are.
    names
        The fields to show.
    columns
        Fields side by side, each with its title above.
    """

    edited = Signal(object)

    def __init__(self, config: BaseModel, names: Sequence[str], columns: int = 3) -> None:
        super().__init__()
        self._config = config
        self.editors: dict[str, Editor] = {}
        self.note = QLabel()
        self.note.setWordWrap(True)
        self._titles: dict[str, QLabel] = {}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(4)
        for index, name in enumerate(names):
            row, column = divmod(index, columns)
            title, field = self._make(name)
            grid.addWidget(title, 2 * row, column)
            grid.addWidget(field, 2 * row + 1, column)
        for column in range(columns):
            grid.setColumnStretch(column, 1)
        grid.addWidget(self.note, grid.rowCount(), 0, 1, columns)
        self.show_config(config)

    def show_config(self, config: BaseModel) -> None:
        """Show a configuration of the same class."""
        self._config = config
        for name, editor in self.editors.items():
            editor.show_value(getattr(config, name))
        self._say("")

    def set_usable(self, name: str, usable: bool, why_not: str) -> None:
        """Switch a field off that means nothing as long as another is as it is, and say so in its help."""
        described = type(self._config).model_fields[name].description or ""
        for widget in (self.editors[name].widget, self._titles[name]):
            widget.setEnabled(usable)
            widget.setToolTip(described if usable else f"{described} {why_not}")

    def set_shown(self, name: str, shown: bool) -> None:
        """Show a field, or take it out of sight where it is of no concern; a form with none takes no room."""
        for widget in (self.editors[name].widget, self._titles[name]):
            widget.setVisible(shown)
        self.setVisible(any(not title.isHidden() for title in self._titles.values()))

    def commit(self) -> None:
        """Take what is typed but not yet finished with Enter."""
        for editor in self.editors.values():
            if isinstance(editor.widget, QAbstractSpinBox):
                editor.widget.interpretText()

    def _make(self, name: str) -> tuple[QLabel, QWidget]:
        field = type(self._config).model_fields[name]
        editor, title = make_editor(field), QLabel(field.title)
        title.setToolTip(field.description or "")
        title.setBuddy(editor.widget)
        editor.widget.setAccessibleName(field.title or name)
        editor.setParent(self)  # or Qt keeps it for its connection, and that, unseen by Python, keeps this form
        editor.edited.connect(partial(self._edit, name))
        self.editors[name], self._titles[name] = editor, title
        return title, editor.widget

    def _edit(self, name: str, value: Any) -> None:
        try:
            config = type(self._config).model_validate(self._config.model_dump() | {name: value})
        except ValidationError as error:
            self._say(f"⚠ {type(self._config).model_fields[name].title}: {reason(error)}")
            return
        self._config = config
        self._say("")
        self.edited.emit(config)

    def _say(self, text: str) -> None:
        self.note.setText(text)
        self.note.setVisible(bool(text))


def reason(error: ValidationError) -> str:
    """Say why a value is not used, for the user: 'not used, it must be a multiple of 8.'."""
    return f"not used, it {error.errors()[0]['msg'].removeprefix('Input ').replace('should', 'must')}."
