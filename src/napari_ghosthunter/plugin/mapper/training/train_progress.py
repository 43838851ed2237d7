"""How far a training is, in a bar and in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QProgressBar, QVBoxLayout, QWidget

from napari_ghosthunter.labelling.classes import short_list
from napari_ghosthunter.plugin.mapper.shares import BRACKETS, estimate_text, held_out_text
from napari_ghosthunter.plugin.mapper.training.training import Training

if TYPE_CHECKING:
    from napari_ghosthunter.learning.model import Model
    from napari_ghosthunter.learning.report import EpochReport

MINUTE, HOUR = 60, 3600


class Progress(QWidget):
    """Shows a training while it runs, and afterwards what it has brought."""

    def __init__(self, training: Training) -> None:
        super().__init__()
        self.training = training
        self.bar = QProgressBar()
        self.bar.setFixedHeight(16)
        self.text = QLabel()
        self.text.setWordWrap(True)
        self.text.setToolTip(BRACKETS)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.bar)
        column.addWidget(self.text)

    def refresh(self, model: Model | None, about_labels: str = "") -> None:
        """Show the training and the model as they are now, and which labels its figures are of if not those of now."""
        training, report = self.training, self.training.report
        self.bar.setVisible(training.running)
        if training.running and report is None:
            self.bar.setRange(0, 0)  # busy, for nobody knows how long
            self.bar.setTextVisible(False)
        elif training.running and report is not None:
            fitted = report.model.record.config.fitted  # it ends when it has converged
            self.bar.setRange(0, 0 if fitted else report.epochs)
            self.bar.setValue(report.figures.epoch)
            self.bar.setTextVisible(not fitted)
        self.text.setText(self._words(model, about_labels))

    def _words(self, model: Model | None, about_labels: str) -> str:
        training, report = self.training, self.training.report
        if training.running and report is None:
            return "Stopping…" if training.stopping else training.stage
        lines = []
        if training.running and report is not None:
            lines.append(_pace(report, training.stopping))
        if model is not None:
            lines.append(f"{said_of(model, training.running)} {about_labels}".rstrip())
        if report is not None:
            lines += report.notes
        return "\n".join(lines)


def said_of(model: Model, so_far: bool) -> str:
    """Say which state of a training a model is and how good it is, in the honest words of its record."""
    record, held = model.record, model.record.held_out
    if so_far and held.count:
        reached = "So far" if record.config.fitted else f"Best so far: {record.reached}"
        return f"{reached}, {held.right} of {held.count} held-out labels right"
    what = "Fit" if record.config.fitted else "Best so far" if so_far else "Best model"
    untested = f" Not tested: {short_list(held.untested)}." if held.count and held.untested else ""
    if record.estimate is None:
        return f"{what}: {record.reached}. {held_out_text(held)}{untested}"
    judged = f"{held.right} of {held.count} held-out labels right"
    harder = ", which are harder than the map as a whole" if held.right < held.count else ""
    return f"{what}: {record.reached}. {estimate_text(record.estimate)} {judged}{harder}.{untested}"


def _pace(report: EpochReport, stopping: bool) -> str:
    """Say how far a training is, and how long it will take."""
    fitted = report.model.record.config.fitted
    if stopping:
        left = f"stopping after this {'step' if fitted else 'epoch'}…"
    else:  # how many steps a fit takes is not known, but they are short
        left = "going on until nothing more is gained" if fitted else time_left(report.seconds_left)
    return f"{report.progress.capitalize()}, {left}"


def time_left(seconds: float) -> str:
    """Say about how long it takes, no finer than can be known."""
    if seconds < 10:
        return "a few seconds left"
    if seconds < 1.5 * MINUTE:
        return f"about {round(seconds, -1):.0f} s left"
    if seconds < 1.5 * HOUR:
        return f"about {seconds / MINUTE:.0f} min left"
    return f"about {seconds / HOUR:.1f} h left"
