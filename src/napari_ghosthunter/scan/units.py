"""Units as microscopes and programs write them, brought to a few plain names.

Files say 'µm', 'microns', '[n_m^-1]', 'A^-1' or 'meters' for what a scale bar must show in one way.
The names used in this package: 'pm', 'angstrom', 'nm', 'um', '1/nm', '1/angstrom', 'mrad', and 'px' where
nothing is known.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from collections.abc import Sequence

from napari_ghosthunter.scan.calibration import PIXELS, Calibration

Axis = tuple[float, str]  # (step, units) of one axis as a file states them
ANGULAR = ("1/nm", "1/angstrom", "mrad")  # the plain units of patterns
UNCALIBRATED: Axis = (1.0, PIXELS)

# What the units mean: the plain name, and how many of it one of them is.
_LENGTHS = {
    "pm": ("pm", 1.0),
    "picometer": ("pm", 1.0),
    "picometers": ("pm", 1.0),
    "a": ("angstrom", 1.0),
    "å": ("angstrom", 1.0),
    "ang": ("angstrom", 1.0),
    "angstrom": ("angstrom", 1.0),
    "angstroms": ("angstrom", 1.0),
    "nm": ("nm", 1.0),
    "nanometer": ("nm", 1.0),
    "nanometers": ("nm", 1.0),
    "um": ("um", 1.0),
    "µm": ("um", 1.0),
    "micron": ("um", 1.0),
    "microns": ("um", 1.0),
    "micrometer": ("um", 1.0),
    "micrometers": ("um", 1.0),
    "mm": ("um", 1e3),
    "cm": ("um", 1e4),
    "m": ("nm", 1e9),
    "meter": ("nm", 1e9),
    "meters": ("nm", 1e9),
}
_DEGREE = math.pi / 180 * 1e3  # in mrad
_ANGLES = {
    "mrad": ("mrad", 1.0),
    "mrads": ("mrad", 1.0),
    "milliradian": ("mrad", 1.0),
    "milliradians": ("mrad", 1.0),
    "rad": ("mrad", 1e3),
    "rads": ("mrad", 1e3),
    "radian": ("mrad", 1e3),
    "radians": ("mrad", 1e3),
    "urad": ("mrad", 1e-3),
    "µrad": ("mrad", 1e-3),
    "microradian": ("mrad", 1e-3),
    "microradians": ("mrad", 1e-3),
    "deg": ("mrad", _DEGREE),
    "degree": ("mrad", _DEGREE),
    "degrees": ("mrad", _DEGREE),
    "°": ("mrad", _DEGREE),
}
_NOTHING = {
    "",
    PIXELS,
    "pixel",
    "pixels",
    "none",
    "<undefined>",
    "undefined",
    "t.traits.undefined",
    "null",
    "1",
    "index",
    "pix",
    "unitless",
    "dimensionless",
    "unknown",
    "nan",
    "n/a",
    "a.u",
    "?",
    "-",
}
_PRETTY = {"angstrom": "Å", "1/angstrom": "Å⁻¹", "1/nm": "nm⁻¹", "um": "µm"}
_METRES = {"pm": 1e-12, "angstrom": 1e-10, "nm": 1e-9, "um": 1e-6}
_RECIPROCAL = re.compile(r"^1/(?P<under>.+)$|^(?P<over>[^\d^-]+)\^?-1$")
_INVERSE = re.compile(r"^(?:inverse|inv|reciprocal|per|/)(?=.)")  # 'inv_nm', 'reciprocal nm', '/nm'
_INVERTED = re.compile(r"^(.+?)inv(?:erse)?$")  # 'A_inv'
_EACH_PIXEL = re.compile(r"(?:(?:/|per)(?:px|pix|pixels?)|[·⋅*.]?(?:px|pix|pixels?)\^?-1)$")  # 'nm/px', 'mrad px^-1'
_OF_PATTERNS = re.compile(r"^([kq])(?=(?:nm|a|å|pm|um|µm|m)\^?-|1/)")  # pyxem's 'k_A^-1', pyFAI's 'q_nm^-1'
_TWO_THETA = re.compile(
    r"(?:2|two)-?(?:theta|θ|th)(?=deg|rad|°)|(?:2|two)-?(?:theta|θ)"
)  # a scattering angle, as every angle of a pattern is
_WORDS = re.compile(  # of LaTeX, that say how it is written
    r"\\(?:math(?:rm|ring|sf|bf|it)|text(?:rm|up|normal)?|rm|operatorname|ensuremath|unit|si|left|right|,|;|:|!)(?![a-z])"
)
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")  # ImageJ's '\\u00B5m'


def plain_axis(step: float, units: str) -> Axis:
    """Give `step` in one of the plain units; an unknown unit, or a step that is no size, becomes one 'px'.

    A negative step says only that the axis runs the other way, which the pixel size does not keep.
    """
    step = abs(float(step))
    if not math.isfinite(step) or step == 0:
        return UNCALIBRATED
    text = _plainly(units)
    kind = _OF_PATTERNS.match(text)
    if kind is not None:
        text = text[1:]
        step /= 2 * math.pi if kind[1] == "q" else 1.0  # q is 4 pi sin(theta) / wavelength, k is 1 / d
    if text in _ANGLES:
        name, factor = _ANGLES[text]
        return step * factor, name
    if text in _LENGTHS:
        name, factor = _LENGTHS[text]
        return step * factor, name
    reciprocal = _RECIPROCAL.match(text)
    length = _LENGTHS.get((reciprocal["under"] or reciprocal["over"]) if reciprocal else "")
    if length is None:
        return UNCALIBRATED
    name, factor = length
    if name == "angstrom":
        return step / factor, "1/angstrom"
    return step / (factor * _METRES[name] / 1e-9), "1/nm"


def _plainly(units: str) -> str:
    """Write a unit without spaces, brackets and what LaTeX, HTML and pyxem put around it."""
    text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), html.unescape(units))
    text = unicodedata.normalize("NFKC", text)  # superscripts, the angstrom sign, letters and their rings
    text = _WORDS.sub("", text).replace("\\AA", "å").replace("\\mu", "µ").replace("\\circ", "°").replace("^°", "°")
    text = re.sub("[\N{HYPHEN}-\N{EM DASH}\N{MINUS SIGN}]", "-", text)
    text = re.sub(r"^b(?=['\"])|[\s_\[\](){}$\\~'\"]", "", text).replace("\N{GREEK SMALL LETTER MU}", "µ").lower()
    text = text.replace("metre", "meter").replace("ström", "strom").replace("ångstrom", "angstrom")
    text = text.replace("**", "^").rstrip(".")
    text = _TWO_THETA.sub("", text) or text
    text = _EACH_PIXEL.sub("", text)
    return _INVERTED.sub(r"1/\1", _INVERSE.sub("1/", text))


def convert(step: float, units: str, to: str) -> float | None:
    """Convert a step between two plain units of one kind; None if they are of different kinds."""
    if units == to:
        return step
    if units in _METRES and to in _METRES:
        return step * _METRES[units] / _METRES[to]
    if units.startswith("1/") and to.startswith("1/"):
        return step * _METRES[to[2:]] / _METRES[units[2:]]
    return None


def calibration_of(axes: Sequence[Axis | None]) -> Calibration:
    """Make a calibration of the four axes (scan_y, scan_x, k_y, k_x), as a file states them.

    An axis whose step is not stated (None, as for one of a single element) takes that of its neighbour;
    a plane whose two axes cannot be brought to one unit counts as uncalibrated. What is lost of a calibration is told
    in its `notes`.
    """
    scan_step, scan_units = _plane(axes[0], axes[1])
    k_step, k_units = _plane(axes[2], axes[3])
    notes = (*_lost(axes[:2], scan_units, "scan", "--scan-step"), *_lost(axes[2:], k_units, "detector", "--k-step"))
    return Calibration(scan_step=scan_step, scan_units=scan_units, k_step=k_step, k_units=k_units, notes=notes)


def _lost(axes: Sequence[Axis | None], units: str, plane: str, option: str) -> tuple[str, ...]:
    """Tell of pixel sizes that a file states and that could not be kept."""
    stated = [axis for axis in axes if axis is not None and _plainly(axis[1]) not in _NOTHING]
    if units != PIXELS or not stated:
        return ()
    steps = " and ".join(dict.fromkeys(f"{step:.6g} {unit}" for step, unit in stated))
    unknown = [unit for step, unit in stated if plain_axis(1.0, unit) == UNCALIBRATED]
    why = f"the unit '{unknown[0]}' is not understood" if unknown else "its two axes do not agree"
    if not unknown and any(not math.isfinite(float(step)) or float(step) == 0 for step, _ in stated):
        why = "that is no size"
    return (f"The pixel size of the {plane}, {steps}, was left out: {why}. Say it with {option}.",)


def _plane(y: Axis | None, x: Axis | None) -> tuple[tuple[float, float], str]:
    y, x = y or x or UNCALIBRATED, x or y or UNCALIBRATED
    step_y, units = plain_axis(*y)
    step_x = convert(*plain_axis(*x), units)
    return ((1.0, 1.0), PIXELS) if step_x is None else ((step_y, step_x), units)


def pretty(units: str) -> str:
    """Write a unit as a microscopist does."""
    return _PRETTY.get(units, units)


def nice_length(most: float) -> float:
    """Give the longest of 1, 2 and 5 times a power of ten that is no longer than `most`, for a scale bar."""
    power = 10.0 ** math.floor(math.log10(most))
    return next(factor * power for factor in (5.0, 2.0, 1.0) if factor * power <= most * (1 + 1e-9))
