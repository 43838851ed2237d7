"""The choice of where to compute, with what this computer has. To look for it loads torch, so that is done beside."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from qtpy.QtWidgets import QComboBox

from napari_ghosthunter.plugin.background import Background
from napari_ghosthunter.plugin.preferences import defaults

LOOKING = "Auto (looking for a GPU…)"
NAMES = {"cpu": "CPU", "cuda": "NVIDIA GPU", "mps": "Apple GPU"}


class DeviceBox(QComboBox):
    """Auto, or one device; those that are not here are shown, but cannot be chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.addItem(LOOKING, "auto")
        for name, title in NAMES.items():
            self.addItem(title, name)
        self.setCurrentIndex(max(0, self.findData(defaults().device)))
        self.setToolTip("Where to train: a GPU is many times faster than the processor (CPU)")
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(12)
        background = self._background = Background()
        self._known = False
        # the box may be gone before torch is loaded; the lambda keeps the thread's keeper until then
        self.destroyed.connect(lambda: background.close())  # noqa: PLW0108

    @property
    def device(self) -> str:
        """'auto', 'cpu', 'cuda' or 'mps'."""
        return str(self.currentData())

    def look(self) -> None:
        """Find out what is here, once."""
        if not self._known:
            self._known = True
            self._background.start(_titles, self._show, lambda _: None)

    def _show(self, found: dict[str, str]) -> None:
        """Name what was found, the fastest first."""
        self._background.close()
        best = next(iter(found.values()))
        self.setItemText(0, f"Auto: {best}" if len(found) > 1 else f"Auto: {best} (no GPU found)")
        for index, (name, title) in enumerate(NAMES.items(), start=1):
            here = found.get(name)
            said = title if here in (title, None) else f"{title}: {here}"
            self.setItemText(index, said if here else f"{title}: none found")
            model: Any = self.model()
            model.item(index).setEnabled(here is not None)


def _titles() -> Iterator[dict[str, str]]:
    """Look; in the thread."""
    from napari_ghosthunter.learning.device import device_titles

    yield {str(name): title for name, title in device_titles().items()}
