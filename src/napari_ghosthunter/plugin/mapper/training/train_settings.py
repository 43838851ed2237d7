"""The settings of a training: the few that matter are in view, the others folded away. The session keeps them."""

from __future__ import annotations

from functools import partial

from qtpy.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
from napari_ghosthunter.learning.offered import NETWORK_HELP
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.training.config_form import ConfigForm

COMMON = ("network", "epochs"), ("size", "pool", "pool_size")
LEFT_OUT = {"symmetries"}  # which map classes to classes, and fit no form
WHAT_FOR = {
    "swift": "It gives what the live map shows, as a model that can be saved and used on other scans.",
    "ghosthunter": "It learns on its own, apart from the live map.",
}
FIXED = "These are the settings of the training that runs; change them when it is done."
MORE, LESS = "▸ More settings", "▾ More settings"


class Settings(QWidget):
    """Shows the training and pattern configurations of the session, and sets them there."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        training, patterns = COMMON
        self.training_forms = self._forms(TrainingConfig(), training, "training_config")
        self.network_words = QLabel()
        self.network_words.setWordWrap(True)
        self.pattern_forms = self._forms(PatternConfig(), patterns, "pattern_config")
        self.more = QToolButton()
        self.more.setCheckable(True)
        self.more.setAutoRaise(True)
        self.more.setToolTip("Settings that most scans do not need")
        self.more.toggled.connect(self._unfold)
        self.rest = QWidget()
        inside = QVBoxLayout(self.rest)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.training_forms[1])
        inside.addWidget(self.pattern_forms[1])
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        self.row = QHBoxLayout()  # with room at its right
        self.row.addWidget(self.more)
        self.row.addStretch(1)
        column.addWidget(self.training_forms[0])
        column.addWidget(self.network_words)
        column.addWidget(self.pattern_forms[0])
        column.addLayout(self.row)
        column.addWidget(self.rest)
        self._unfold(False)
        self._switch(TrainingConfig(), PatternConfig())

    def show_session(self) -> None:
        """Show what the session at the desk has; the defaults without one."""
        session = self.desk.session
        training = TrainingConfig() if session is None else session.training_config
        patterns = PatternConfig() if session is None else session.pattern_config
        for form in self.training_forms:
            form.show_config(training)
        for form in self.pattern_forms:
            form.show_config(patterns)
        self._switch(training, patterns)

    def set_fixed(self, fixed: bool) -> None:
        """Switch the settings off while a training runs, which took them as they were when it began."""
        for form in (*self.training_forms, *self.pattern_forms):
            form.setEnabled(not fixed)
            form.setToolTip(FIXED if fixed else "")

    def commit(self) -> None:
        """Take what is typed but not yet finished with Enter."""
        for form in (*self.training_forms, *self.pattern_forms):
            form.commit()

    def _forms(
        self, config: TrainingConfig | PatternConfig, common: tuple[str, ...], choice: str
    ) -> tuple[ConfigForm, ConfigForm]:
        rest = [name for name in type(config).model_fields if name not in {*common, *LEFT_OUT}]
        forms = ConfigForm(config, common, columns=len(common)), ConfigForm(config, rest, columns=2)
        for form in forms:
            form.edited.connect(partial(self._choose, choice))
        return forms

    def _choose(self, choice: str, config: TrainingConfig | PatternConfig) -> None:
        """Set a configuration; the session then tells that it has another one, and all forms show that."""
        session = self.desk.session
        if session is not None:
            self.desk.attempt(lambda: setattr(session, choice, config))
        self.show_session()  # also where it could not be set

    def _switch(self, training: TrainingConfig, patterns: PatternConfig) -> None:
        self.network_words.setText(_sentence(training.network))
        for name in self.training_forms[1].editors:
            self.training_forms[1].set_shown(name, training.matters(name))
        common, rest = self.pattern_forms
        common.set_usable("pool_size", patterns.pool != "none", "Without pooling it means nothing.")
        rest.set_usable("centre", patterns.crop < 1, "The whole pattern is used, so there is nothing to centre.")
        rest.set_usable("log_floor", patterns.scaling == "log", "It is for logarithmic scaling alone.")

    def _unfold(self, on: bool) -> None:
        self.more.setText(LESS if on else MORE)
        self.rest.setVisible(on)


def _sentence(network: str) -> str:
    """Say what a network is and what it is trained for, beside the live map, as far as that is known."""
    words = NETWORK_HELP.get(network, "")
    return f"{words[:1].upper()}{words[1:]}. {WHAT_FOR.get(network, '')}".rstrip() if words else ""
