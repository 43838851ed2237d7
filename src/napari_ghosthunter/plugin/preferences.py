"""What the user has set as defaults in napari's Preferences, under GhostHunter."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_ghosthunter.plugin import PLUGIN

PAPER, SAFE = "red, green, blue as in the paper", "safe for colour-blind readers"  # as the manifest has them
HERE, CLUSTER = "this machine", "Dask scheduler"


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
    compute
        Where maps are computed: `HERE` or `CLUSTER`.
    scheduler
        Address of the cluster's scheduler, as in 'tcp://host:8786'; empty if none was named yet.
    live
        Whether a live map follows the labels.
    """

    device: str = "auto"
    epochs: int = 0
    step: int = 0
    folder: str = ""
    colours: str = PAPER
    compute: str = HERE
    scheduler: str = ""
    live: bool = True

    @property
    def data_folder(self) -> Path | None:
        """`folder` as a path; None for that of the user."""
        return Path(self.folder).expanduser() if self.folder.strip() else None


def defaults() -> Defaults:
    """Read the defaults that are set; those of `Defaults` where napari knows none of this plugin."""
    chosen = _settings()
    return Defaults() if chosen is None else Defaults(**{name: getattr(chosen, name) for name in asdict(Defaults())})


def remember(**chosen: str | bool) -> None:
    """Set some of the defaults, which napari keeps; nothing happens where it knows none of this plugin."""
    settings = _settings()
    if settings is not None:
        for name, value in chosen.items():
            setattr(settings, name, value)


def _settings() -> Any:
    from napari.settings import get_plugin_settings

    try:
        return get_plugin_settings(PLUGIN).new_work
    except KeyError:  # napari has not found the plugin: it is run from its source
        return None
