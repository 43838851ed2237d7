"""Copies of labelled patterns that keep their label, or change it in a known way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from napari_ghosthunter.errors import TrainingError
from napari_ghosthunter.labelling.classes import ClassScheme
from napari_ghosthunter.learning.alignment import shifted
from napari_ghosthunter.learning.config import Symmetry, TrainingConfig

UNKNOWN_SHIFT = 0.03  # share of the side, where the patterns have no clear beam to measure
LARGEST_SHIFT = 0.1


Turn: TypeAlias = tuple[Symmetry | None, Tensor]  # a symmetry, and the class index that each class index becomes


class Augmentation:
    """Random shifts, and the symmetries that the user declared, drawn anew for every batch.

    The centre of the pattern wanders over a scan more than the ghosts are wide, so a shift keeps every label. A turn
    or a mirror image does not (turned by 90 degrees, 'horizontal' is 'vertical'): each symmetry comes with the class
    that every class becomes.

    Parameters
    ----------
    turns
        From `declared_turns`.
    reach
        Largest shift along each axis, in pixels of the input; from `shift_reach`.
    generator
        Where chance comes from.
    lay
        What lays turned patterns (n, S, S) where all others lie, `FittedPatterns.laid`.
    """

    def __init__(
        self,
        turns: Sequence[Turn],
        reach: int,
        generator: torch.Generator,
        lay: Callable[[Tensor], Tensor] = lambda patterns: patterns,
    ) -> None:
        self._turns, self._reach, self._generator, self._lay = turns, reach, generator, lay

    def __call__(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Change network inputs (B, 1, S, S) and class indices (B,); what went in stays as it is."""
        if len(self._turns) > 1:
            inputs, targets = self._turned(inputs, targets)
        return (self._shifted(inputs) if self._reach else inputs), targets

    def _turned(self, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        choice = torch.randint(len(self._turns), (len(inputs),), generator=self._generator).to(inputs.device)
        inputs, targets = inputs.clone(), targets.clone()
        for index, (symmetry, permutation) in enumerate(self._turns):
            chosen = choice == index
            if symmetry is not None and chosen.any():
                inputs[chosen] = self._lay(turn(inputs[chosen, 0], symmetry))[:, None]
                targets[chosen] = permutation.to(targets.device)[targets[chosen]]
        return inputs, targets

    def _shifted(self, inputs: Tensor) -> Tensor:
        """Shift each input by its own whole pixels; the edge is repeated into what comes free."""
        by = torch.randint(-self._reach, self._reach + 1, (2, len(inputs)), generator=self._generator)
        return shifted(inputs[:, 0], by.T.to(inputs))[:, None]


def shift_share(config: TrainingConfig, wander: float | None) -> float:
    """Largest shift as a share of the side: as told, or twice the wander of the scan (None where it is not known).

    Too short a shift leaves the network to learn where the patterns happened to lie; too long a one hides what tells
    classes apart by place alone, such as the orientations of grains (docs/results.md).
    """
    if config.shift is not None:
        return config.shift
    return UNKNOWN_SHIFT if wander is None else min(2 * wander, LARGEST_SHIFT)


def shift_reach(config: TrainingConfig, wander: float | None, size: int) -> int:
    """Largest shift in pixels of an input of `size` pixels a side; see `shift_share`. One is the least, if not told."""
    reach = round(shift_share(config, wander) * size)
    return reach if config.shift is not None else max(1, reach)


def declared_turns(config: TrainingConfig, classes: ClassScheme, detector_shape: tuple[int, int]) -> list[Turn]:
    """Check the symmetries of a configuration, and list them after the pattern as it is.

    Raises
    ------
    TrainingError
        If a symmetry does not name each class once on either side, or exchanges the axes of a detector (k_y, k_x) that
        is not square: binning squeezes it to a square, so that a quarter turn would turn a skewed pattern.
    """
    skewed = [name for name in config.symmetries if name in {"rot90", "rot270", "transpose"}]
    if skewed and detector_shape[0] != detector_shape[1]:
        raise TrainingError(
            f"Symmetry '{skewed[0]}' needs a square detector, but this one has {detector_shape[0]} x "
            f"{detector_shape[1]} pixels; use rot180, flip_y or flip_x."
        )
    turns: list[Turn] = [(None, torch.arange(len(classes)))]
    for symmetry, mapping in config.symmetries.items():
        turns.append((symmetry, _permutation(symmetry, mapping, classes.names)))
    return turns


def turn(inputs: Tensor, symmetry: Symmetry) -> Tensor:
    """Turn or mirror patterns (..., k_y, k_x); rotations are counter-clockwise as the pattern is seen."""
    if symmetry == "flip_y":
        return inputs.flip(-2)
    if symmetry == "flip_x":
        return inputs.flip(-1)
    if symmetry == "transpose":
        return inputs.transpose(-2, -1)
    return torch.rot90(inputs, {"rot90": 1, "rot180": 2, "rot270": 3}[symmetry], (-2, -1))


def _permutation(symmetry: str, mapping: Mapping[str, str], names: Sequence[str]) -> Tensor:
    """Turn the map from class to class into one from index to index; classes that it leaves out stay themselves."""
    becomes = {name: mapping.get(name, name) for name in names}
    unknown = sorted((set(mapping) | set(mapping.values())) - set(names))
    if unknown:
        raise TrainingError(
            f"Symmetry '{symmetry}' names {unknown[0]!r}, which has no labels; the labelled classes are "
            f"{', '.join(names)}."
        )
    if len(set(becomes.values())) != len(names):
        raise TrainingError(f"Symmetry '{symmetry}' must turn each class into another one, no two into the same.")
    return torch.tensor([list(names).index(becomes[name]) for name in names])
