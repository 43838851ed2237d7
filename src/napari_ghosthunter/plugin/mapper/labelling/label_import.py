"""Labels or points from a file: the user chooses it, and says what is to become of labels that differ."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtWidgets import QFileDialog, QMessageBox, QWidget

from napari_ghosthunter.labelling.labelfiles import read_any_labels, read_points, waits_for_labels
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.merging import LabelReport
from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.session.session import Session

FILES = "Labels (*.csv *.tsv *.txt *.yaml *.yml);;All files (*)"


def import_labels(desk: Desk, parent: QWidget) -> str:
    """Ask for a file and take its labels or points into the session, as one undo step; what could not be done is told.

    Returns
    -------
    str
        What has come of it, as a sentence for the user; empty if nothing has.
    """
    path, _ = QFileDialog.getOpenFileName(parent, "Import labels", "", FILES)
    scan = desk.scan
    found = desk.attempt(lambda: _read(path, scan.scan_shape)) if path and scan is not None else None
    session = desk.session
    if found is None or session is None:
        return ""
    if isinstance(found, dict):
        return _take_points(desk, session, Path(path).name, found)
    labels, report = found
    different = sum(session.labels.get(spot, name) != name for spot, name in labels.items())
    replace = _ask(parent, different) if different else True
    if replace is None or desk.session is not session:
        return ""

    def take() -> str:
        before = len(session.labels)
        session.take_labels(labels, replace=replace)
        return _sum_up(Path(path).name, labels, report, len(session.labels) - before, different, replace)

    return desk.attempt(take) or ""


def _read(path: str, scan_shape: tuple[int, int]) -> dict[Position, str] | tuple[LabelSet, LabelReport]:
    """Read points with their reasons, or labels."""
    if waits_for_labels(path):
        return {point.position: point.reason for point in read_points(path)}
    return read_any_labels(path, scan_shape)


def _take_points(desk: Desk, session: Session, name: str, points: dict[Position, str]) -> str:
    """Take points into the session, as one undo step."""

    def take() -> str:
        before = len(session.labels.points)
        session.take_points(points)
        new = len(session.labels.points) - before
        return f"{name}: {new:,} new point{'' if new == 1 else 's'} without a label."

    return desk.attempt(take) or ""


def _ask(parent: QWidget, different: int) -> bool | None:
    """Ask whether labels of the file replace those of the user; None to leave all as it is."""
    box = QMessageBox(parent)
    box.setWindowTitle("Import labels")
    box.setText(
        f"{_positions(different)} labelled differently in the file. Which label shall be kept there? "
        "Undo takes the import back in any case."
    )
    theirs = box.addButton("The file's", QMessageBox.ButtonRole.AcceptRole)
    mine = box.addButton("Mine", QMessageBox.ButtonRole.AcceptRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.exec()
    clicked = box.clickedButton()
    return True if clicked is theirs else False if clicked is mine else None


def _positions(count: int) -> str:
    return "1 position is" if count == 1 else f"{count:,} positions are"


def _sum_up(name: str, labels: LabelSet, report: LabelReport, new: int, different: int, replace: bool) -> str:
    text = f"{name}: {len(labels):,} labels, {new:,} of them new"
    if different:
        text += f"; {different:,} of yours {'replaced' if replace else 'kept where the file differs'}"
    if report.conflicts:
        text += f"; {len(report.conflicts):,} left out, because the file gives them different labels"
    if report.unlabelled:
        text += f"; without a label yet: {report.unlabelled:,}"
    return f"{text}."
