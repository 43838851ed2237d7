"""How right a domain map is, where the truth is known: overall, per class, and near the walls.

Walls are where domains are hardest to tell, and where a map is read most closely; a single accuracy would hide them
behind the wide, easy interiors.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.learning.validation import confusion_matrix, wilson_interval
from napari_ghosthunter.mapping.domains import DomainMap

WALL_DISTANCE = 2.0  # pixels
CLEARLY = 0.1  # of the positions: a poor map may agree a little more with any order of the names


@dataclass(frozen=True)
class ClassScore:
    """How well one class was recovered; None where a figure is not defined (nothing to divide by).

    Attributes
    ----------
    count
        Positions that truly are of the class.
    recall
        Share of them that the map gives to the class.
    precision
        Share of the positions that the map gives to the class that truly are of it.
    f1
        Harmonic mean of recall and precision.
    """

    count: int
    recall: float | None
    precision: float | None
    f1: float | None


@dataclass(frozen=True)
class Confusion:
    """What was taken for what.

    Attributes
    ----------
    labels
        Names of the classes: those of the map, then those that only the truth knows.
    matrix
        Number of positions, one row per true class, one column per mapped class.
    no_data
        Number of positions per true class where the map has no data.
    """

    labels: tuple[str, ...]
    matrix: tuple[tuple[int, ...], ...]
    no_data: tuple[int, ...]


@dataclass(frozen=True)
class Evaluation:
    """Result of comparing a map with the truth.

    Attributes
    ----------
    accuracy
        Share of the n compared positions where map and truth agree; no data counts as wrong.
    accuracy_interval
        95 % Wilson interval of the accuracy. It takes positions for independent; neighbours are not, so that the true
        uncertainty is somewhat larger.
    balanced_accuracy
        Mean recall of the classes that the truth holds.
    n
        Positions compared: known truth, not excluded.
    per_class
        Scores by class name.
    wall_accuracy, wall_n
        Accuracy within 2 pixels of a wall (None where there is none), and number of positions there. A position touches
        a wall if one of its four neighbours is known to be of another class; near are all positions whose Euclidean
        distance, in pixels, to one that touches is at most 2.
    interior_accuracy
        Accuracy of the other positions; None where there are none.
    confusion
        What was taken for what.
    excluded
        Positions left out although their truth is known.
    unknown
        Positions whose truth is unknown.
    no_data
        Compared positions where the map has no data.
    unknown_classes
        Classes of the truth that the map does not know; their positions count as wrong.
    truth_names
        Class names that the ids 0, 1, ... of the truth were taken for.
    """

    accuracy: float
    accuracy_interval: tuple[float, float]
    balanced_accuracy: float
    n: int
    per_class: dict[str, ClassScore] = field(hash=False)
    wall_accuracy: float | None
    wall_n: int
    interior_accuracy: float | None
    confusion: Confusion
    excluded: int
    unknown: int
    no_data: int
    unknown_classes: tuple[str, ...]
    truth_names: tuple[str, ...]

    def __repr__(self) -> str:
        """Say the main figures in one line."""
        low, high = self.accuracy_interval
        wall = "" if self.wall_accuracy is None else f", near a wall {self.wall_accuracy:.4f}"
        return (
            f"Evaluation(accuracy {self.accuracy:.4f} (95 % interval {low:.3f} to {high:.3f}, {self.n} positions), "
            f"balanced {self.balanced_accuracy:.4f}{wall})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Give everything as plain numbers, strings, lists and dicts, ready for JSON."""
        # a JSON round trip turns tuples into lists and proves that nothing else is left
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain


def evaluate(
    domain_map: DomainMap,
    truth: ArrayLike,
    truth_names: Sequence[str] | None = None,
    exclude: Iterable[tuple[int, int]] = (),
) -> Evaluation:
    """Compare a map with the truth.

    Parameters
    ----------
    domain_map
        The map.
    truth
        Ids, shape (scan_y, scan_x): 0 is the first of `truth_names`; negative = unknown, not compared.
    truth_names
        Class names in the order of the ids of `truth`; those of the map, in its order, if not given.
    exclude
        (scan_y, scan_x) of positions not to compare, such as those that were labelled for training.

    Returns
    -------
    Evaluation
        A class of the truth that the map does not know counts as wrong and is named; a class of the map that the truth
        does not hold is only another way to be wrong.

    Raises
    ------
    MapError
        If truth and map differ in shape, the ids are not integers or have no name, an excluded position lies outside
        the scan, nothing is left to compare, or the class names do not belong together: each side has a class
        that the other does not know, so that one of them is likely misspelt.
    """
    names = domain_map.classes.names if truth_names is None else tuple(truth_names)
    ids = _truth_ids(truth, names, domain_map.scan_shape)
    labels = _labels(domain_map.classes.names, names, ids)
    # from ids of the truth to rows of the confusion matrix; the last entry keeps -1, unknown
    true = np.array([*(labels.index(name) if name in labels else -1 for name in names), -1], np.intp)[ids]
    left_out = _left_out(exclude, domain_map.scan_shape)
    compared = (true >= 0) & ~left_out
    if not compared.any():
        raise MapError("There is nothing to compare: every position is excluded, or its truth is unknown.")
    mapped = domain_map.classes_image.astype(np.intp) - 1  # -1 = no data
    mapped[mapped < 0] = len(labels)
    counts = confusion_matrix(true[compared], mapped[compared], len(labels) + 1)[:-1]
    scores = {name: _score(counts, index) for index, name in enumerate(labels)}
    right, n = int(np.trace(counts)), int(counts.sum())
    near = _near_wall(true)
    return Evaluation(
        accuracy=right / n,
        accuracy_interval=wilson_interval(right, n),
        balanced_accuracy=float(np.mean([score.recall for score in scores.values() if score.recall is not None])),
        n=n,
        per_class=scores,
        wall_accuracy=_share(true == mapped, compared & near),
        wall_n=int(np.count_nonzero(compared & near)),
        interior_accuracy=_share(true == mapped, compared & ~near),
        confusion=Confusion(labels, tuple(map(tuple, counts[:, :-1].tolist())), tuple(counts[:, -1].tolist())),
        excluded=int(np.count_nonzero((true >= 0) & left_out)),
        unknown=int(np.count_nonzero(true < 0)),
        no_data=int(counts[:, -1].sum()),
        unknown_classes=labels[len(domain_map.classes) :],
        truth_names=names,
    )


