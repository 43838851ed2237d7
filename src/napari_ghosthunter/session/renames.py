"""What the classes of a model, or of the map that it made, are called since: renaming changes the labels alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.labelling.edits import RenameClass

if TYPE_CHECKING:
    from napari_ghosthunter.learning.model import Model
    from napari_ghosthunter.mapping.domains import DomainMap


class Renames:
    """Follows the classes of one model through every renaming since its labels were taken.

    Parameters
    ----------
    now
        Names of now by those of then, as far as they were followed before.
    """

    def __init__(self, now: Mapping[str, str] | None = None) -> None:
        self._now = dict(now or {})

    @property
    def now(self) -> dict[str, str]:
        """Names of now by those of then, where they differ or did."""
        return dict(self._now)

    def follow(self, edit: RenameClass) -> None:
        """Take note of a renaming; one of a class that got its name only since is of no class of then."""
        for then, now in self._now.items():
            if now == edit.before:
                self._now[then] = edit.after
                return
        self._now.setdefault(edit.before, edit.after)

    def names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Give the names of now; those of then, if two classes would have one name."""
        found = tuple(self._now.get(name, name) for name in names)
        return found if len(set(found)) == len(found) else names

    def classes(self, classes: ClassScheme) -> ClassScheme:
        """Give the classes with their names of now."""
        names = self.names(classes.names)
        if names == classes.names:
            return classes
        entries = zip(classes.classes, names, strict=True)
        return ClassScheme(classes=tuple(entry.model_copy(update={"name": name}) for entry, name in entries))


def known_by(made: Model | DomainMap | None) -> str:
    """Give the hash of a model, or of the one that made a map, to keep renames by; nothing where there is none."""
    if made is None:
        return ""
    return str(getattr(made, "hash", "") or getattr(made, "provenance", {}).get("model_hash", ""))
