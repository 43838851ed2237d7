"""Calibrations that programs write as attributes beside an array: abTEM, Nion Swift; others are only noticed."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from napari_ghosthunter.scan.units import UNCALIBRATED, Axis, convert, plain_axis

_LOOKS_LIKE_ONE = re.compile(
    r"pixel.?(?:size|unit)|sampling|calibrat|(?:^|_)(?:step|scale|units?|resolution)(?:$|_)", re.IGNORECASE
)
_LONGEST = 2**20  # characters of an attribute of JSON


def axes_beside(attributes: Sequence[Mapping[str, Any]], number: int) -> list[Axis | None] | None:
    """Read (step, units) of all `number` axes from the attributes of an array or of its group; None if none say so."""
    for found in attributes:
        for read in (_swift, _abtem):
            axes = read(found, number)
            if axes is not None:
                return axes
    return None


def unknown_axes(axes: Sequence[Axis | None]) -> bool:
    """Whether the size of any axis is still to be found."""
    return any(_unknown(axis) for axis in axes)


def filled_in(axes: Sequence[Axis | None], beside: Sequence[Axis | None]) -> tuple[list[Axis | None], tuple[str, ...]]:
    """Fill in from `beside` what `axes` leave open, and tell where both say something, but not the same."""
    both = [(own, other) for own, other in zip(axes, beside, strict=True) if not (_unknown(own) or _unknown(other))]
    apart = [(own, other) for own, other in both if own is not None and other is not None and not _same(own, other)]
    filled = [other if _unknown(own) and other is not None else own for own, other in zip(axes, beside, strict=True)]
    if not apart:
        return filled, ()
    (step, units), (other_step, other_units) = apart[0]
    return filled, (
        f"The file states two pixel sizes, {step:.6g} {units} and {other_step:.6g} {other_units}; the first was taken. "
        "Say it with --scan-step or --k-step if that is wrong.",
    )


def _unknown(axis: Axis | None) -> bool:
    return axis is None or plain_axis(*axis) == UNCALIBRATED


def _same(one: Axis, other: Axis) -> bool:
    (step, units), (other_step, other_units) = plain_axis(*one), plain_axis(*other)
    converted = convert(other_step, other_units, units)
    return converted is not None and math.isclose(step, converted, rel_tol=1e-3)


def notes_beside(attributes: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """Name what looks like a calibration and was not understood."""
    names = dict.fromkeys(str(key) for found in attributes for key in found if _LOOKS_LIKE_ONE.search(str(key)))
    if not names:
        return ()
    listed = ", ".join(f"'{name}'" for name in list(names)[:4])
    return (
        f"Beside the array lies {listed}, which looks like a calibration and was not understood: say the pixel sizes "
        "with --scan-step and --k-step.",
    )


def _swift(attributes: Mapping[str, Any], number: int) -> list[Axis | None] | None:
    """Read Nion Swift's `properties`: JSON with a calibration of each axis, {offset, scale, units}."""
    properties = _parsed(attributes.get("properties"))
    listed = properties.get("dimensional_calibrations") if isinstance(properties, Mapping) else None
    return _listed(listed, "scale", number)


def _abtem(attributes: Mapping[str, Any], number: int) -> list[Axis | None] | None:
    """Read abTEM's `kwargs0`, ...: the axes of the ensemble, and the sampling of the patterns in 1/angstrom."""
    for key in attributes:
        kwargs = _parsed(attributes[key]) if re.fullmatch(r"kwargs\d+", str(key)) else None
        if not isinstance(kwargs, Mapping):
            continue
        whole = _listed(kwargs.get("axes_metadata"), "sampling", number)
        if whole is not None:
            return whole
        ensemble = kwargs.get("ensemble_axes_metadata", kwargs.get("axes_metadata"))
        sampling = kwargs.get("sampling")
        if isinstance(ensemble, list) and isinstance(sampling, list | tuple) and len(sampling) == 2:
            scan = _listed(ensemble, "sampling", number - 2)
            if scan is not None and all(_is_number(step) for step in sampling):
                return [*scan, *((float(step), "1/angstrom") for step in sampling)]
    return None


def _listed(listed: Any, step: str, number: int) -> list[Axis | None] | None:
    if not isinstance(listed, list | tuple) or len(listed) != number:
        return None
    axes: list[Axis | None] = []
    for entry in listed:
        one = _parsed(entry)
        if not isinstance(one, Mapping):
            return None
        size, units = one.get(step), one.get("units")
        axes.append((float(size), str(units or "")) if isinstance(size, int | float) else None)
    return axes


def _parsed(value: Any) -> Any:
    """Give JSON as what it says; anything else as it is."""
    value = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    if isinstance(value, str) and len(value) <= _LONGEST and value.lstrip().startswith(("{", "[")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return None
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
