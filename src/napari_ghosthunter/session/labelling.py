"""Labelling one point after the other: the sample points, and the one that is to be labelled next."""

from __future__ import annotations

from collections.abc import Mapping

from numpy.typing import ArrayLike
from psygnal import Signal

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.edits import Edit, How, SetLabel, singles
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.labelling.positions import Position, inside_scan
from napari_ghosthunter.labelling.sampling import Round, next_round
from napari_ghosthunter.labelling.uncertain import Values, most_uncertain

BY_HAND = "by hand"
FROM_FILE = "from a file"
LABELLED_BEFORE = "labelled before"  # the reason of points that came with a label


class Labelling:
    """Labels with a current point: the half of a session that needs neither patterns nor a disk.

    Parameters
    ----------
    labels
        Labels, classes and sample points; undo and redo go over all of them.
    scan_shape
        (scan_y, scan_x) of the scan.

    Raises
    ------
    LabelError
        If the labels are of a scan of another shape.
    """

    current_changed = Signal(object)

    def __init__(self, labels: LabelSet, scan_shape: tuple[int, int]) -> None:
        if labels.scan_shape != scan_shape:
            raise LabelError(f"These labels are of a scan of {labels.scan_shape} positions, not {scan_shape}.")
        self.labels = labels
        self._scan_shape = scan_shape
        self._current: Position | None = next(iter(labels.waiting), None)
        labels.changed.connect(self._follow)

    @property
    def current(self) -> Position | None:
        """The point that the next label goes to, (scan_y, scan_x)."""
        return self._current

    def propose(self, step: int, count: int | None = None) -> Round:
        """Add the points that Algorithm 1 asks for next: the grid first, then the midpoints between different labels.

        Returns
        -------
        Round
            All that the algorithm asks for, also what waits for a label already. Without proposals, its message says
            why there are none.

        Raises
        ------
        LabelError
            If `step` is below 1 or `count` below 0.
        """
        return self._take_round(next_round(self.labels, self._scan_shape, step, count))

    def propose_uncertain(
        self, probabilities: ArrayLike, count: int, min_distance: float, contrast: Values | None = None
    ) -> Round:
        """Add points where a map can least decide; all points that are there, labelled or not, are kept clear of.

        Parameters
        ----------
        probabilities, count, min_distance, contrast
            As for `labelling.uncertain.most_uncertain`.

        Raises
        ------
        LabelError
            If the probabilities are not of this scan, or `count` or `min_distance` is below 0.
        """
        there = {*self.labels, *self.labels.points}
        return self._take_round(most_uncertain(probabilities, there, count, min_distance, contrast))

    def take_labels(self, labels: LabelSet, *, replace: bool = True) -> None:
        """Take over labels, from a file for instance, with their classes, as one undo step.

        Parameters
        ----------
        labels
            The labels.
        replace
            Whether they replace different ones that are here.

        Raises
        ------
        LabelError
            If one is outside the scan, or there would be too many classes.
        """
        self.labels.take(labels, FROM_FILE, replace=replace)
        self._leave_labelled()

    def take_points(self, reasons: Mapping[Position, str]) -> None:
        """Take over points that wait for a label, each with its reason, as one undo step; one that is there stays.

        Raises
        ------
        LabelError
            If one is outside the scan.
        """
        self.labels.add_points(reasons)
        self._leave_labelled()

    def add_point(self, position: Position) -> None:
        """Add a point of the user's own, and make it the current one.

        Raises
        ------
        LabelError
            If the position is outside the scan.
        """
        spot = inside_scan(position, self._scan_shape)
        if spot not in self.labels:
            self.labels.add_points({spot: BY_HAND})
        self._set_current(spot)

    def remove_point(self, position: Position) -> None:
        """Remove a point, and its label; if it was the current one, the next that waits becomes current."""
        self.labels.remove_point(position)

    def make_current(self, position: Position) -> None:
        """Choose the point that the next label goes to.

        Raises
        ------
        LabelError
            If there is no point.
        """
        spot = inside_scan(position, self._scan_shape)
        if not self._is_there(spot):
            raise LabelError(f"There is no point at {spot}; add one first.")
        self._set_current(spot)

    def go_along(self, steps: int) -> None:
        """Make another point current: so many on in the order of proposal, or back; round from the last to the first.

        Without a current point, 1 leads to the first one and -1 to the last. Nothing happens without points.
        """
        order = list(self.labels.points)
        if order:
            now = order.index(self._current) if self._current in order else (-1 if steps > 0 else 0)
            self._set_current(order[(now + steps) % len(order)])

    def label_current(self, name: str) -> None:
        """Give the current point a class, and go to the next point that waits for a label.

        That is the next one in the order of proposal, after the last one the first; None when no point waits, so that a
        key pressed once too often changes nothing.

        Raises
        ------
        LabelError
            If no point is current, or there is no such class.
        """
        self.labels.label(self._chosen(), name)
        self._set_current(self._next_waiting())

    def clear_current(self) -> None:
        """Take the label of the current point away; the point stays, and stays current.

        Raises
        ------
        LabelError
            If no point is current.
        """
        self.labels.label(self._chosen(), None)

    def undo(self) -> None:
        """Take the last edit back; the point whose label changed becomes current. Nothing happens without edits."""
        self.labels.undo()

    def redo(self) -> None:
        """Do the last undone edit again; nothing happens if there is none."""
        self.labels.redo()

    def _follow(self, edit: Edit, how: How) -> None:
        """Keep the current point one that is there, and one that the user will want next."""
        labelled = [single.position for single in singles(edit) if isinstance(single, SetLabel)]
        if how == "undo" and labelled and self._is_there(labelled[0]):
            self._set_current(labelled[0])
        elif self._current is None or not self._is_there(self._current) or (how == "redo" and labelled):
            self._set_current(self._next_waiting())

    def _take_round(self, found: Round) -> Round:
        self.take_points({proposal.position: proposal.reason for proposal in found.proposals})
        return found

    def _leave_labelled(self) -> None:
        """Go from a point that has a label to the first one that waits."""
        if self._current is None or self._current in self.labels:
            self._set_current(next(iter(self.labels.waiting), None))

    def _next_waiting(self) -> Position | None:
        """Give the first point without label after the current one, in the order of proposal; then from the start."""
        order = list(self.labels.points)
        after = order.index(self._current) + 1 if self._current in order else 0
        return next((spot for spot in order[after:] + order[:after] if spot not in self.labels), None)

    def _is_there(self, position: Position) -> bool:
        return position in self.labels or position in self.labels.points

    def _chosen(self) -> Position:
        if self._current is None:
            raise LabelError("No point is chosen; click one, or propose more.")
        return self._current

    def _set_current(self, position: Position | None) -> None:
        if position != self._current:
            self._current = position
            self.current_changed.emit(position)


def points_for_all(labels: LabelSet, scan_shape: tuple[int, int]) -> LabelSet:
    """Copy labels for a scan of `scan_shape` (scan_y, scan_x), with a sample point at each of them.

    Raises
    ------
    LabelError
        If a label lies outside the scan.
    """
    bare = {spot: LABELLED_BEFORE for spot in labels if spot not in labels.points}
    return LabelSet(labels.classes, scan_shape, labels, {**labels.points, **bare})
