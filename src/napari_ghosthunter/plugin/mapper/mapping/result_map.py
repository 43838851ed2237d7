"""The session's map as it is shown and exported: in the names and colours of its classes now, above a threshold."""

from __future__ import annotations

from dataclasses import replace

from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.session.session import Session


class ResultMap:
    """Keeps what was derived from the map for as long as that stays the same.

    Parameters
    ----------
    session
        Whose map it is.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._source: DomainMap | None = None
        self._shown: DomainMap | None = None
        self._above: tuple[DomainMap, float, DomainMap] | None = None

    @property
    def domain_map(self) -> DomainMap | None:
        """The map, its classes with the names and colours that the user has given them since."""
        source = self._session.domain_map
        if source is None or source is not self._source or self.outdated:
            self._source = source
            self._shown = None if source is None else self._as_now(source)
        return self._shown

    @property
    def outdated(self) -> bool:
        """Whether a class has another name or colour than in the map that was given last."""
        if self._shown is None or self._source is None:
            return False
        return self._as_now(self._source).classes != self._shown.classes

    def _as_now(self, source: DomainMap) -> DomainMap:
        classes = self._session.segmentation.renames.classes(source.classes)
        named = source if classes is source.classes else replace(source, classes=classes)
        return named.recoloured(self._session.labels.classes)

    def above(self, confidence: float) -> DomainMap | None:
        """Give the map without the positions below a threshold."""
        domain_map = self.domain_map
        if domain_map is None or confidence <= 0:
            return domain_map
        if self._above is None or self._above[0] is not domain_map or self._above[1] != confidence:
            self._above = domain_map, confidence, domain_map.above(confidence)
        return self._above[2]
