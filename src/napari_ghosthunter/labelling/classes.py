"""The domain classes of a sitting: any names that a user wants, each with a colour and a key.

Everything that counts, colours or numbers classes asks this scheme, so that nothing else is wired to the three
classes of the paper.
"""

from __future__ import annotations

import colorsys
import re
import unicodedata
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from napari_ghosthunter.errors import LabelError

MAX_CLASSES = 255  # ids 1 to 255 fit a uint8 map beside 0, which means 'no data' or 'not labelled'

# Okabe and Ito's colours (https://jfly.uni-koeln.de/color/), told apart with every common colour blindness. Their
# black is left out: it is what a map shows where there is no data.
OKABE_ITO = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")

# The paper's maps show softmax(none, vertical, horizontal) as (red, green, blue); its label files call 'none' 'na'.
_PAPER_COLOURS = {"none": "#ff0000", "na": "#ff0000", "vertical": "#00ff00", "horizontal": "#0000ff"}


class DomainClass(BaseModel):
    """One class: its name, its colour as '#rrggbb', and the key that gives it ('' for none).

    Raises
    ------
    LabelError
        If the name is empty or holds a comma, a line break or a control character, if the colour is not '#rrggbb',
        or if the key is longer than one visible character.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    colour: str
    key: str = ""

    @field_validator("name")
    @classmethod
    def _tidy_name(cls, name: str) -> str:
        return tidy_name(name)

    @field_validator("colour")
    @classmethod
    def _check_colour(cls, colour: str) -> str:
        if not re.fullmatch("#[0-9a-fA-F]{6}", colour):
            raise LabelError(f"{colour!r} is not a colour; write it as '#rrggbb', as in '#e69f00'.")
        return colour.lower()

    @field_validator("key")
    @classmethod
    def _check_key(cls, key: str) -> str:
        if len(key) > 1 or key.isspace() or not key.isprintable():
            raise LabelError(f"{key!r} cannot be the key of a class; choose one visible character, or none.")
        return key


class ClassScheme(BaseModel):
    """The classes in order: the first has id 1, the second id 2, and so on; id 0 means 'no data' or 'not labelled'.

    A scheme never changes; `add`, `rename`, `remove` and `recolour` return a new one. It holds 0 to 255 classes,
    because a sitting starts with none; training asks for at least two that have labels.

    Raises
    ------
    LabelError
        If two classes share a name or a key, or if there are more than 255.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    classes: tuple[DomainClass, ...] = ()

    @model_validator(mode="after")
    def _check_classes(self) -> ClassScheme:
        if len(self.classes) > MAX_CLASSES:
            raise LabelError(f"{len(self.classes)} classes are too many; at most {MAX_CLASSES} fit a domain map.")
        _refuse_repeated("name", self.names)
        _refuse_repeated("key", [entry.key for entry in self.classes if entry.key])
        return self

    @classmethod
    def from_names(cls, names: Iterable[str]) -> ClassScheme:
        """Make a scheme with default colours and keys; a name that comes again counts once.

        The classes keep the order in which they are given. The paper's, none (or na), vertical and horizontal, or some
        of them, have the paper's colours (red, green, blue); as soon as there are others, all take those of `palette`.
        The first nine classes get the keys 1 to 9.

        Raises
        ------
        LabelError
            If a name cannot be the name of a class, or if there are more than 255.
        """
        unique = list(dict.fromkeys(tidy_name(name) for name in names))
        of_paper = _are_the_papers(unique)
        colours = [_PAPER_COLOURS[name] for name in unique] if of_paper else palette(len(unique))
        keys = [str(number) if number <= 9 else "" for number in range(1, len(unique) + 1)]
        return cls(
            classes=tuple(
                DomainClass(name=name, colour=colour, key=key)
                for name, colour, key in zip(unique, colours, keys, strict=True)
            )
        )

    def __len__(self) -> int:
        """Return the number of classes."""
        return len(self.classes)

    def __contains__(self, name: object) -> bool:
        """Say whether there is a class of this name."""
        return name in self.names

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of the ids."""
        return tuple(entry.name for entry in self.classes)

    @property
    def colours(self) -> tuple[str, ...]:
        """Colours '#rrggbb' in the order of the ids."""
        return tuple(entry.colour for entry in self.classes)

    def rgb(self) -> NDArray[np.uint8]:
        """Return the colours as numbers, shape (n, 3), in the order of the ids."""
        values = [list(bytes.fromhex(colour[1:])) for colour in self.colours]
        return np.array(values, dtype=np.uint8).reshape(-1, 3)

    def id_of(self, name: str) -> int:
        """Return the id (1 to n) of a class.

        Raises
        ------
        LabelError
            If there is no such class.
        """
        return self._index(name) + 1

    def add(self, name: str, colour: str | None = None) -> ClassScheme:
        """Return a scheme with one more class at the end; it gets the first unused colour and key unless told.

        Raises
        ------
        LabelError
            If the name or the colour is unfit, or the name is taken, or there are 255 classes already.
        """
        if colour is None:
            colour = next((free for free in palette(MAX_CLASSES) if free not in self.colours), OKABE_ITO[0])
        taken = {entry.key for entry in self.classes}
        key = next((digit for digit in "123456789" if digit not in taken), "")
        return ClassScheme(classes=(*self.classes, DomainClass(name=name, colour=colour, key=key)))

    def rename(self, name: str, new_name: str) -> ClassScheme:
        """Return a scheme where the class `name` is called `new_name`, with the same id, colour and key.

        Raises
        ------
        LabelError
            If there is no class `name`, or `new_name` is unfit or taken.
        """
        return self._replaced(name, {"name": new_name})

    def recolour(self, name: str, colour: str) -> ClassScheme:
        """Return a scheme where the class `name` has another colour.

        Raises
        ------
        LabelError
            If there is no class `name`, or the colour is not '#rrggbb'.
        """
        return self._replaced(name, {"colour": colour})

    def remove(self, name: str) -> ClassScheme:
        """Return a scheme without the class `name`; the ids of those after it move down by one.

        Raises
        ------
        LabelError
            If there is no class `name`.
        """
        index = self._index(name)
        return ClassScheme(classes=self.classes[:index] + self.classes[index + 1 :])

    def joined(self, other: ClassScheme) -> ClassScheme:
        """Return a scheme with the classes of another one that are not here added at the end.

        They keep their colours where those are free. A scheme without classes becomes the other one.

        Raises
        ------
        LabelError
            If there would be more than 255 classes.
        """
        scheme = self if self.classes else other
        for entry in other.classes:
            if entry.name not in scheme:
                scheme = scheme.add(entry.name, None if entry.colour in scheme.colours else entry.colour)
        return scheme

    def _replaced(self, name: str, changes: dict[str, str]) -> ClassScheme:
        index = self._index(name)
        entry = DomainClass(**(self.classes[index].model_dump() | changes))
        return ClassScheme(classes=(*self.classes[:index], entry, *self.classes[index + 1 :]))

    def _index(self, name: str) -> int:
        try:
            return self.names.index(name)
        except ValueError:
            known = ", ".join(self.names) or "none so far"
            raise LabelError(f"There is no class {name!r} (the classes are: {known}); add it first.") from None


def tidy_name(name: str) -> str:
    """Return a class name without outer spaces and in one Unicode form (NFC), so that equal looks are equal names.

    Raises
    ------
    LabelError
        If it is empty or holds a comma, a line break or a control character.
    """
    tidy = unicodedata.normalize("NFC", name.strip())
    if not tidy:
        raise LabelError("A class needs a name that is not empty.")
    if "," in tidy or any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in tidy):
        raise LabelError(f"{tidy!r} cannot name a class; leave out commas, line breaks and control characters.")
    return tidy


def in_order(names: Iterable[str]) -> list[str]:
    """Put the names found in a table of labels in order: the paper's in the paper's order, others as they first come.

    Which position a table begins with says nothing of the order of the classes, and the ids of a map must not depend
    on it where there is an order that is known.
    """
    unique = list(dict.fromkeys(names))
    return sorted(unique, key=list(_PAPER_COLOURS).index) if _are_the_papers(unique) else unique


def _are_the_papers(names: Sequence[str]) -> bool:
    """Whether these are classes of the paper and no others; it has either none or na."""
    return set(names) <= set(_PAPER_COLOURS) and not {"none", "na"} <= set(names)


def short_list(parts: Sequence[str], most: int = 6) -> str:
    """Join parts for a line that must stay short: of many, the first few and how many more there are."""
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return ", ".join(parts[:most]) + more


def palette(count: int) -> tuple[str, ...]:
    """Return `count` (up to 255) different colours, the same ones each time.

    The first seven are Okabe and Ito's, safe for colour-blind readers. No larger palette is, so the further ones go
    round the hues by the golden ratio and change their lightness from one to the next, which every reader can see.
    """
    colours = dict.fromkeys(OKABE_ITO)
    turn = 0
    while len(colours) < count:
        hue = turn * 0.618034 % 1
        lightness = (0.35, 0.8, 0.55)[turn % 3]
        red, green, blue = (round(255 * part) for part in colorsys.hls_to_rgb(hue, lightness, 0.75))
        colours[f"#{red:02x}{green:02x}{blue:02x}"] = None
        turn += 1
    return tuple(colours)[:count]


def _refuse_repeated(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise LabelError(f"Two classes have the {what} {value!r}; choose another {what} for one of them.")
        seen.add(value)
