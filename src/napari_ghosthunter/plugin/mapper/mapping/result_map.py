"""The session's map as it is shown and exported: in the colours that its classes have now, and above a threshold."""

from __future__ import annotations

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
        """The map, its classes in the colours that the user has given them since."""
        source = self._session.domain_map
        if source is None or source is not self._source or self.recoloured:
            self._source = source
            self._shown = None if source is None else source.recoloured(self._session.labels.classes)
        return self._shown

    @property
    def recoloured(self) -> bool:
        """Whether a class has another colour than in the map that was given last."""
        classes = self._session.labels.classes
        return self._shown is not None and self._shown.recoloured(classes) is not self._shown

    def above(self, confidence: float) -> DomainMap | None:
        """Give the map without the positions below a threshold."""
        domain_map = self.domain_map
        if domain_map is None or confidence <= 0:
            return domain_map
        if self._above is None or self._above[0] is not domain_map or self._above[1] != confidence:
            self._above = domain_map, confidence, domain_map.above(confidence)
        return self._above[2]
