"""A map made again from what its JSON file says it came from, and compared with it bit by bit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from napari_ghosthunter.errors import MapError
from napari_ghosthunter.learning.model import Model
from napari_ghosthunter.learning.modelfile import load_model
from napari_ghosthunter.mapping.domains import DomainMap
from napari_ghosthunter.mapping.mapfile import MAP_SUFFIX, MODEL_SUFFIX
from napari_ghosthunter.mapping.neighbours import strength_in
from napari_ghosthunter.mapping.segmentation import segment
from napari_ghosthunter.scan.fingerprint import fingerprint
from napari_ghosthunter.scan.options import ScanOptions, options_in
from napari_ghosthunter.scan.readers import open_again
from napari_ghosthunter.scan.scan import Provenance, Scan
from napari_ghosthunter.versions import versions


@dataclass(frozen=True)
class Reproduction:
    """How a map that was made again compares with the one that is kept.

    Attributes
    ----------
    positions
        How many were compared: those that have data in the map that is kept.
    different
        How many of them have other probabilities, be it in the last bit.
    other_class
        How many of them are of another class.
    largest
        The largest difference of a probability.
    versions
        What differs between the versions of then and now, by name: (then, now); '' where it is not known.
    """

    positions: int
    different: int
    other_class: int
    largest: float
    versions: Mapping[str, tuple[str, str]] = field(hash=False)

    @property
    def identical(self) -> bool:
        """Whether it is the same map, bit by bit."""
        return not self.different

    def __str__(self) -> str:
        """Say it in a sentence or two."""
        if self.identical:
            said = f"identical: all {self.positions:,} positions have the same probabilities, bit by bit."
        else:
            said = (
                f"different: {self.different:,} of {self.positions:,} positions have other probabilities (by "
                f"{self.largest:.2g} at most), {self.other_class:,} of them another class."
            )
        other = ", ".join(f"{name} {then or '?'} then, {now or '?'} now" for name, (then, now) in self.versions.items())
        return f"{said} Other versions: {other}." if other else f"{said} The versions are the same."


def reproduce(
    map_file: Path | str,
    *,
    scan: Scan | Path | str | None = None,
    model: Path | str | None = None,
    device: str = "auto",
    progress: Callable[[int, int], object] | None = None,
) -> Reproduction:
    """Make a map again, and compare it with what is kept of it.

    Parameters
    ----------
    map_file
        The JSON file of a map, as `save_map` writes it, beside its other files.
    scan
        The scan, or the file that it is in; if not given, it is where it was.
    model
        The file of the model; if not given, it is where it was, or beside the map as an export writes it.
    device, progress
        As for `segment`.

    Raises
    ------
    MapError
        If the map cannot be read, does not say what it came from, or the scan or the model is another one than it was
        made from, or not there.
    GhostHunterError
        If scan or model cannot be read or used.
    """
    map_file = Path(map_file)
    if not map_file.name.endswith(MAP_SUFFIX) or not map_file.is_file():
        raise MapError(f"{map_file} is not the JSON file of a map; give the one that ends in {MAP_SUFFIX}.")
    kept = DomainMap.load(map_file)
    told = _Told(map_file, kept.provenance)
    trained = told.model(model)
    neighbours = strength_in(kept.provenance)
    again = segment(told.scan(scan), trained, device=device, progress=progress).with_neighbours(neighbours)
    return _compared(map_file, kept, again)


@dataclass(frozen=True)
class _Told:
    """What a map says of its origin."""

    file: Path
    provenance: Mapping[str, Any]

    def text(self, *keys: str) -> str | None:
        """Give a text by its keys; None where it is not there."""
        value: Any = self.provenance
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        return value if isinstance(value, str) else None

    def model(self, path: Path | str | None) -> Model:
        """Read the model that the map was made by: from where it was, or where an export has written it."""
        was = self.text("model_path")
        exported = self.file.with_name(self.file.name.removesuffix(MAP_SUFFIX) + MODEL_SUFFIX)
        if path is None and exported.is_file() and (was is None or not Path(was).exists()):
            path = exported
        found = load_model(self.place(path, was, "model"))
        if found.hash != self.text("model_hash"):
            raise MapError(f"{found.path} is not the model that {self.file.name} was made by: it has another hash.")
        return found

    def scan(self, given: Scan | Path | str | None) -> Scan:
        """Open the scan that the map was made of, as it was opened then."""
        mark = self.text("scan_fingerprint")
        if mark is None:
            raise MapError(f"{self.file.name} does not say how to know its scan again; map the scan anew.")
        scan = given if isinstance(given, Scan) else self.opened(self.place(given, self.text("scan", "path"), "scan"))
        if fingerprint(scan) != mark:
            raise MapError(
                f"{scan.provenance.path or 'The scan'} holds another scan than {self.file.name} was made of."
            )
        return scan

    def opened(self, path: Path) -> Scan:
        """Open a file as it was opened then; of earlier maps reader, dataset and scan shape are known."""
        told = self.provenance["scan"]
        reader, dataset = self.text("scan", "reader") or "", self.text("scan", "dataset")
        if isinstance(told.get("options"), Mapping):
            options = options_in(told["options"])
            if options is None:
                raise MapError(
                    f"{self.file.name} was made by another version, and of a scan that was opened in a way that this "
                    "one does not know; open the scan and give it, or map it anew."
                )
            return open_again(Provenance(path, reader, dataset, options), path)
        shape = told.get("shape")
        if not (isinstance(shape, list) and len(shape) == 4 and all(isinstance(n, int) and n > 0 for n in shape)):
            raise MapError(f"{self.file.name} does not say what shape its scan has; map the scan anew.")
        return open_again(Provenance(path, reader, dataset, ScanOptions(scan_shape=(shape[0], shape[1]))), path)

    def place(self, given: Path | str | None, was: str | None, what: str) -> Path:
        """Say where a file is: where it is said to be, or where it was."""
        if given is None and was is None:
            raise MapError(
                f"{self.file.name} does not say where its {what} is; say it with --{what} ({what}= in Python)."
            )
        path = Path(given if given is not None else str(was))
        if given is None and not path.exists():
            raise MapError(f"The {what} of {self.file.name} is not at {path} any more; say where it is with --{what}.")
        return path


def _compared(map_file: Path, kept: DomainMap, again: DomainMap) -> Reproduction:
    """Compare two maps, but for the positions that have no data in the first: they were left out, or never computed."""
    if again.probabilities.shape != kept.probabilities.shape:
        raise MapError(f"{map_file.name} does not fit its scan and model any more; map the scan anew.")
    there = kept.classes_image > 0
    before, after = kept.probabilities[there], again.probabilities[there]
    different = (before.view(np.uint32) != after.view(np.uint32)).any(1)
    old, new = kept.provenance.get("versions"), versions()
    old = old if isinstance(old, dict) else {}
    names = sorted(old.keys() | new.keys())
    return Reproduction(
        positions=int(there.sum()),
        different=int(different.sum()),
        other_class=int((kept.classes_image[there] != again.classes_image[there]).sum()),
        largest=float(np.nan_to_num(np.abs(after - before), nan=1).max(initial=0)),
        versions={
            name: (str(old.get(name, "")), new.get(name, "")) for name in names if old.get(name) != new.get(name)
        },
    )
