"""The edits of labels, classes and sample points: what undo, redo, a journal on disk and a view's update are made of.

One kind of object for all four, so that they cannot disagree. The idea is that of the invertible actions of funtracks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.labelling.classes import ClassScheme, tidy_name

How: TypeAlias = Literal["apply", "undo", "redo"]  # why an edit was done


class _Edit(BaseModel):
    """What all edits share: they never change, and one line of JSON holds them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def to_json(self) -> str:
        """Return the edit as one line of JSON, for a journal; `edit_from_json` reads it."""
        return self.model_dump_json()


class SetLabel(_Edit):
    """Give one probe position the class `after` in place of `before`; None stands for 'not labelled'."""

    kind: Literal["label"] = "label"
    position: tuple[int, int]
    before: str | None
    after: str | None

    def inverse(self) -> SetLabel:
        """Return the edit that takes this one back."""
        return SetLabel(position=self.position, before=self.after, after=self.before)


class RenameClass(_Edit):
    """Call the class `before` by the name `after`, in the scheme and in every label."""

    kind: Literal["rename"] = "rename"
    before: str
    after: str

    _tidy = field_validator("before", "after")(tidy_name)

    def inverse(self) -> RenameClass:
        """Return the edit that takes this one back."""
        return RenameClass(before=self.after, after=self.before)


class SetClasses(_Edit):
    """Replace the class scheme `before` by `after`; labels keep their names, so none of theirs may vanish."""

    kind: Literal["classes"] = "classes"
    before: ClassScheme
    after: ClassScheme

    def inverse(self) -> SetClasses:
        """Return the edit that takes this one back."""
        return SetClasses(before=self.after, after=self.before)


class SamplePoint(BaseModel):
    """Why a position was chosen to be labelled, and its number: points are labelled in the order of their numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    reason: str
    number: int = Field(ge=0)


class SetPoint(_Edit):
    """Make one probe position the sample point `after` in place of `before`; None stands for 'no sample point'."""

    kind: Literal["point"] = "point"
    position: tuple[int, int]
    before: SamplePoint | None
    after: SamplePoint | None

    def inverse(self) -> SetPoint:
        """Return the edit that takes this one back."""
        return SetPoint(position=self.position, before=self.after, after=self.before)


Single: TypeAlias = SetLabel | SetPoint | RenameClass | SetClasses


class Batch(_Edit):
    """Several edits, done in their order and taken back together as one undo step."""

    kind: Literal["batch"] = "batch"
    edits: tuple[Annotated[Single, Field(discriminator="kind")], ...]

    def inverse(self) -> Batch:
        """Return the edit that takes this one back."""
        return Batch(edits=tuple(edit.inverse() for edit in reversed(self.edits)))


Edit: TypeAlias = Single | Batch
_EDIT: TypeAdapter[Edit] = TypeAdapter(Annotated[Edit, Field(discriminator="kind")])


def singles(edit: Edit) -> Iterator[Single]:
    """Go through the single edits that an edit is made of, in their order."""
    yield from edit.edits if isinstance(edit, Batch) else (edit,)


def edit_from_json(line: str) -> Edit:
    """Read an edit that `to_json` wrote.

    Raises
    ------
    LabelError
        If `line` is not such an edit.
    """
    try:
        return _EDIT.validate_json(line)
    except ValidationError as error:
        raise LabelError(f"This is not an edit of labels: {line[:80]!r}.") from error
