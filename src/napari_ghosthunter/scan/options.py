"""ScanOptions: all that a user says of how a file is to be opened.

The command line, the window, sessions, maps and the workers of a cluster carry this one object, so that a scan is
opened everywhere as it was opened first.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from napari_ghosthunter.errors import ScanError, ScanShapeError
from napari_ghosthunter.scan.calibration import PIXELS, Calibration
from napari_ghosthunter.scan.offered import OPTION_HELP
from napari_ghosthunter.scan.units import plain_axis

Turn = Literal["flip_x", "flip_y", "transpose"]
Step = tuple[float, float, str]  # along y and x, in one of the plain units of `units`

_SHAPE = re.compile(r"\s*(\d+)\s*[xX,×]\s*(\d+)\s*")
_RANGE = re.compile(r"\s*(\d+)\s*:\s*(\d+)\s*")
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\d.])"
_STEP = re.compile(rf"\s*({_NUMBER})(?:\s*[xX×]\s*({_NUMBER}))?\s*(\S.*?)\s*")
_PLACE = re.compile(rf"\s*({_NUMBER})\s*[,;]\s*({_NUMBER})\s*")


def scan_shape_in(text: str) -> tuple[int, int]:
    """Read 'YxX', as in 34x206: rows (scan_y) first.

    Raises
    ------
    ScanShapeError
        If it is none.
    """
    found = _SHAPE.fullmatch(text)
    if found is None or 0 in (int(found[1]), int(found[2])):
        raise ScanShapeError(f"{text!r} is not a scan shape; write rows x columns, as in 34x206.")
    return int(found[1]), int(found[2])


def _scan_shape(given: Any) -> Any:
    if given is None:
        return None
    if isinstance(given, str):
        try:
            return scan_shape_in(given)
        except ScanShapeError as error:
            raise ValueError(str(error)) from None
    numbers = tuple(given) if isinstance(given, Iterable) else (given,)
    if len(numbers) != 2 or not all(isinstance(n, int | float) or hasattr(n, "__index__") for n in numbers):
        raise ValueError(f"a scan shape is two whole numbers above 0, (scan_y, scan_x), not {given!r}.")
    if not all(math.isfinite(n) and n >= 1 and int(n) == n for n in numbers):
        raise ValueError(f"a scan shape is two whole numbers above 0, (scan_y, scan_x), not {numbers}.")
    return int(numbers[0]), int(numbers[1])


def _range(given: Any) -> Any:
    if given is None:
        return None
    found = _RANGE.fullmatch(given) if isinstance(given, str) else None
    ends = found.groups() if found else given
    numbers = [] if isinstance(ends, str) or not isinstance(ends, Iterable) else [_whole(end) for end in ends]
    match numbers:
        case [int(first), int(end)] if 0 <= first < end:
            return first, end
    raise ValueError(f"{given!r} is no range; write both ends, FIRST:END, counted from 0, as in 10:20 for 10 to 19.")


def _whole(given: Any) -> int | None:
    """Read a whole number; None if it is none."""
    if isinstance(given, str) and given.isdecimal():
        return int(given)
    return operator.index(given) if hasattr(given, "__index__") else None


def _numbers(given: Iterable[Any]) -> list[float]:
    """Read finite numbers; ValueError, without words, if one is none."""
    try:
        numbers = [float(one) for one in given]
    except (TypeError, OverflowError):
        raise ValueError from None
    if not all(map(math.isfinite, numbers)):
        raise ValueError
    return numbers


def _step(given: Any, units: tuple[str, ...], example: str) -> Any:
    """Read '2nm', '2x2.5nm' (y x x) or (2.0, 2.5, 'nm') as a step in a plain unit."""
    if given is None:
        return None
    parts: tuple[Any, ...] = ()
    if isinstance(given, str):
        found = _STEP.fullmatch(given)
        parts = (found[1], found[2] or found[1], found[3]) if found else ()
    elif isinstance(given, Iterable):
        parts = tuple(given)
    told = f"write it as in {example}, in {', '.join(units)}."
    try:
        *steps, unit = parts
        y, x = _numbers([*steps, *steps] if len(steps) == 1 else steps)
    except ValueError:
        raise ValueError(f"{given!r} is no pixel size; {told}") from None
    if min(y, x) <= 0:
        raise ValueError(f"{given!r} is no pixel size: it must be above 0; {told}")
    unit = f"1{unit}" if str(unit).startswith("/") else str(unit)  # '0.02/nm'
    (step_y, name), (step_x, _) = plain_axis(y, unit), plain_axis(x, unit)
    if name == PIXELS or name not in units:
        raise ValueError(f"{given!r} has no unit for it; {told}")
    return step_y, step_x, name


def _scan_step(given: Any) -> Any:
    return _step(given, ("pm", "angstrom", "nm", "um"), "2nm or 2x2.5nm (y x x)")


def _k_step(given: Any) -> Any:
    return _step(given, ("1/nm", "1/angstrom", "mrad"), "0.02/nm or 0.5mrad")


def _turns(given: Any) -> Any:
    if given is not None and not isinstance(given, Iterable):
        given = (given,)
    turns = tuple(part.strip() for part in given.split(",") if part.strip()) if isinstance(given, str) else given
    for turn in turns or ():
        if turn not in get_args(Turn):
            raise ValueError(f"{turn!r} turns nothing; say {', '.join(get_args(Turn))}, several with commas.")
    return turns or ()


def _count(given: Any) -> Any:
    text = str(given).strip()
    if given is not None and not (text.isdecimal() and isinstance(given, int | str)):
        raise ValueError(f"{given!r} is no number of patterns; write a whole number, 0 or more.")
    return None if given is None else int(text)


def _place(given: Any) -> Any:
    if given is None:
        return None
    found = _PLACE.fullmatch(given) if isinstance(given, str) else None
    try:
        y, x = _numbers(found.groups() if found else () if isinstance(given, str) else given)
    except (TypeError, ValueError):
        told = "write K_Y,K_X in pixels, as in 63.5,64."
        raise ValueError(f"{given!r} is no place on the detector; {told}") from None
    return y, x


def _absolute(path: Path | None) -> Path | None:
    return None if path is None else path.expanduser().absolute()  # it is looked for again from elsewhere


def _option(name: str, default: Any = None) -> Any:
    return Field(default, description=OPTION_HELP[name])


class ScanOptions(BaseModel):
    """How a file is to be opened; None where nothing was said.

    Each may be given as the text that the command line takes, too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scan_shape: Annotated[tuple[int, int] | None, BeforeValidator(_scan_shape)] = _option("scan_shape")
    dataset: str | None = _option("dataset")
    reader: str | None = _option("reader")
    skip_frames: Annotated[int | None, BeforeValidator(_count)] = _option("skip_frames")
    flyback: Annotated[int | None, BeforeValidator(_count)] = _option("flyback")
    scan_step: Annotated[Step | None, BeforeValidator(_scan_step)] = _option("scan_step")
    k_step: Annotated[Step | None, BeforeValidator(_k_step)] = _option("k_step")
    detector: Annotated[tuple[Turn, ...], BeforeValidator(_turns)] = _option("detector", ())
    rows: Annotated[tuple[int, int] | None, BeforeValidator(_range)] = _option("rows")
    columns: Annotated[tuple[int, int] | None, BeforeValidator(_range)] = _option("columns")
    beam: Annotated[tuple[float, float] | None, BeforeValidator(_place)] = _option("beam")
    mask: Annotated[Path | None, AfterValidator(_absolute)] = _option("mask")

    @classmethod
    def of(cls, **said: Any) -> ScanOptions:
        """Make options of what a user says, with errors in a user's words.

        Raises
        ------
        ScanShapeError
            If the scan shape is none.
        ScanError
            If another option makes no sense.
        """
        try:
            return cls.model_validate(said)
        except ValidationError as error:
            first = error.errors()[0]
            name = str(first["loc"][0])
            told = str(first["msg"]).removeprefix("Value error, ")
            kind = ScanShapeError if name == "scan_shape" else ScanError
            raise kind(f"{name}: {told}") from None

    def updated(self, **said: Any) -> ScanOptions:
        """Give these options with some of them changed; see `of`."""
        return self.of(**{**dict(self), **said})

    def calibrated(self, calibration: Calibration) -> Calibration:
        """Put what the user says of pixel sizes in the place of what the file says."""
        if self.scan_step is not None:
            y, x, units = self.scan_step
            calibration = replace(calibration, scan_step=(y, x), scan_units=units)
        if self.k_step is not None:
            y, x, units = self.k_step
            calibration = replace(calibration, k_step=(y, x), k_units=units)
        return calibration

    def said(self) -> dict[str, Any]:
        """Give what was said, ready for JSON; nothing for what was not."""
        return self.model_dump(mode="json", exclude_defaults=True)


def options_in(told: Mapping[str, Any]) -> ScanOptions | None:
    """Read options from JSON that `said` gave; None if they are none."""
    try:
        return ScanOptions.model_validate(dict(told))
    except ValidationError:
        return None
