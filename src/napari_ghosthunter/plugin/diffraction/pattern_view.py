"""The picture of the detector plane as a napari model of its own: image, outline of the detector, beam, dragging.

World coordinates are k, in the units of the scan, with the first pixel at zero. The image is replaced in place: that
is what keeps it under a hovering hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.components import ViewerModel
from napari.layers import Image, Labels, Vectors
from napari.utils.colormaps import DirectLabelColormap
from numpy.typing import NDArray
from psygnal import Signal

from napari_ghosthunter.plugin.diffraction.detector import Point, VirtualDetector
from napari_ghosthunter.plugin.units import napari_units
from napari_ghosthunter.scan.calibration import PIXELS

OUTLINE = "#56b4e9"  # sky blue: stands out from every colour map offered, for colour-blind eyes too
BAD = "#d55e00"  # of bad pixels: vermilion
BEAM = "#f0e442"  # of the cross at the direct beam: yellow
AXES = ("k_y", "k_x")
GRAB_PIXELS = 8.0  # on the screen
ARM_SHARE = 1 / 32  # length of an arm of the cross
LINE_SHARE = 1 / 160  # width of the outline, as a share of the detector's longer side


class PatternView:
    """A `ViewerModel` with one image and the outline of a virtual detector."""

    pointed = Signal(object)  # (k_y, k_x) in detector pixels under the cursor, or None
    dragged = Signal(object)  # the VirtualDetector that a drag has made

    beam_dropped = Signal(tuple)  # (k_y, k_x) where a drag has left the direct beam

    def __init__(self) -> None:
        self.viewer = self._new_viewer()
        self.detector: VirtualDetector | None = None
        self.image: Image | None = None
        self.outline: Vectors | None = None
        self.mask: Labels | None = None  # while bad pixels are painted
        self.cross: Vectors | None = None
        self.beam: Point | None = None
        self.beam_moves = False  # whether a drag of the cross moves it
        self._k_step = (1.0, 1.0)
        self.k_units = PIXELS
        self._units = napari_units(PIXELS)
        self._detector_shape = (1, 1)
        self._buffer: NDArray[np.float32] = np.zeros((1, 1), np.float32)

    def open(self, detector_shape: tuple[int, int], k_step: tuple[float, float], k_units: str, colormap: str) -> None:
        """Get ready for patterns of another scan."""
        self.clear()
        self._k_step, self.k_units, self._units = k_step, k_units, napari_units(k_units)
        self._detector_shape = detector_shape
        self._buffer = np.zeros(detector_shape, np.float32)
        self.image = self._add_image(colormap)
        self.viewer.reset_view()

    def renew(self) -> None:
        """Go on with a new model that shows the same: the drawings of the old one, once let go, must hear no more."""
        image, old, detector, mask = self.image, self.viewer, self.detector, self.mask
        self.viewer, self.image, self.outline, self.mask, self.cross = self._new_viewer(), None, None, None, None
        self.viewer.theme = old.theme
        if image is None:
            return
        self.image = self._add_image(image.colormap.name)
        self.set_limits(self._limits_of(image.contrast_limits), self._limits_of(image.contrast_limits_range))
        self.image.scale, self.image.translate = image.scale, image.translate
        self.set_detector(detector)
        self.show_beam(self.beam)
        if mask is not None:
            self.show_mask(np.asarray(mask.data) != 0)
            self.set_brush(str(mask.mode) == "paint", int(mask.brush_size))
        self.viewer.reset_view()
        camera, before = self.viewer.scene.camera, old.scene.camera
        camera.center, camera.zoom = before.center, before.zoom

    def _new_viewer(self) -> ViewerModel:
        viewer = ViewerModel(title="Diffraction pattern")
        viewer.mouse_move_callbacks.append(self._move)
        viewer.mouse_drag_callbacks.append(self._drag)
        return viewer

    def _add_image(self, colormap: str) -> Image:
        image = Image(
            self._buffer, name="pattern", scale=self._k_step, units=self._units, colormap=colormap,
            contrast_limits=(0, 1), axis_labels=AXES, blending="translucent_no_depth",
        )  # fmt: skip
        self._add(image)
        self.viewer.layers.selection.active = image
        return image

    def clear(self) -> None:
        """Show nothing."""
        for layer in (self.image, self.outline, self.mask, self.cross):
            if layer is not None:
                layer.locked = False
        self.viewer.layers.clear()
        self.image = self.outline = self.mask = self.cross = self.detector = self.beam = None

    def show(
        self, values: NDArray[np.float32], step: tuple[float, float] = (1, 1), origin: tuple[float, float] = (0, 0)
    ) -> None:
        """Show displayed values; `step` and `origin` are the size and place of their pixels in detector pixels."""
        if self.image is None:
            return
        if values.shape != self._buffer.shape:
            self._buffer = np.array(values, np.float32)
            self.image.data = self._buffer
        else:
            self._buffer[...] = values
        scale = tuple(np.multiply(step, self._k_step))
        translate = tuple(np.multiply(origin, self._k_step))
        if tuple(self.image.scale) != scale or tuple(self.image.translate) != translate:
            self.image.scale, self.image.translate = scale, translate
        self.image.refresh(thumbnail=False, extent=False, highlight=False)

    @property
    def limits(self) -> tuple[float, float]:
        """Darkest and brightest displayed value."""
        return self._limits_of((0, 1) if self.image is None else self.image.contrast_limits)

    @property
    def limits_range(self) -> tuple[float, float]:
        """What a hand may choose the limits from."""
        return self._limits_of((0, 1) if self.image is None else self.image.contrast_limits_range)

    @staticmethod
    def _limits_of(pair: Any) -> tuple[float, float]:
        low, high = pair
        return float(low), float(high)

    def set_limits(self, limits: tuple[float, float], bounds: tuple[float, float] | None = None) -> None:
        """Set the contrast, with room on either side of it for a hand to change it unless `bounds` are given."""
        if self.image is None:
            return
        room = (limits[1] - limits[0]) / 2
        self.image.contrast_limits_range = bounds or (limits[0] - room, limits[1] + room)
        self.image.contrast_limits = limits

    def set_colours(self, colormap: str) -> None:
        """Choose the colour map, by napari's name."""
        if self.image is not None and self.image.colormap.name != colormap:
            self.image.colormap = colormap

    def set_detector(self, detector: VirtualDetector | None) -> None:
        """Outline a virtual detector."""
        self.detector = detector
        strokes = None if detector is None else detector.outline()
        if self.image is None or detector is None or strokes is None or len(strokes) == 0:
            if self.outline is not None:
                self.outline.visible = False
        elif self.outline is None:
            self.outline = self._add_lines("detector", strokes, OUTLINE, max(detector.detector_shape))
        else:
            self.outline.data, self.outline.visible = strokes, True

    def show_beam(self, place: Point | None) -> None:
        """Show a cross at the direct beam, (k_y, k_x) in detector pixels; None for none."""
        self.beam = place
        if self.image is None or place is None:
            return
        side = max(self._detector_shape)
        arm = side * ARM_SHARE
        k_y, k_x = place
        strokes = np.array([[[k_y - arm, k_x], [2 * arm, 0]], [[k_y, k_x - arm], [0, 2 * arm]]], np.float64)
        if self.cross is None:
            self.cross = self._add_lines("direct beam", strokes, BEAM, side)
        else:
            self.cross.data = strokes

    def _add_lines(self, name: str, strokes: NDArray[np.float64], colour: str, side: int) -> Vectors:
        lines = Vectors(
            strokes, name=name, scale=self._k_step, units=self._units, axis_labels=AXES, opacity=1,
            edge_color=colour, edge_width=side * LINE_SHARE, vector_style="line",
            blending="translucent_no_depth",  # or the pattern may hide it
        )  # fmt: skip
        self._add(lines)
        self.viewer.layers.selection.active = self.mask or self.image
        return lines

    def show_mask(self, mask: NDArray[np.bool_] | None) -> None:
        """Show bad pixels, shape (k_y, k_x), to be painted; None to leave that."""
        if self.mask is not None:
            self.mask.locked = False
            self.viewer.layers.remove(self.mask)
            self.mask = None
        if mask is not None and self.image is not None:
            colours = DirectLabelColormap(color_dict={None: "transparent", 0: "transparent", 1: BAD})
            self.mask = Labels(
                mask.astype(np.uint8), name="bad pixels", scale=self._k_step, units=self._units, axis_labels=AXES,
                colormap=colours, opacity=0.6, blending="translucent_no_depth",
            )  # fmt: skip
            self._add(self.mask)
        if self.image is not None:
            self.viewer.layers.selection.active = self.mask or self.image

    def set_brush(self, paints: bool, size: int) -> None:
        """Choose whether a drag paints or erases bad pixels, and how wide."""
        if self.mask is not None:
            self.mask.selected_label = 1
            self.mask.brush_size = size
            self.mask.mode = "paint" if paints else "erase"

    @property
    def painted(self) -> NDArray[np.bool_] | None:
        """The bad pixels as they are painted, shape (k_y, k_x); None unless that is going on."""
        return None if self.mask is None else np.asarray(self.mask.data) != 0

    def _add(self, layer: Any) -> None:
        self.viewer.add_layer(layer)
        layer.locked = True

    def pixel(self, world: Any) -> Point:
        """Give the detector pixel under a point of the canvas, in fractions."""
        k_y, k_x = np.asarray(world[-2:], np.float64) / self._k_step
        return float(k_y), float(k_x)

    def _tolerance(self) -> float:
        """Give how far from a circle the cursor may be to grab it, in detector pixels."""
        return float(GRAB_PIXELS / self.viewer.scene.camera.zoom / min(self._k_step))

    def _move(self, _viewer: Any, event: Any) -> None:
        if self.image is None:
            return
        point = self.pixel(event.position)
        self.pointed.emit(point)
        if self.mask is not None:
            return  # the cursor is its brush
        if self._on_cross(point):
            self.viewer.cursor.style = "pointing"
            return
        handle = self.detector.grab(point, self._tolerance()) if self.detector else None
        self.viewer.cursor.style = "standard" if handle is None else ("pointing" if handle == "move" else "cross")

    def _on_cross(self, point: Point) -> bool:
        if self.beam is None or not self.beam_moves:
            return False
        reach = max(self._tolerance(), max(self._detector_shape) * ARM_SHARE)
        return float(np.hypot(point[0] - self.beam[0], point[1] - self.beam[1])) <= reach

    def _drag_beam(self, event: Any, start: Point) -> Iterator[None]:
        assert self.beam is not None  # it was grabbed
        camera, before = self.viewer.scene.camera, np.array(self.beam)
        camera.mouse_pan = False  # or the pattern would move with it
        moved = False
        try:
            yield
            while event.type == "mouse_move":
                moved = True
                wanted = before + np.subtract(self.pixel(event.position), start)
                k_y, k_x = np.clip(wanted, 0, np.subtract(self._detector_shape, 1)).tolist()
                self.show_beam((k_y, k_x))
                yield
        finally:
            camera.mouse_pan = True
        if moved:
            self.beam_dropped.emit(self.beam)

    def _drag(self, _viewer: Any, event: Any) -> Iterator[None]:
        if self.image is not None and self.mask is None and event.button == 1:
            point = self.pixel(event.position)
            if self._on_cross(point):
                yield from self._drag_beam(event, point)
                return
        if self.detector is None or self.image is None or self.mask is not None or event.button != 1:
            return
        start, before = self.pixel(event.position), self.detector
        handle = before.grab(start, self._tolerance())
        if handle is None:
            return
        camera = self.viewer.scene.camera
        camera.mouse_pan = False  # or the pattern would move with the detector
        try:
            yield
            while event.type == "mouse_move":
                detector = before.dragged(handle, start, self.pixel(event.position))
                self.set_detector(detector)
                self.dragged.emit(detector)
                yield
        finally:
            camera.mouse_pan = True
