"""The live map of a session: the patterns are looked at once, and from then on every label has its map in a moment.

As with the runs, what takes time goes over a snapshot and may be in another thread (see `looking`); what comes back
late is dropped here. Nothing of it is kept on disk: it comes from the scan and the labels alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from napari_ghosthunter.errors import LabelError
from napari_ghosthunter.session.looking import Look, Looking, Mapped, Mapping

if TYPE_CHECKING:
    from napari_ghosthunter.labelling.positions import Position
    from napari_ghosthunter.labelling.sampling import Round
    from napari_ghosthunter.learning.config import PatternConfig
    from napari_ghosthunter.mapping.domains import DomainMap
    from napari_ghosthunter.mapping.settling import Settling
    from napari_ghosthunter.session.state import SessionState

PATIENCE_S = 60.0  # longer than this it looks at all patterns only when it is asked to
APART = 3.0  # probe positions between points that are proposed: a neighbour tells little that is new
NO_MAP = "There is no live map: it needs labels of at least two classes. Label more points."


class Live:
    """The live map of a session, and what it is made of. Use it in the session's thread.

    Signals
    -------
    looked()
        More patterns were looked at, or what was known of them is dropped.
    changed()
        There is another map, or none any more.
    settled()
        It is known anew how the map settles.

    Parameters
    ----------
    session
        Whose labels make the map.

    Attributes
    ----------
    domain_map
        The map by the latest labels that it was told of; None without one.
    settling
        How it settles; of earlier labels while that is worked out anew, None while patterns are still looked at.
    """

    looked = Signal()
    changed = Signal()
    settled = Signal()

    def __init__(self, session: SessionState) -> None:
        self._session = session
        self._patterns: PatternConfig | None = None  # that the patterns were looked at with
        self._look: Look | None = None
        self._looking: Looking | None = None
        self._mapping: Mapping | None = None
        self._order: dict[Position, str] = {}
        self.domain_map: DomainMap | None = None
        self.settling: Settling | None = None
        self._settled: Mapping | None = None  # whose settling it is
        session.choices_changed.connect(self._follow_choices)

    # ---- looking at the patterns ----

    @property
    def share(self) -> float:
        """Which part of the scan was looked at, 0 to 1."""
        return 0.0 if self._look is None else self._look.features.rows / self._session.scan.shape[0]

    @property
    def complete(self) -> bool:
        """Whether all patterns were looked at."""
        return self._look is not None and self._look.features.complete

    def start_looking(self, device: str = "auto", patience: float = PATIENCE_S) -> Looking:
        """Begin to look at all patterns; it stops what was begun before. Hand each step to `take_look`."""
        self.stop()
        self._patterns = self._session.pattern_config
        self._looking = Looking(self._session.scan, self._patterns, device, patience)
        return self._looking

    def take_look(self, run: Looking, look: Look) -> bool:
        """Take over what is known of the patterns; false, and nothing changes, if that is of no use any more."""
        if run is not self._looking:
            return False
        self._look = look
        self.looked.emit()
        return True

    def stop(self) -> None:
        """Stop looking at patterns and following the labels: the map goes, what is known of the patterns stays."""
        if self._looking is not None:
            self._looking.stop()
        self._looking, self._mapping = None, None
        self._show(None, None)

    def forget(self) -> None:
        """Stop, and drop the map and all that it is made of."""
        self.stop()
        self._look, self._patterns = None, None
        self.looked.emit()

    # ---- the map ----

    @property
    def settled_now(self) -> bool:
        """Whether `settling` is of the labels as they are, and not of earlier ones."""
        labels = self._session.labels
        return self._settled is not None and self._settled.is_of(labels, labels.classes)

    def start_mapping(self) -> Mapping | None:
        """Begin a map by the labels as they are now; None if the one begun last is just that, or nothing is known."""
        if self._look is None:
            return None
        run = Mapping(self._look, self._ordered(), self._session.labels.classes)
        if run.is_like(self._mapping):
            return None
        self._mapping = run
        return run

    def take_map(self, run: Mapping, mapped: Mapped) -> bool:
        """Take over a map; false, and nothing changes, if a newer one was begun."""
        if run is not self._mapping:
            return False
        found = mapped.domain_map
        if mapped.settling is not None:
            self._settled = run
        self._show(found, mapped.settling or (None if found is None else self.settling))
        return True

    def find(self, device: str = "auto") -> DomainMap | None:
        """Give the live map of the labels as they are, in this thread; the first time all patterns are looked at.

        Returns
        -------
        DomainMap or None
            None if fewer than two classes have labels.

        Raises
        ------
        GhostHunterError
            What `mapping.live.measure` raises.
        """
        if not self.complete:
            looking = self.start_looking(device, float("inf"))
            for look in looking:
                self.take_look(looking, look)
        mapping = self.start_mapping()
        if mapping is not None:
            for mapped in mapping:
                self.take_map(mapping, mapped)
        return self.domain_map

    def propose(self, count: int, min_distance: float = APART) -> Round:
        """Add points where the live map is least sure, and some that look like no labelled one.

        What the map only doubts because it looks like no labelled pattern, as a wide vacuum, is not all proposed.

        Parameters
        ----------
        count, min_distance
            As for `labelling.uncertain.most_uncertain`.

        Raises
        ------
        LabelError
            If there is no live map (see `find`), or `count` or `min_distance` is below 0.
        """
        from napari_ghosthunter.mapping.live import live_map

        look, classes = self._look, self._session.labels.classes
        sure = None if look is None else live_map(look.features, self._ordered(), classes, doubting=False)
        if self.domain_map is None or look is None or sure is None:
            raise LabelError(NO_MAP)
        return self._session.propose_uncertain(sure.probabilities, count, min_distance, look.contrast)

    # ---- inside ----

    def _show(self, domain_map: DomainMap | None, settling: Settling | None) -> None:
        other, settled = domain_map is not self.domain_map, settling is not self.settling
        self.domain_map, self.settling = domain_map, settling
        if other:
            self.changed.emit()
        if settled:
            self.settled.emit()

    def _ordered(self) -> dict[Position, str]:
        """Give the labels in the order in which they came; those that were there before, in that of their points."""
        labels = self._session.labels
        before = [spot for spot in self._order if spot in labels]
        new = [spot for spot in dict.fromkeys([*labels.points, *labels]) if spot in labels and spot not in self._order]
        self._order = {spot: labels[spot] for spot in (*before, *new)}
        return self._order

    def _follow_choices(self) -> None:
        """Drop what was seen with other eyes."""
        if self._patterns is not None and self._patterns != self._session.pattern_config:
            self.forget()
