"""What the user has set as defaults in napari's Preferences, under GhostHunter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PLUGIN = "napari-ghosthunter"
PAPER, SAFE = "red, green, blue as in the paper", "safe for colour-blind readers"  # as the manifest has them


@dataclass(frozen=True)
class Defaults:
    """Defaults for new work; the manifest declares them, with their texts and bounds.

    Attributes
    ----------
    device
        'auto', 'cpu', 'cuda' or 'mps'.
    epochs
        Epochs of a training; 0 to choose by the number of labels.
    step
        Grid step of the first points, in probe positions; 0 to choose by the size of the scan.
    folder
        Where the work on scans is kept; empty for the data folder of the user.
    colours
        Of the classes none, vertical and horizontal: `PAPER` or `SAFE`.
    """

    device: str = "auto"
    epochs: int = 0
    step: int = 0
    folder: str = ""
    colours: str = PAPER

    @property
    def data_folder(self) -> Path | None:
        """`folder` as a path; None for that of the user."""
        return Path(self.folder).expanduser() if self.folder.strip() else None


def defaults() -> Defaults:
    """Read the defaults that are set; those of `Defaults` where napari knows none of this plugin."""
    from napari.settings import get_plugin_settings

    try:
        chosen = get_plugin_settings(PLUGIN).new_work
    except KeyError:  # napari has not found the plugin: it is run from its source
        return Defaults()
    return Defaults(chosen.device, chosen.epochs, chosen.step, chosen.folder, chosen.colours)
