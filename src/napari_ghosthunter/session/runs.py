"""A training or a segmentation under way, over a snapshot of the session: it may run in another thread.

A run reads nothing of the session and changes nothing of it. What it yields is handed to the session in the thread that
the session lives in; the session knows its latest run of each kind, and drops what an older one still brings.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from napari_ghosthunter.errors import ClusterError
from napari_ghosthunter.labelling.labels import LabelSet
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session.renames import Renames

if TYPE_CHECKING:
    from napari_ghosthunter.learning.config import PatternConfig, TrainingConfig
    from napari_ghosthunter.learning.model import Model
    from napari_ghosthunter.learning.report import EpochReport
    from napari_ghosthunter.mapping.domains import DomainMap
    from napari_ghosthunter.mapping.segmentation import GrowingMap, RowBand

KEEP_SECONDS = 20.0  # of training that a crash may cost: the model is written no more often than this


class _Run:
    """What can be stopped, from any thread.

    Attributes
    ----------
    renames
        What the session has renamed of its classes since; the run itself knows nothing of it.
    """

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self.renames = Renames()

    def stop(self) -> None:
        """Let the run end after the step it is at, as if there were no more to do."""
        self._stopped.set()

    @property
    def stopped(self) -> bool:
        """Whether it was told to stop."""
        return self._stopped.is_set()


class TrainingRun(_Run):
    """A training: iterate over it for one report an epoch.

    Parameters
    ----------
    scan, labels, config, patterns, device
        As for `learning.training.train`; the labels are copied.
    keep
        Called with this run and a model that should be written to disk, in the thread of the run: now and then, and
        with the best model at the end, also after a stop or an error.
    mark
        Called with this run and whether it is under way, in the thread of the run, when it begins and when it ends.
    """

    def __init__(
        self, scan: Scan, labels: LabelSet, config: TrainingConfig, patterns: PatternConfig | None,
        device: str, keep: Callable[[TrainingRun, Model], object],
        mark: Callable[[TrainingRun, bool], object] = lambda _run, _underway: None,
    ) -> None:  # fmt: skip
        super().__init__()
        self._scan, self._config, self._patterns, self._device = scan, config, patterns, device
        self._labels = LabelSet(labels.classes, labels.scan_shape, labels)
        self._keep, self._mark = keep, mark

    def __iter__(self) -> Iterator[EpochReport]:
        """Train; whatever may be wrong with labels, configuration or device is raised by the first step.

        A run that is stopped before its first report brings and keeps nothing.

        Raises
        ------
        GhostHunterError
            What `learning.training.train` raises, and OutputError if the model cannot be kept.
        """
        from napari_ghosthunter.learning.training import train

        latest: Model | None = None
        kept: Model | None = None
        kept_at = time.monotonic()
        self._mark(self, True)
        try:
            for report in train(self._scan, self._labels, self._config, self._patterns, device=self._device):
                if self.stopped and latest is None:
                    break  # before its first report: the model of a single epoch is not to replace a good one
                latest = report.model
                if time.monotonic() - kept_at > KEEP_SECONDS:
                    self._keep(self, latest)
                    kept, kept_at = latest, time.monotonic()
                yield report
                if self.stopped:
                    break
        finally:
            try:
                if latest is not None and latest is not kept:
                    self._keep(self, latest)
            finally:
                self._mark(self, False)


class SegmentationRun(_Run):
    """A segmentation: iterate over it for bands of finished rows.

    Parameters
    ----------
    scan, model, device
        As for `mapping.segmentation.segment_rows`.
    scheduler, tell
        As for `mapping.connections.computing`.
    keep
        Called with this run and the map, in the thread of the run, at the end; after a stop or an error the rest of its
        rows have no data.
    neighbours
        How much neighbours help, once all rows are there; see `mapping.neighbours.with_neighbours`.

    Attributes
    ----------
    neighbours
        As given.
    """

    def __init__(
        self, scan: Scan, model: Model, device: str, keep: Callable[[SegmentationRun, DomainMap], object],
        scheduler: str = "", tell: Callable[[str], object] | None = None, neighbours: float = 0.0,
    ) -> None:  # fmt: skip
        super().__init__()
        self._scan, self._model, self._device, self._keep = scan, model, device, keep
        self._scheduler, self._tell = scheduler, tell
        self.neighbours = neighbours
        self._helped: DomainMap | None = None  # the whole map, where neighbours have a say in it
        self._growing: GrowingMap | None = None

    def __iter__(self) -> Iterator[RowBand]:
        """Classify row after row.

        Raises
        ------
        GhostHunterError
            What `mapping.segmentation.segment_rows` raises, ClusterError if the cluster fails, and OutputError if the
            map cannot be kept.
        """
        from napari_ghosthunter.mapping.segmentation import GrowingMap

        self._growing = GrowingMap(self._scan, self._model)
        latest: RowBand | None = None
        try:
            for band in self._bands():
                self._growing.add(band)
                latest = band
                if self.neighbours and self.is_last(band):
                    self._helped = self.map_until(band).with_neighbours(self.neighbours)
                yield band
                if self.stopped:
                    break
        except ClusterError:
            if not self.stopped:  # else nobody waits for it any more
                raise
        finally:
            if latest is not None:
                self._keep(self, self.map_until(latest))

    def _bands(self) -> Iterator[RowBand]:
        from napari_ghosthunter.mapping.connections import computing

        with computing(scheduler=self._scheduler, stopped=lambda: self.stopped, tell=self._tell) as segmenter:
            yield from segmenter(self._scan, self._model, device=self._device)

    def is_last(self, band: RowBand) -> bool:
        """Tell whether the map is whole with a band."""
        return band.stop == self._scan.shape[0]

    def map_until(self, band: RowBand) -> DomainMap:
        """Give the map as it was when this run gave `band`: later rows have no data, only a whole one had help."""
        if self._helped is not None and self.is_last(band):
            return self._helped
        assert self._growing is not None  # there is a band
        return self._growing.until(band)
