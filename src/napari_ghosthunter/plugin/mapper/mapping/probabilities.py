"""The words for what a map says of one position."""

from __future__ import annotations

import numpy as np

from napari_ghosthunter.labelling.positions import Position
from napari_ghosthunter.mapping.domains import DomainMap

NO_DATA = "no data"
MOST = 4  # classes that are named, the most probable first


def probabilities_text(domain_map: DomainMap, position: Position) -> str:
    """Give the probabilities at a (scan_y, scan_x), the highest first: 'vertical 0.97, none 0.02, horizontal 0.01'."""
    probabilities = domain_map.probabilities[position]
    if not np.isfinite(probabilities).all():
        return NO_DATA
    order = np.argsort(-probabilities, kind="stable")[:MOST]
    return ", ".join(f"{domain_map.classes.names[index]} {probabilities[index]:.2f}" for index in order)


def status_text(domain_map: DomainMap, position: Position) -> str:
    """Give it for napari's status bar, the id first: '2; class: vertical, confidence: 0.97; none 0.02, …'."""
    number = int(domain_map.classes_image[position])
    if not number:
        return NO_DATA
    confidence = f"{number}; class: {domain_map.classes.names[number - 1]}, confidence: "
    best, _, others = probabilities_text(domain_map, position).partition(", ")
    return confidence + best.rsplit(" ", 1)[1] + (f"; {others}" if others else "")
