"""Earlier sittings at a scan, found by what the scan holds: what a user is offered when it is opened again."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from napari_ghosthunter.errors import GhostHunterError
from napari_ghosthunter.labelling.classes import short_list
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.journal import read_journal
from napari_ghosthunter.session.locking import in_use
from napari_ghosthunter.session.replay import replay
from napari_ghosthunter.session.results import has_map, has_model
from napari_ghosthunter.session.sitting import JOURNAL, sittings_of


@dataclass(frozen=True)
class PastSitting:
    """An earlier sitting, as the user would tell it from others.

    Attributes
    ----------
    folder
        Where it is kept; `Session.resume` takes it.
    last_used
        When its last edit was made.
    counts
        Number of labels by class, in the order of the classes.
    waiting
        Number of points that have no label yet.
    has_model, has_map
        Whether it has a trained model, and a map.
    in_use
        Whether it is open, in this process or in another: then it cannot be gone on with.
    notes
        What is wrong with its journal, for the user; empty if nothing is.
    """

    folder: Path
    last_used: datetime
    counts: dict[str, int] = field(hash=False)
    waiting: int
    has_model: bool
    has_map: bool
    in_use: bool
    notes: tuple[str, ...] = ()

    @property
    def label_count(self) -> int:
        """Number of labels."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        """Tell it in one line, with the time of this place."""
        labels = f"{self.label_count} label{'' if self.label_count == 1 else 's'}"
        counts = short_list([f"{_brief(name)} {count}" for name, count in self.counts.items() if count])
        parts = [f"{labels} ({counts})" if counts else labels]
        parts += ["a model"] if self.has_model else []
        parts += ["a map"] if self.has_map else []
        text = f"{self.last_used.astimezone():%Y-%m-%d %H:%M}: {', '.join(parts)}"
        return text + (" - open in another window" if self.in_use else "")


def _brief(name: str, most: int = 24) -> str:
    """Cut a long name."""
    return name if len(name) <= most else name[: most - 1] + "…"


def find_sittings(scan: Scan, data_folder: Path | str | None = None) -> tuple[PastSitting, ...]:
    """Find the earlier sittings at a scan, the last used one first; the scan may have been moved or copied since.

    Parameters
    ----------
    scan
        The scan. A few of its patterns are read.
    data_folder
        Where sittings are kept; the user's data folder by default.

    Raises
    ------
    OutputError
        If nothing can be written in the data folder.
    """
    folder = sittings_of(fingerprint(scan), data_folder)
    found = [_past(journal, scan.scan_shape) for journal in folder.glob(f"*/{JOURNAL}")]
    return tuple(sorted((past for past in found if past), key=lambda past: past.last_used, reverse=True))


def _past(journal: Path, scan_shape: tuple[int, int]) -> PastSitting | None:
    """Read what one journal tells; None if nothing was ever written to it."""
    folder = journal.parent
    last_used = datetime.fromtimestamp(journal.stat().st_mtime, UTC)
    model, domain_map, used = has_model(folder), has_map(folder), in_use(folder)
    try:
        text = read_journal(journal)
        if text.header is None and not text.entries:
            return None
        state = replay(text, scan_shape)
    except GhostHunterError as error:  # a journal of a newer version, for instance
        return PastSitting(folder, last_used, {}, 0, model, domain_map, used, (str(error),))
    labels = state.labels
    return PastSitting(
        folder, last_used, labels.counts(), len(labels.waiting), model, domain_map, used, tuple(state.notes)
    )