def likelier_names(result: Evaluation) -> tuple[str, ...] | None:
    """Give the order of the truth's names under which clearly more positions agree with the map, if there is one.

    Of use where the names were not known but taken from the map: then they are probably in another order.
    """
    from scipy.optimize import linear_sum_assignment

    matrix = np.array(result.confusion.matrix)
    true, mapped = linear_sum_assignment(matrix, maximize=True)
    if matrix[true, mapped].sum() <= matrix.trace() + CLEARLY * result.n:
        return None
    named = {
        result.confusion.labels[row]: result.confusion.labels[column] for row, column in zip(true, mapped, strict=True)
    }
    return tuple(named.get(name, name) for name in result.truth_names)


def _truth_ids(truth: ArrayLike, names: tuple[str, ...], scan_shape: tuple[int, int]) -> NDArray[np.intp]:
    """Check the truth and give its ids, -1 where it is unknown."""
    array = np.asarray(truth)
    if array.shape != scan_shape:
        hint = "; it seems transposed" if array.shape == scan_shape[::-1] else ""
        raise MapError(f"The truth has the shape {array.shape}, but the map {scan_shape} (scan_y, scan_x){hint}.")
    if array.dtype.kind not in "uifb":
        raise MapError(f"The truth must hold integer ids, not {array.dtype}.")
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array == np.rint(array))).all():
        raise MapError("The truth must hold integer ids, but some are fractions or NaN; write -1 where it is unknown.")
    largest = array.max()
    if largest >= len(names):
        hint = "ids start at 0 here (those in _classes.tif start at 1)" if largest == len(names) else ""
        raise MapError(
            f"The truth holds the id {int(largest)}, but only 0 to {len(names) - 1} have a name "
            f"({', '.join(names)}); {hint or 'write -1 where it is unknown'}."
        )
    ids = np.full(array.shape, -1, np.intp)
    ids[array >= 0] = array[array >= 0]
    return ids


def _labels(mapped: tuple[str, ...], names: tuple[str, ...], ids: NDArray[np.intp]) -> tuple[str, ...]:
    """Give the names of the classes of the map, then of those that only the truth holds."""
    if len(set(names)) < len(names):
        raise MapError(f"The names of the truth must differ from each other: {', '.join(names)}.")
    held = [name for index, name in enumerate(names) if (ids == index).any()]
    unknown = tuple(name for name in held if name not in mapped)
    if unknown and not set(mapped) < set(names):
        raise MapError(
            f"The names of the truth ({', '.join(names)}) and of the map ({', '.join(mapped)}) do not belong together: "
            f"the map does not know {', '.join(unknown)}. Give the truth the names that the map uses."
        )
    return (*mapped, *unknown)


def _left_out(exclude: Iterable[tuple[int, int]], scan_shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Mark the excluded positions, shape (scan_y, scan_x)."""
    marked = np.zeros(scan_shape, np.bool_)
    for scan_y, scan_x in exclude:
        if not (0 <= scan_y < scan_shape[0] and 0 <= scan_x < scan_shape[1]):
            raise MapError(f"The excluded position ({scan_y}, {scan_x}) lies outside the map of {scan_shape}.")
        marked[scan_y, scan_x] = True
    return marked


def _score(counts: NDArray[np.int64], index: int) -> ClassScore:
    """Score class `index` from the counts (true, mapped and no data)."""
    right, count, given = int(counts[index, index]), int(counts[index].sum()), int(counts[:, index].sum())
    return ClassScore(
        count=count,
        recall=right / count if count else None,
        precision=right / given if given else None,
        f1=2 * right / (count + given) if count + given else None,
    )


def _near_wall(true: NDArray[np.intp]) -> NDArray[np.bool_]:
    """Mark the positions within `WALL_DISTANCE` of one that touches a wall; -1 is unknown and makes no wall."""
    from scipy.ndimage import distance_transform_edt

    touches = np.zeros(true.shape, np.bool_)
    for one, other in (((slice(None), slice(-1)), (slice(None), slice(1, None))), (slice(-1), slice(1, None))):
        wall = (true[one] != true[other]) & (true[one] >= 0) & (true[other] >= 0)
        touches[one] |= wall
        touches[other] |= wall
    if not touches.any():
        return touches
    near: NDArray[np.bool_] = distance_transform_edt(~touches) <= WALL_DISTANCE
    return near


def _share(right: NDArray[np.bool_], where: NDArray[np.bool_]) -> float | None:
    """Share of `right` among the positions `where`; None where there are none."""
    return float(right[where].mean()) if where.any() else None
