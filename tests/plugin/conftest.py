"""What holds for tests of the plugin: a window of their own, and nothing of the user's is read or written."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import napari.settings
import numpy as np
import pytest

from napari_ghosthunter.plugin import choices
from napari_ghosthunter.plugin.own_context import delete_in_own_context
from napari_ghosthunter.scan.scan import Scan
from napari_ghosthunter.session import sitting

NEEDS_WINDOW = {"qapp", "qtbot", "make_napari_viewer", "make_napari_viewer_proxy", "window"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without a display Qt would abort the whole run; `make test` gives it one."""
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        return
    for item in items:
        if NEEDS_WINDOW & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.skip(reason="no display: run `make test`, or `xvfb-run -a python -m pytest`"))


@pytest.fixture(autouse=True)
def memory(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of the choices made before; empty, and not that of the user."""
    folder = tmp_path_factory.mktemp("settings")
    monkeypatch.setattr(choices, "default_folder", lambda: folder)
    return folder


@pytest.fixture(autouse=True)
def sittings(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder where sittings are kept; empty, and not that of the user."""
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setattr(sitting, "default_data_folder", lambda: folder)
    return folder


@pytest.fixture(autouse=True)
def preferences(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the plugin's settings in napari; not there yet, and not that of the user."""
    folder = tmp_path_factory.mktemp("preferences")
    monkeypatch.setattr(napari.settings, "_CFG_PATH", str(folder / "settings.yaml"))
    monkeypatch.setattr(napari.settings, "_PLUGIN_SETTINGS", {})
    return folder / "napari-ghosthunter.yaml"


@pytest.fixture(scope="session", autouse=True)
def quick_sweeping() -> Iterator[None]:
    """Leave what is imported for good out of the garbage collection that napari's fixture does after every window."""
    import torch  # noqa: F401

    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def patterns() -> np.ndarray:
    """Patterns of 6 x 10 positions, 16 x 16 pixels: a bright disk, brighter from row to row and from left to right."""
    k_y, k_x = np.ogrid[:16, :16]
    disk = np.hypot(k_y - 7, k_x - 8) < 3
    brightness = 100 + 10 * np.arange(6)[:, None] + np.arange(10)
    return (disk * brightness[:, :, None, None]).astype(np.uint16)


@pytest.fixture
def scan_file(tmp_path: Path, patterns: np.ndarray) -> Path:
    """A file that opens without a question."""
    path = tmp_path / "scan.npy"
    np.save(path, patterns)
    return path


@pytest.fixture
def row_file(tmp_path: Path, patterns: np.ndarray) -> Path:
    """A file that does not say how its 60 patterns were scanned."""
    path = tmp_path / "row.npy"
    np.save(path, patterns.reshape(60, 16, 16))
    return path


@pytest.fixture
def two_file(tmp_path: Path, patterns: np.ndarray) -> Path:
    """A file with two arrays that could be the scan."""
    path = tmp_path / "two.npz"
    np.savez(path, before=patterns, after=patterns[:4])
    return path


@pytest.fixture
def scan(patterns: np.ndarray) -> Scan:
    """The scan of the files."""
    return Scan(patterns)


@pytest.fixture
def window(make_napari_viewer):
    """A viewer in a window that is seen, as either dock leaves it."""
    viewer = make_napari_viewer(show=True)
    delete_in_own_context(viewer.window._qt_viewer)
    return viewer


@pytest.fixture
def mouse(qtbot) -> Callable[..., None]:
    """Give a function that sends a canvas 'MouseMove', 'MouseButtonPress', 'Drag' or 'MouseButtonRelease' at (x, y)."""

    def send(native: Any, kind: str, x: float, y: float) -> None:
        from qtpy.QtCore import QEvent, QPointF, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        point, none, left = QPointF(x, y), Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
        qtbot.wait(20)  # vispy drops moves that come faster
        event = QMouseEvent(
            getattr(QEvent.Type, kind.replace("Drag", "MouseMove")), point, native.mapToGlobal(point),
            none if kind in ("MouseMove", "Drag") else left,
            left if kind in ("MouseButtonPress", "Drag") else none,
            Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(native, event)

    return send


@pytest.fixture
def on_screen() -> Callable[..., tuple[float, float]]:
    """Give a function that says where a point (first, second displayed axis) is drawn, as (x, y) in pixels."""

    def find(viewer: Any, native: Any, world: Any) -> tuple[float, float]:
        camera = viewer.scene.camera
        y, x = (np.asarray(world) - camera.center[-2:]) * camera.zoom
        return native.width() / 2 + x, native.height() / 2 + y

    return find


@pytest.fixture
def deleted_in(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The OpenGL context that was current when each shader program was deleted."""
    from qtpy.QtGui import QOpenGLContext
    from vispy.gloo import gl

    contexts: list[Any] = []
    delete = gl.glDeleteProgram

    def note(handle: int) -> None:
        contexts.append(QOpenGLContext.currentContext())
        delete(handle)

    monkeypatch.setattr(gl, "glDeleteProgram", note)
    return contexts
