"""The map of a session: the rows that are there, and the run that brings more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from psygnal import Signal

from napari_ghosthunter.errors import ClusterError, ModelError
from napari_ghosthunter.mapping.failures import file_needs
from napari_ghosthunter.mapping.neighbours import check_strength
from napari_ghosthunter.session.earlier import Earlier
from napari_ghosthunter.session.renames import Renames
from napari_ghosthunter.session.runs import SegmentationRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from napari_ghosthunter.mapping.domains import DomainMap
    from napari_ghosthunter.mapping.segmentation import RowBand
    from napari_ghosthunter.session.sitting import Sitting
    from napari_ghosthunter.session.state import SessionState
    from napari_ghosthunter.session.training import Training


class Segmentation:
    """The map of a session. Use it in the session's thread.

    Signals
    -------
    changed(start, stop)
        The rows start..stop of the map are new. A new map begins with start 0; its later rows have no data yet. Where
        neighbours help, all rows are new with the last ones.

    Parameters
    ----------
    session
        Whose scan is mapped.
    models
        Of which the present one makes the map.
    sitting
        Where the map is kept on disk; nowhere by default.
    earlier
        The map to begin with.

    Attributes
    ----------
    renames
        What the classes of the map are called by now.
    """

    changed = Signal(int, int)

    def __init__(self, session: SessionState, models: Training, sitting: Sitting | None, earlier: Earlier) -> None:
        self._session, self._models, self._sitting = session, models, sitting
        self._map = earlier.domain_map
        self.renames = earlier.renames_of(self._map)
        self._run: SegmentationRun | None = None  # the latest; what older ones bring is dropped
        self._shown: tuple[SegmentationRun, RowBand] | None = None  # what the map is yet to be made of
        self._hashed: tuple[Mapping[str, Tensor], str] | None = None  # weights and the hash of their model
        self._keeping = threading.Lock()  # a run keeps its map in its own thread

    @property
    def domain_map(self) -> DomainMap | None:
        """The map; rows that were not computed (yet) have no data."""
        if self._shown is not None:
            run, band = self._shown
            self._map, self._shown = run.map_until(band), None
        return self._map

    @property
    def is_current(self) -> bool:
        """Whether there is a map, and the model of now made it."""
        model, domain_map = self._models.model, self.domain_map
        if model is None or domain_map is None:
            return False
        if self._hashed is None or self._hashed[0] is not model.weights:
            self._hashed = model.weights, model.hash
        return bool(domain_map.provenance.get("model_hash") == self._hashed[1])

    @property
    def needs(self) -> str:
        """What is missing for a map, as a sentence for the user; empty if nothing is."""
        return "" if self._models.model else "A map needs a model; train one, or open one from a file."

    @property
    def followed(self) -> set[Renames]:
        """What follows the names of classes: of the map, and of the one that is on its way."""
        return {self.renames} | (set() if self._run is None else {self._run.renames})

    # ---- runs ----

    def start(
        self,
        device: str = "auto",
        *,
        scheduler: str = "",
        tell: Callable[[str], object] | None = None,
        neighbours: float = 0.0,
    ) -> SegmentationRun:
        """Begin a map with the model as it is now; it stops the one before it, if that still runs.

        Iterate over the run, in any thread, and hand each band to `take` in the thread of the session. The map of
        before stays until the first band comes.

        Parameters
        ----------
        device
            'auto', 'cpu', 'cuda' or 'mps'.
        scheduler
            Address of a Dask scheduler to compute on, as in 'tcp://host:8786'; by default it is this machine.
        tell
            Called with what else would be a warning of the cluster, in the thread of the run.
        neighbours
            How much neighbours help, 0 (not at all) to 4, once all rows are there; a map that is stopped goes without.
            See `mapping.neighbours.with_neighbours`.

        Raises
        ------
        ModelError
            If there is no model.
        ClusterError
            If the workers of a cluster cannot open the scan, because it came from no file.
        MapError
            If neighbours cannot help so much.
        """
        model = self._models.model
        if model is None:
            raise ModelError(self.needs)
        needs = file_needs(self._session.scan) if scheduler else ""
        if needs:
            raise ClusterError(needs)
        check_strength(neighbours)
        self.stop()
        self._run = SegmentationRun(self._session.scan, model, device, self._keep, scheduler, tell, neighbours)
        self._run.renames = self._models.renames
        return self._run

    def take(self, run: SegmentationRun, band: RowBand) -> bool:
        """Take over a band of finished rows; false, and nothing changes, if a newer run was begun."""
        if run is not self._run:
            return False
        self._shown, self.renames = (run, band), run.renames
        anew = run.neighbours and run.is_last(band)  # neighbours have had their say in every row
        self.changed.emit(0 if anew else band.start, band.stop)
        return True

    def run(self, device: str = "auto", *, scheduler: str = "", neighbours: float = 0.0) -> Iterator[RowBand]:
        """Map the scan in this thread, and take over each band before it is given; see `start`.

        Raises
        ------
        GhostHunterError
            With the first step: what `start` and `mapping.segmentation.segment_rows` raise, and ClusterError if the
            cluster fails.
        """
        run = self.start(device, scheduler=scheduler, neighbours=neighbours)
        for band in run:
            if not self.take(run, band):
                return
            yield band

    def stop(self) -> None:
        """Let the map end with the rows that are computed; the others have no data."""
        if self._run is not None:
            self._run.stop()

    def close(self) -> None:
        """Stop the run; what it still brings is dropped, and not kept."""
        self.stop()
        with self._keeping:
            self._run = None

    # ---- on disk ----

    def keep_first(self, sitting: Sitting) -> None:
        """Write the map that the session began with, into a sitting that has only just begun."""
        with self._keeping:
            if self.domain_map is not None:
                sitting.results.keep_map(self.domain_map)

    def _keep(self, run: SegmentationRun, domain_map: DomainMap) -> None:
        with self._keeping:
            if run is self._run and self._sitting is not None and not self._sitting.closed:
                self._sitting.results.keep_map(domain_map)
