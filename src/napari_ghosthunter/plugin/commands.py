"""The main steps as commands of napari's palette (Ctrl+Shift+P): each opens the dock on its page, and does the step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_ghosthunter.plugin.docks import MAPPER, open_dock, open_docks
from napari_ghosthunter.plugin.window import tell

if TYPE_CHECKING:
    from napari_ghosthunter.plugin.mapper.dock import DomainMapper


def open_both() -> None:
    """Open the two docks."""
    open_docks(_viewer())


def open_scan() -> None:
    """Ask for a file, and open it as a scan."""
    from napari_ghosthunter.plugin.opening import ask_for_scans

    ask_for_scans(_viewer())


def propose_points() -> None:
    """Propose points to label."""
    mapper = _mapper()
    _press(mapper, mapper.label_page, mapper.label_page.propose_button)


def train() -> None:
    """Train, or stop a training that runs."""
    mapper = _mapper()
    _press(mapper, mapper.train_page, mapper.train_page.train_button)


def map_scan() -> None:
    """Map the scan, or stop a map that is being made."""
    mapper = _mapper()
    _press(mapper, mapper.map_page, mapper.map_page.map_button)


def export() -> None:
    """Show the page that writes files."""
    mapper = _mapper()
    mapper.show_page(mapper.export_page)


def _viewer() -> Any:
    from napari import current_viewer

    return current_viewer()


def _mapper() -> DomainMapper:
    mapper: DomainMapper = open_dock(_viewer(), MAPPER)
    return mapper


def _press(mapper: DomainMapper, page: Any, button: Any) -> None:
    """Turn to a page and press a button of it; if it cannot be pressed, say what the page says is missing."""
    mapper.show_page(page)
    if button.isEnabled():
        button.click()
    else:
        tell(page.needs(page.session) or "This cannot be done right now.")
