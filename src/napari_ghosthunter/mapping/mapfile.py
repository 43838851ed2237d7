"""The two files that a map is read back from: its description in JSON, and its probabilities as a NumPy array."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from tokenize import TokenError  # raised by numpy on a damaged header
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import GhostHunterError, MapError
from napari_ghosthunter.labelling.classes import ClassScheme, DomainClass
from napari_ghosthunter.mapping.contents import MapContents
from napari_ghosthunter.scan.calibration import Calibration

MAP_SUFFIX = "_map.json"
PROBABILITIES_SUFFIX = "_probabilities.npy"
MODEL_SUFFIX = "_model.safetensors"  # of the model, where it is kept beside its map
FORMAT_VERSION = 1


def write_description(path: Path, domain_map: MapContents) -> None:
    """Write classes, calibration, shape, walls and provenance."""
    calibration = domain_map.calibration
    content: dict[str, Any] = {
        "format": FORMAT_VERSION,
        "classes": [{"name": entry.name, "colour": entry.colour} for entry in domain_map.classes.classes],
        "shape": list(domain_map.probabilities.shape),
        "calibration": asdict(calibration),
        "walls": [asdict(wall) for wall in domain_map.walls],
    }
    content |= {key: value for key, value in domain_map.provenance.items() if key not in content}
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def write_probabilities(path: Path, domain_map: MapContents) -> None:
    """Write the probabilities, float32, (scan_y, scan_x, n)."""
    array = np.ascontiguousarray(domain_map.probabilities)
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))  # type: ignore[no-untyped-call]
        stream.write(array.data)  # which fails if it cannot write all


def read_map(
    folder: Path | str, stem: str | None = None
) -> tuple[NDArray[np.float32], ClassScheme, Calibration, dict[str, Any]]:
    """Read probabilities, classes, calibration and provenance of a map; see `DomainMap.load`.

    Parameters
    ----------
    folder
        Where `export.save_map` wrote it, or the JSON file of the map.
    stem
        How its file names begin; needed only if the folder holds several maps.

    Raises
    ------
    MapError
        If the folder holds no map, or several and `stem` does not say which, or if the map is incomplete or damaged.
    """
    path = _find_map(Path(folder), stem)
    classes, calibration, shape, provenance = _read_json(path)
    data = path.with_name(path.name.removesuffix(MAP_SUFFIX) + PROBABILITIES_SUFFIX)
    probabilities = _read_probabilities(data)
    if probabilities.shape != shape:
        raise MapError(f"{data} has the shape {probabilities.shape}, but {path.name} says {shape}; map the scan again.")
    return probabilities, classes, calibration, provenance


def _find_map(folder: Path, stem: str | None) -> Path:
    """Find the JSON file of the map in `folder`, unless it is that itself."""
    if stem is None and folder.name.endswith(MAP_SUFFIX) and folder.is_file():
        return folder
    if not folder.is_dir():
        raise MapError(f"{folder} is not a folder; give the one that the map was written to.")
    if stem is not None:
        path = folder / f"{stem}{MAP_SUFFIX}"
        if not path.is_file():
            raise MapError(f"{folder} holds no map {stem!r}; it needs {path.name}.")
        return path
    # hidden files are the temporary ones of a writer that was killed
    found = sorted(path for path in folder.glob(f"*{MAP_SUFFIX}") if not path.name.startswith("."))
    if not found:
        raise MapError(f"{folder} holds no whole map; it needs a file that ends in {MAP_SUFFIX}.")
    if len(found) > 1:
        names = ", ".join(path.name.removesuffix(MAP_SUFFIX) for path in found)
        raise MapError(f"{folder} holds {len(found)} maps; choose one with --stem (stem= in Python): {names}.")
    return found[0]


def _read_json(path: Path) -> tuple[ClassScheme, Calibration, tuple[int, ...], dict[str, Any]]:
    """Read classes, calibration, shape and provenance."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        classes = ClassScheme(classes=tuple(DomainClass(**entry) for entry in content.pop("classes")))
        calibration = _calibration(content.pop("calibration"))
        shape = tuple(content.pop("shape"))
        for name in ("format", "walls"):
            content.pop(name)
    except OSError as error:
        raise MapError(f"Cannot read {path}: {error.strerror or error}.") from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, GhostHunterError) as error:
        raise MapError(f"{path} is not the description of a domain map, or is damaged; map the scan again.") from error
    return classes, calibration, shape, content


def _calibration(stored: dict[str, Any]) -> Calibration:
    (scan_y, scan_x), (k_y, k_x) = stored["scan_step"], stored["k_step"]
    return Calibration(
        scan_step=(float(scan_y), float(scan_x)),
        scan_units=str(stored["scan_units"]),
        k_step=(float(k_y), float(k_x)),
        k_units=str(stored["k_units"]),
    )


def _read_probabilities(path: Path) -> NDArray[np.float32]:
    """Read the probabilities, refusing anything but a plain float32 array."""
    try:
        with path.open("rb") as stream:
            probabilities = np.load(stream, allow_pickle=False)
    except FileNotFoundError:
        raise MapError(f"{path} is missing, and the map cannot be read without it; map the scan again.") from None
    except OSError as error:
        raise MapError(f"Cannot read {path}: {error.strerror or error}.") from error
    except MemoryError as error:  # a header may say anything
        raise MapError(f"Cannot read {path}: it takes more memory than there is, or says so by mistake.") from error
    except (ValueError, EOFError, BadZipFile, TokenError) as error:
        raise MapError(f"{path} is damaged or no NumPy array; map the scan again.") from error
    if not isinstance(probabilities, np.ndarray) or probabilities.dtype != np.float32:
        raise MapError(f"{path} does not hold float32 probabilities; map the scan again.")
    return probabilities
