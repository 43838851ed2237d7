"""The figures of a map as rows of text: what the tables of the dock show, and what is copied from them."""

from __future__ import annotations

from dataclasses import dataclass

from napari_ghosthunter.learning.validation import HeldOut
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.scan.units import pretty

NONE = "–"
STAIRCASE = (
    "Measured along the sides of the pixels: exact for walls along an axis, up to 1.41 times too long for diagonal "
    "ones. Compare lengths between maps of the same step."
)


@dataclass(frozen=True)
class Table:
    """A table of text.

    Attributes
    ----------
    header
        Names of the columns; the first is that of the row names.
    rows
        Row name and cells.
    colours
        Colour '#rrggbb' of each row, if rows have one.
    help
        What there is to know about it.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    colours: tuple[str, ...] = ()
    help: str = ""

    def as_text(self) -> str:
        """Give it as lines of tab-separated cells, for a spreadsheet: numbers without commas, which read otherwise."""
        return "".join("\t".join(row).replace(",", "") + "\n" for row in (self.header, *self.rows))


def cut_note(domain_map: DomainMap) -> str:
    """Say what a threshold of confidence does to the figures; empty without one."""
    left_out = domain_map.provenance.get("positions_left_out", 0)
    if not left_out:
        return ""
    return (
        f"Without the {left_out:,} position{'s' if left_out > 1 else ''} below the threshold: areas are shares of the "
        "others, and walls are cut where positions are left out."
    )


def areas(domain_map: DomainMap) -> Table:
    """Tabulate area, positions and confidence of each class."""
    rows = tuple(
        (
            entry.name,
            f"{100 * entry.area_fraction:.1f}",
            f"{entry.count:,}",
            NONE if entry.mean_confidence is None else f"{entry.mean_confidence:.2f}",
        )
        for entry in domain_map.statistics
    )
    help_text = (
        "Shares are of the positions that have a class. The confidence is the mean over the positions of a class."
    )
    return Table(("Class", "Area %", "Positions", "Confidence"), rows, domain_map.classes.colours, help_text)


def walls(domain_map: DomainMap) -> Table:
    """Tabulate the length of the walls between each two classes that touch."""
    units = pretty(domain_map.calibration.scan_units)
    rows = tuple(
        (f"{wall.first} | {wall.second}", _length(wall.length), f"{wall.length_px:,}") for wall in domain_map.walls
    )
    return Table(("Wall between", f"Length ({units})", "Pixel sides"), rows, help=STAIRCASE)


def confusion(held_out: HeldOut) -> Table:
    """Tabulate the labels kept back: their class in rows, what the model says in columns."""
    rows = tuple(
        (name, *(str(count) for count in counts))
        for name, counts in zip(held_out.names, held_out.confusion, strict=True)
    )
    help_text = "Labels that were not trained on. Rows: the label you gave. Columns: what the model says."
    return Table(("Label \\ model", *held_out.names), rows, help=help_text)


def _length(value: float) -> str:
    """Write a length with four digits, or as a whole number where it has more."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
