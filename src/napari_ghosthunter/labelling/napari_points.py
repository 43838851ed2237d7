"""Tables that napari writes of a Points layer: `index`, `axis-0`, `axis-1`, and a column for each feature."""

from __future__ import annotations

import math
import re

from napari_ghosthunter.errors import LabelError

AXES = ("axis-0", "axis-1")  # scan_y and scan_x, in pixels of the layer
_AXIS = re.compile(r"axis-\d+")
_NUMBER = re.compile(r"[+-]?([0-9]{1,9}([.,][0-9]*)?|[.,][0-9]+)(e[+-]?[0-9]{1,3})?", re.IGNORECASE)
_LARGEST = 1e9
UNLABELLED = "not labelled"  # what our own layer says of a point that waits for its label
NO_LABELS = ("", "nan", UNLABELLED)  # the second is how napari writes a feature that a point lacks


def is_of_points(header: list[str]) -> bool:
    """Whether a table is of a Points layer."""
    return AXES[0] in header


def points_columns(header: list[str]) -> dict[str, str]:
    """Find the columns of the axes and of the labels: `label`, or the only feature that there is.

    Raises
    ------
    LabelError
        If the points have not two axes, or it is not clear which feature holds the labels.
    """
    axes = [column for column in header if _AXIS.fullmatch(column)]
    if sorted(axes) != list(AXES):
        raise LabelError(
            f"napari's points have the axes {', '.join(axes)}; labels need axis-0 (scan_y) and axis-1 (scan_x), each "
            "once: save a layer of two dimensions."
        )
    features = [column for column in header if column not in ("index", *axes)]
    if "label" in features:
        features = ["label"] * features.count("label")
    if len(features) != 1:
        which = f"has the features {', '.join(features)}" if features else "has no feature"
        raise LabelError(
            f"the table of napari's points {which}; give it one column 'label' with the names of the classes."
        )
    return {column: column for column in AXES} | {"label": features[0]}


def position_of_point(row: dict[str, str]) -> tuple[int, int]:
    """Round the place of a point to the probe position that it lies on; halves go to the larger one.

    Raises
    ------
    LabelError
        If it is no pair of numbers.
    """
    y, x = (math.floor(_number(row[column], column) + 0.5) for column in AXES)
    return y, x


def _number(text: str, column: str) -> float:
    number = float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else math.inf
    if abs(number) >= _LARGEST:
        raise LabelError(f"{column} is {text!r}; it must be a number (probe positions from 0).")
    return number
