"""A LiberTEM UDF: the same map of anything that LiberTEM opens, on its executors, and of what a detector streams.

LiberTEM hands out single patterns and knows nothing of their neighbours, so that models which pool over those are
refused. Each pattern is reduced as it comes; what waits for the network has the size of its input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_ghosthunter.errors import MissingExtraError, ModelError
from napari_ghosthunter.learning.answering import Answer
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.patterns import FittedPatterns
from napari_ghosthunter.learning.reducing import Window
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.segmentation import softmax_of
from napari_ghosthunter.mapping.streaming import AT_ONCE, answers
from napari_ghosthunter.scan.beam import BeamCentre
from napari_ghosthunter.scan.native import native
from napari_ghosthunter.scan.scan import Scan

try:
    from libertem.udf import UDF
except ImportError as error:
    raise MissingExtraError.of("GhostHunterUDF", "libertem", error) from error


class GhostHunterUDF(UDF):  # type: ignore[misc]  # LiberTEM has no types
    """Map the domains of a LiberTEM dataset, or of a live acquisition.

    The results, of the shape of the scan:

    - `probabilities`: float32, one for each class, NaN = no data: outside a region of interest, or not come yet,
    - `classes`: uint8, id of the most probable class, 1 to n, 0 = no data,
    - `confidence`: float32, its probability, NaN or 0 = no data,
    - `nonfinite`: int64, pixels that were NaN or infinite and counted as zero.

    Parameters
    ----------
    model
        A trained model that does not pool over neighbours.
    beam
        Where the direct beam is, for a model that crops the patterns around it: `measure_scan_beam(scan)` of a scan,
        or of an earlier one with the same alignment.
    bottom_up
        Whether the patterns come with their lowest row first: LiberTEM hands out those of Merlin detectors so, from
        .mib files and live, while `open_scan`, and so the model, has them upright.

    Raises
    ------
    ModelError
        If the model pools over neighbours, or needs the beam and is not told it; and when it runs, if the patterns
        have another shape than those that the model was trained on, or are complex.

    Examples
    --------
    >>> udf = GhostHunterUDF(load_model("model.safetensors"))
    >>> results = ctx.run_udf(dataset=ctx.load("auto", path="scan.blo"), udf=udf)
    >>> domains = DomainMap(results["probabilities"].data, model.classes)
    """

    def __init__(self, model: Model, beam: BeamCentre | None = None, bottom_up: bool = False) -> None:
        config = model.patterns.config
        if config.reach:
            raise ModelError(
                f"This model pools each pattern with its neighbours ({config.pool}, {config.pool_size} x "
                f"{config.pool_size}), which LiberTEM hands out one by one; train one with the pooling 'none', or "
                "map the file with 'ghosthunter map'."
            )
        if config.crop < 1 and config.centre == "beam" and beam is None:
            raise ModelError(
                "This model crops the patterns around the direct beam; say where that is: GhostHunterUDF(model, "
                "beam=measure_scan_beam(scan)), or beam=BeamCentre(k_y, k_x, radius)."
            )
        super().__init__(model=model, beam=beam, bottom_up=bottom_up)

    def get_preferred_input_dtype(self) -> Any:
        """Take patterns as they were recorded; the model casts them itself."""
        return self.USE_NATIVE_DTYPE

    def get_result_buffers(self) -> dict[str, Any]:
        """Declare the results; classes and confidence follow from the probabilities."""
        count = len(self.params.model.classes)
        return {
            "probabilities": self.buffer(kind="nav", extra_shape=(count,), dtype=np.float32),
            "nonfinite": self.buffer(kind="nav", dtype=np.int64),
            "classes": self.buffer(kind="nav", dtype=np.uint8, use="result_only"),
            "confidence": self.buffer(kind="nav", dtype=np.float32, use="result_only"),
        }

    def get_task_data(self) -> dict[str, Any]:
        """Load the network, which takes milliseconds, and set places for patterns that wait for it."""
        model = self.params.model
        return {
            "answer": softmax_of(model.load_network()),
            "window": _window(model.patterns, self.params.beam),
            "bad_pixels": model.patterns.masked(_blank(model.patterns)).bad_pixels,
            "waiting": list[Tensor](),
            "finished": list[NDArray[np.float32]](),
        }

    def preprocess(self) -> None:
        """Refuse patterns that do not fit, before any is read, and mark all positions as not computed."""
        patterns, shape = self.params.model.patterns, tuple(self.meta.dataset_shape.sig)
        if shape != patterns.detector_shape:
            raise ModelError(
                f"The model was trained on patterns of {_times(patterns.detector_shape)} pixels, but those of this "
                f"dataset have {_times(shape)}; train on a scan from the same detector settings."
            )
        if np.dtype(self.meta.input_dtype).kind not in "uifb":
            raise ModelError(f"Patterns must be integer or floating point numbers, not {self.meta.input_dtype}.")
        self.results.probabilities[:] = np.nan

    def process_frame(self, frame: NDArray[Any]) -> None:
        """Reduce a pattern (k_y, k_x), and let the network see those that wait when there are enough."""
        patterns, data = self.params.model.patterns, self.task_data
        upright = native(frame[::-1] if self.params.bottom_up else frame)
        if data.bad_pixels is not None:
            upright = data.bad_pixels.filled(upright)
        reduced, self.results.nonfinite[:] = patterns.reduce(upright[np.newaxis], data.window)
        data.waiting.append(reduced)
        if len(data.waiting) == AT_ONCE:
            self._finish()

    def postprocess(self) -> None:
        """Let the network see the last patterns of a partition, and put its answers into their places."""
        self._finish()
        done = np.concatenate([np.empty((0, len(self.params.model.classes)), np.float32), *self.task_data.finished])
        self.results.probabilities[: len(done)] = done

    def get_results(self) -> dict[str, NDArray[Any]]:
        """Derive classes and confidence as every map does."""
        probabilities, classes = self.results.probabilities, self.params.model.classes
        rows = probabilities.reshape(1, -1, len(classes))
        if not rows.size:  # an empty region of interest
            return {"classes": np.zeros(0, np.uint8), "confidence": np.zeros(0, np.float32)}
        domains, shape = DomainMap(rows, classes), probabilities.shape[:-1]
        return {"classes": domains.classes_image.reshape(shape), "confidence": domains.confidence.reshape(shape)}

    def _finish(self) -> None:
        data = self.task_data
        if data.waiting:
            data.finished.append(_probabilities(self.params.model.patterns, data.answer, torch.cat(data.waiting)))
            data.waiting.clear()


def _window(patterns: FittedPatterns, beam: BeamCentre | None) -> Window:
    """Give the part of the detector that the model sees; of the scan only the shape counts, as the beam is known."""
    return patterns.window(_blank(patterns), beam)


def _blank(patterns: FittedPatterns) -> Scan:
    return Scan(np.broadcast_to(np.uint8(0), (1, 1, *patterns.detector_shape)))


def _probabilities(patterns: FittedPatterns, answer: Answer, reduced: Tensor) -> NDArray[np.float32]:
    """Give the probabilities (B, n) of reduced patterns (B, S, S)."""
    with torch.inference_mode():
        return answers(answer, patterns.scale(reduced)).numpy()


def _times(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
