"""Map the domains of 4D-STEM scans: the public Python API, for scripts and notebooks.

>>> import napari_ghosthunter as gh
>>> scan = gh.open_scan("scan.dm4")  # doctest: +SKIP

Every name is imported when it is first used, so that importing the package costs next to nothing: torch, py4DSTEM
and the file readers are loaded only by what needs them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_ghosthunter.errors import GhostHunterError as GhostHunterError
    from napari_ghosthunter.labelling.classes import ClassScheme as ClassScheme
    from napari_ghosthunter.labelling.classes import DomainClass as DomainClass
    from napari_ghosthunter.labelling.labelfiles import read_labels as read_labels
    from napari_ghosthunter.labelling.labelfiles import write_labels as write_labels
    from napari_ghosthunter.labelling.labels import LabelSet as LabelSet
    from napari_ghosthunter.labelling.paperlabels import read_paper_labels as read_paper_labels
    from napari_ghosthunter.learning.config import PatternConfig as PatternConfig
    from napari_ghosthunter.learning.config import TrainingConfig as TrainingConfig
    from napari_ghosthunter.learning.model import Model as Model
    from napari_ghosthunter.learning.modelfile import load_model as load_model
    from napari_ghosthunter.learning.modelfile import save_model as save_model
    from napari_ghosthunter.learning.report import EpochReport as EpochReport
    from napari_ghosthunter.learning.training import train as train
    from napari_ghosthunter.mapping.compatibility import check_scan as check_scan
    from napari_ghosthunter.mapping.compatibility import compare_scans as compare_scans
    from napari_ghosthunter.mapping.domains import DomainMap as DomainMap
    from napari_ghosthunter.mapping.evaluation import evaluate as evaluate
    from napari_ghosthunter.mapping.segmentation import segment as segment
    from napari_ghosthunter.mapping.segmentation import segment_rows as segment_rows
    from napari_ghosthunter.scan.calibration import Calibration as Calibration
    from napari_ghosthunter.scan.readers import open_scan as open_scan
    from napari_ghosthunter.scan.scan import Scan as Scan
    from napari_ghosthunter.scan.simulate import SimulationConfig as SimulationConfig
    from napari_ghosthunter.scan.simulate import simulate as simulate
    from napari_ghosthunter.session.bundle import open_bundle as open_bundle
    from napari_ghosthunter.session.bundle import save_bundle as save_bundle
    from napari_ghosthunter.session.past import find_sittings as find_sittings
    from napari_ghosthunter.session.session import Session as Session

# Where each public name lives. Two of them are modules: `gh.sampler.next_round(...)`, `gh.virtual.virtual_image(...)`.
_HOMES = {
    "GhostHunterError": "errors",
    "ClassScheme": "labelling.classes",
    "DomainClass": "labelling.classes",
    "read_labels": "labelling.labelfiles",
    "read_paper_labels": "labelling.paperlabels",
    "write_labels": "labelling.labelfiles",
    "LabelSet": "labelling.labels",
    "TrainingConfig": "learning.config",
    "Model": "learning.model",
    "load_model": "learning.modelfile",
    "save_model": "learning.modelfile",
    "PatternConfig": "learning.config",
    "EpochReport": "learning.report",
    "train": "learning.training",
    "check_scan": "mapping.compatibility",
    "compare_scans": "mapping.compatibility",
    "DomainMap": "mapping.domains",
    "evaluate": "mapping.evaluation",
    "segment": "mapping.segmentation",
    "segment_rows": "mapping.segmentation",
    "open_scan": "scan.readers",
    "Calibration": "scan.calibration",
    "Scan": "scan.scan",
    "SimulationConfig": "scan.simulate",
    "simulate": "scan.simulate",
    "open_bundle": "session.bundle",
    "save_bundle": "session.bundle",
    "find_sittings": "session.past",
    "Session": "session.session",
}
_MODULES = {"sampler": "labelling.sampling", "labels": "labelling.labels", "virtual": "scan.virtual"}

__all__ = ["__version__", *_HOMES, *_MODULES]  # noqa: PLE0604 - the keys are names


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for (PEP 562)."""
    if name == "__version__":
        from importlib.metadata import version

        return version("napari-ghosthunter")
    if name in _MODULES:
        return import_module(f"{__name__}.{_MODULES[name]}")
    if name in _HOMES:
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
