"""The dock widget `Domain mapper`: puts its pages together, and says what follows from what.

It works while it is open, also behind another tab; closed, with its X or with the window, it stops what runs, keeps the
session on disk and leaves nothing in the viewer that still calls it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QSizePolicy, QTabWidget, QVBoxLayout, QWidget

from napari_ghosthunter.plugin.calm import calm
from napari_ghosthunter.plugin.docks import WIDTH, arrange_soon, let_shrink
from napari_ghosthunter.plugin.layers import bare
from napari_ghosthunter.plugin.mapper.applying.apply_dialog import ApplyDialog
from napari_ghosthunter.plugin.mapper.banner import Banner
from napari_ghosthunter.plugin.mapper.closing import Closing
from napari_ghosthunter.plugin.mapper.desk import Desk
from napari_ghosthunter.plugin.mapper.exporting.export_page import ExportPage
from napari_ghosthunter.plugin.mapper.labelling.label_page import LabelPage
from napari_ghosthunter.plugin.mapper.labelling.sample_points import SamplePoints
from napari_ghosthunter.plugin.mapper.mapping.map_layers import MapLayers
from napari_ghosthunter.plugin.mapper.mapping.map_page import MapPage
from napari_ghosthunter.plugin.mapper.mapping.mapping import Mapping
from napari_ghosthunter.plugin.mapper.panel import Panel
from napari_ghosthunter.plugin.mapper.patterns_link import PatternsLink
from napari_ghosthunter.plugin.mapper.scan_bar import ScanBar
from napari_ghosthunter.plugin.mapper.scan_page import ScanPage
from napari_ghosthunter.plugin.mapper.training.preview import Preview
from napari_ghosthunter.plugin.mapper.training.train_page import TrainPage
from napari_ghosthunter.plugin.mapper.training.training import Training
from napari_ghosthunter.plugin.own_context import delete_in_own_context

if TYPE_CHECKING:
    import napari


class DomainMapper(QWidget):
    """Scan, Label, Train, Map, Export: the way from a scan to its domains.

    Parameters
    ----------
    napari_viewer
        The viewer whose scans are worked on.
    """

    def __init__(self, napari_viewer: napari.Viewer) -> None:
        super().__init__()
        viewer = bare(napari_viewer)
        delete_in_own_context(viewer.window._qt_viewer)
        self.desk = Desk(viewer)
        self.points = SamplePoints(self.desk)
        self.training = Training(self.desk)
        self.preview = Preview(self.desk, self.training)
        self.mapping = Mapping(self.desk)
        self.map_layers = MapLayers(self.desk)
        self.patterns_link = PatternsLink(self.desk)
        self.points.keys.is_seen = self.patterns_link.shows_current
        self.banner, self.scan_bar = Banner(self.desk), ScanBar(self.desk)
        self.scan_page = ScanPage(self.desk)
        self.label_page = LabelPage(self.desk, self.points)
        self.train_page = TrainPage(self.desk, self.training, self.preview)
        self.map_page = MapPage(self.desk, self.mapping, self.map_layers)
        self.map_page.device = lambda: self.train_page.device
        self.label_page.live.work.device = lambda: self.train_page.device
        self.export_page = ExportPage(self.desk, self.map_layers)
        self.apply_dialog: ApplyDialog | None = None
        self._placed = False
        self.tabs = QTabWidget()
        self._lay_out()
        calm(self)
        self.points.clicks.adds = self.points.listening.labelling = lambda: self.page is self.label_page
        self._connect()

    @property
    def page(self) -> Panel:
        """The page that is turned to."""
        return (self.scan_page, *self._further_pages())[self.tabs.currentIndex()]

    def show_page(self, page: Panel) -> None:
        """Turn to a page."""
        self.tabs.setCurrentIndex([self.scan_page, *self._further_pages()].index(page))

    def _further_pages(self) -> tuple[Panel, ...]:
        return self.label_page, self.train_page, self.map_page, self.export_page

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setSpacing(4)
        column.addWidget(self.scan_bar)
        column.addWidget(self.banner)
        column.addWidget(self.tabs, 1)
        for page in (self.scan_page, *self._further_pages()):
            area = QScrollArea()
            area.setWidget(page)
            area.setWidgetResizable(True)
            area.setFrameShape(QFrame.Shape.NoFrame)
            area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            self.tabs.addTab(area, page.title)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self.setMinimumWidth(WIDTH)

    def _connect(self) -> None:
        self.tabs.currentChanged.connect(self.points.listening.follow)
        closing = Closing(self)
        closing.opened.connect(self.desk.wake)
        closing.opened.connect(self._take_room)
        closing.closed.connect(self._close)
        self.map_page.apply_button.clicked.connect(self._apply)
        self.map_page.open_button.clicked.connect(self.train_page.files.ask_open)
        self.training.changed.connect(self._keep_scan)
        self.mapping.changed.connect(self._keep_scan)
        self.preview.ready.connect(self.map_layers.show_preview)
        self.training.ended.connect(self._map_what_was_trained)
        self.train_page.files.went_back.connect(lambda: self.mapping.start(self.train_page.device))
        self.scan_page.patterns_button.clicked.connect(self.patterns_link.tell_all)

    def _take_room(self) -> None:
        """Be as low as the pages allow; the first time, share the room with the Diffraction viewer."""
        let_shrink(self)
        if not self._placed:
            self._placed = True
            arrange_soon(self.desk.viewer)

    def _close(self) -> None:
        """Leave the scan, and everything that works on it."""
        if self.apply_dialog is not None:
            self.apply_dialog.close()
        self.desk.sleep()
        if self.parent() is None:  # napari lets it go, but what Qt holds of it would keep it alive
            self.deleteLater()

    def _apply(self) -> None:
        """Open the window that maps other scans, or bring it back."""
        if self.apply_dialog is None:
            self.apply_dialog = ApplyDialog(self.desk, self, self.mapping.place, self.mapping.neighbours)
            self.apply_dialog.device = lambda: self.train_page.device
        self.apply_dialog.show()
        self.apply_dialog.raise_()

    def _keep_scan(self, *_: Any) -> None:
        self.map_page.open_button.setEnabled(not self.training.running)
        for part in (self.scan_page, self.scan_bar):
            part.set_busy(self.training.running or self.mapping.running)

    def _map_what_was_trained(self, *_: Any) -> None:
        """Map the scan with a new model: that is what it was trained for."""
        self.map_layers.end_preview()
        session = self.desk.session
        if session is not None and self.training.report is not None and not session.segmentation.is_current:
            self.mapping.start(self.train_page.device)
