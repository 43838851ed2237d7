"""The two docks of the plugin: opened with a scan, and found again by whoever needs one."""

from __future__ import annotations

from typing import Any

from napari_ghosthunter.plugin.window import hidden_window, is_seen, main_window, when_seen

MAPPER, DIFFRACTION = "Domain mapper (GhostHunter)", "Diffraction viewer (GhostHunter)"  # as napari's menu names them
WIDTH = 420  # in pixels: room for every page without a horizontal scroll bar
HEIGHTS = (480, 460)  # of the patterns and the mapper; Qt shares out what there is in this ratio


def find_dock(viewer: Any, name: str) -> Any:
    """Give the widget of a dock that is open; None if it is not, or the viewer has no window."""
    window = getattr(viewer, "window", None)  # a model alone has none
    if window is None:
        return None
    title = name.partition(" (")[0]  # a script that names the plugin in its own way gets another bracket
    return next((widget for full, widget in window.dock_widgets.items() if full.partition(" (")[0] == title), None)


def open_dock(viewer: Any, name: str) -> Any:
    """Bring a dock to the front, opened if it is not, and give its widget."""
    widget = find_dock(viewer, name)
    if widget is None:
        widget = _make(viewer, name)
        viewer.window.add_dock_widget(widget, name=name, area="right")
    dock = widget.parent()
    dock.show()
    dock.raise_()
    return widget


def open_docks(viewer: Any) -> None:
    """Open both docks, the patterns above the mapper, and give them room; those that are open stay as they are."""
    if find_dock(viewer, DIFFRACTION) is not None and find_dock(viewer, MAPPER) is not None:
        return
    from qtpy.QtCore import QTimer

    docks = [open_dock(viewer, name).parent() for name in (DIFFRACTION, MAPPER)]
    window = docks[0].parent()
    arrange(viewer)
    QTimer.singleShot(0, lambda: viewer.reset_view() if is_seen(window) else None)  # the canvas has become narrower


def arrange(viewer: Any) -> None:
    """Give the docks on the right their room, the patterns above the mapper, however each was opened.

    A wider dock stays as wide, and docks that lie in tabs stay there.
    """
    from qtpy.QtCore import Qt

    found = [widget.parent() for name in (DIFFRACTION, MAPPER) if (widget := find_dock(viewer, name)) is not None]
    docks = [
        dock
        for dock in found
        if dock is not None
        and dock.isVisible()
        and not dock.isFloating()
        and dock.parent().dockWidgetArea(dock) == Qt.DockWidgetArea.RightDockWidgetArea
    ]
    if not docks:
        return
    window = docks[0].parent()
    window.resizeDocks(docks, [max(WIDTH, dock.width()) for dock in docks], Qt.Orientation.Horizontal)
    if len(docks) == len(HEIGHTS) and docks[1] not in window.tabifiedDockWidgets(docks[0]):
        if docks[0].y() > docks[1].y():
            window.splitDockWidget(docks[0], docks[1], Qt.Orientation.Vertical)
        window.resizeDocks(docks, list(HEIGHTS), Qt.Orientation.Vertical)


def arrange_soon(viewer: Any) -> None:
    """Arrange the docks once the one that is just shown for the first time has its place."""
    from qtpy.QtCore import QTimer

    window = viewer.window._qt_window  # nothing public leads there
    QTimer.singleShot(0, lambda: arrange(viewer) if is_seen(window) else None)


def let_shrink(widget: Any) -> None:
    """Let the dock of a widget become as low as the widget allows, also after it was higher.

    napari gives a dock a least size, and what has one Qt only ever lets grow with what is shown in it.
    """
    dock = widget.parent()
    if dock is not None and dock.layout() is not None:
        dock.setMinimumSize(0, 0)
        dock.layout().activate()  # which asks for what the widget needs


def heights(viewer: Any) -> list[int]:
    """Give the heights of both docks; none unless both are docked."""
    docks = [widget.parent() for name in (DIFFRACTION, MAPPER) if (widget := find_dock(viewer, name)) is not None]
    return [dock.height() for dock in docks] if len(docks) == len(HEIGHTS) and not _floating(docks) else []


def set_heights(viewer: Any, wanted: list[int]) -> None:
    """Share the height out again between the docks, as far as what is in them leaves the choice."""
    if not wanted or not heights(viewer):
        return
    from qtpy.QtCore import QCoreApplication, QEvent, Qt

    QCoreApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)  # the window is to know what was hidden
    docks = [find_dock(viewer, name).parent() for name in (DIFFRACTION, MAPPER)]
    docks[0].parent().resizeDocks(docks, wanted, Qt.Orientation.Vertical)


def _floating(docks: list[Any]) -> bool:
    return any(dock.isFloating() for dock in docks)


def open_docks_soon() -> None:
    """Open both docks once the layer that is being read is in the window, and the window is seen; nothing without one.

    The command `napari FILE`, and a script, may open a file before the window is shown.
    """
    window = main_window() or hidden_window()
    if window is not None:
        when_seen(window, _open_over)


def _open_over() -> None:
    from napari import current_viewer

    viewer = current_viewer()
    if viewer is not None:
        open_docks(viewer)


def _make(viewer: Any, name: str) -> Any:
    if name == MAPPER:
        from napari_ghosthunter.plugin.mapper.dock import DomainMapper

        return DomainMapper(viewer)
    from napari_ghosthunter.plugin.diffraction.dock import DiffractionViewer

    return DiffractionViewer(viewer)
