"""A domain map as files that other programs open: TIFF and PNG to look at, NumPy, CSV and JSON to compute with.

`save_map` writes the set that `load_map` reads; `save_file` writes one file, which may also be HDF5 with everything.

The set is whole or absent. Nothing is written where a file of it exists already; all files are written beside their
targets first and renamed only when the last one is complete; and `<stem>_map.json` is renamed last, so that a folder
with it holds the whole map.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from tokenize import TokenError  # raised by numpy on a damaged header
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from napari_ghosthunter.errors import GhostHunterError, MapError, OutputError
from napari_ghosthunter.files import check_outputs, whole_file, whole_files
from napari_ghosthunter.labelling.classes import ClassScheme, DomainClass
from napari_ghosthunter.mapping.domains import ClassStatistics, DomainMap
from napari_ghosthunter.mapping.hdf5 import write_hdf5
from napari_ghosthunter.scan.scan import PIXELS, Calibration
from napari_ghosthunter.scan.units import convert, plain_axis

MAP_SUFFIX = "_map.json"
PROBABILITIES_SUFFIX = "_probabilities.npy"
SUFFIXES = (
    MAP_SUFFIX,
    "_classes.tif",
    PROBABILITIES_SUFFIX,
    "_rgb.png",
    "_confidence.tif",
    "_domains.csv",
)
FORMAT_VERSION = 1
ORIGIN = "provenance"  # what it is called in files that hold something else

LENGTHS = ("pm", "angstrom", "nm", "um")
LARGEST_RATIO = 1e9  # a TIFF resolution, a ratio of two 32-bit numbers, keeps six digits from 1e-9 to 1e9


def output_paths(folder: Path | str, stem: str) -> list[Path]:
    """Name the files that `save_map` writes, the JSON file first.

    Raises
    ------
    OutputError
        If `stem` cannot begin a file name.
    """
    if not stem or stem in {".", ".."} or any(character in stem for character in "/\\\0"):
        raise OutputError(f"{stem!r} cannot begin the name of a file; choose a name without slashes.")
    return [Path(folder) / f"{stem}{suffix}" for suffix in SUFFIXES]


def save_map(
    domain_map: DomainMap, folder: Path | str, stem: str | None = None, *, overwrite: bool = False
) -> list[Path]:
    """Write a map: `<stem>_classes.tif` and its five companions.

    Parameters
    ----------
    domain_map
        The map.
    folder
        Made if it does not exist.
    stem
        How the file names begin; the name of the scan (or 'scan') if not given.
    overwrite
        Replace files of the same names.

    Returns
    -------
    list of Path
        - `_map.json`: classes in the order of the ids, calibration, provenance, walls between the classes
        - `_classes.tif`: uint8, 0 = no data, 1..n = classes, shown in their colours by ImageJ
        - `_probabilities.npy`: float32, (scan_y, scan_x, n), NaN = no data
        - `_rgb.png`: class colours mixed by their probabilities, one pixel per position
        - `_confidence.tif`: float32, probability of the class
        - `_domains.csv`: the figures of each class

        Both TIFF files keep the size of the pixels.

    Raises
    ------
    OutputError
        If a file exists already (nothing is written then), or cannot be written.
    """
    paths = output_paths(folder, scan_name(domain_map) if stem is None else stem)
    check_outputs(paths, overwrite=overwrite)
    writers: list[Callable[[Path, DomainMap], None]] = [
        _write_json,
        _write_classes,
        _write_probabilities,
        _write_rgb,
        _write_confidence,
        _write_table,
    ]
    with whole_files(paths) as temporaries:  # the JSON file, the first one, comes last
        for write, temporary in zip(writers, temporaries, strict=True):
            write(temporary, domain_map)
    return paths


def save_file(domain_map: DomainMap, path: Path | str, *, overwrite: bool = False) -> Path:
    """Write one file of a map; its ending says which, see `FILE_WRITERS`.

    All but the HDF5 file are, byte for byte, what `save_map` writes as `_classes.tif`, `_rgb.png` and `_domains.csv`.

    Raises
    ------
    OutputError
        If the ending is none of these, the file exists already, or it cannot be written.
    """
    path = Path(path)
    write = FILE_WRITERS.get(path.suffix.lower())
    if write is None:
        raise OutputError(f"A domain map is not written as {path.name}; end the name in {', '.join(FILE_WRITERS)}.")
    check_outputs([path], overwrite=overwrite)
    with whole_file(path) as temporary:
        write(temporary, domain_map)
    return path


def load_map(folder: Path | str, stem: str | None = None) -> DomainMap:
    """Read a map back from its JSON and NumPy files.

    Parameters
    ----------
    folder
        Where `save_map` wrote it.
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
    return DomainMap(probabilities, classes, calibration, provenance)


def scan_name(domain_map: DomainMap) -> str:
    """Name the scan of a map by its file, without ending; 'scan' where it came from no file."""
    scan = domain_map.provenance.get("scan")
    path = scan.get("path") if isinstance(scan, dict) else None
    return Path(path).stem if path else "scan"


def _write_json(path: Path, domain_map: DomainMap) -> None:
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


def _write_classes(path: Path, domain_map: DomainMap) -> None:
    table = np.zeros((3, 256), np.uint8)
    table[:, 1 : len(domain_map.classes) + 1] = domain_map.classes.rgb().T
    names = "\n".join(f"{number} = {name}" for number, name in enumerate(("no data", *domain_map.classes.names)))
    # the display range 0..255 makes ImageJ look each id up in the table
    _write_tiff(path, domain_map, domain_map.classes_image, f"{names}\n", LUTs=[table], min=0.0, max=255.0)


def _write_confidence(path: Path, domain_map: DomainMap) -> None:
    _write_tiff(path, domain_map, domain_map.confidence, min=0.0, max=1.0)


def _write_tiff(path: Path, domain_map: DomainMap, image: NDArray[Any], info: str = "", **metadata: Any) -> None:
    """Write one calibrated image, (scan_y, scan_x), as ImageJ does, whose Image > Show Info tells what it is."""
    import tifffile

    (step_y, step_x), unit = tiff_calibration(domain_map.calibration.scan_step, domain_map.calibration.scan_units)
    file = io.BytesIO()  # writing to a disk that is full, tifffile and numpy may leave half a file and say nothing
    tifffile.imwrite(
        file,
        image,
        imagej=True,
        resolution=(1 / step_x, 1 / step_y),
        resolutionunit="NONE",
        metadata={"axes": "YX", "unit": unit, "Info": f"{info}{ORIGIN} = {_origin(domain_map)}", **metadata},
    )
    path.write_bytes(file.getbuffer())


def tiff_calibration(steps: tuple[float, float], units: str) -> tuple[tuple[float, float], str]:
    """Express the scan step so that ImageJ understands its unit and a TIFF ratio keeps at least six of its digits.

    Parameters
    ----------
    steps, units
        Scan steps along (y, x), and their unit.

    Returns
    -------
    tuple
        (steps, unit). Lengths are given in 'nm', 'um', 'angstrom' or 'pm', in the one of `units` as far as it suits
        them; 'px' is 'pixel'. A step that no unit suits is given as 1 pixel; the JSON file keeps it.
    """
    factor, unit = plain_axis(1.0, units)
    if unit == PIXELS:  # or a unit that is no length: it is kept as it is
        unit = units if units != PIXELS and units.isascii() and units.isprintable() and units.strip() else "pixel"
        factor = 1.0
    for other in (unit, *LENGTHS):
        ratio = convert(factor, unit, other)
        if ratio is not None and all(1 / LARGEST_RATIO <= step * ratio <= LARGEST_RATIO for step in steps):
            return (steps[0] * ratio, steps[1] * ratio), other
    return (1.0, 1.0), "pixel"


def _write_probabilities(path: Path, domain_map: DomainMap) -> None:
    array = np.ascontiguousarray(domain_map.probabilities)
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))  # type: ignore[no-untyped-call]
        stream.write(array.data)  # which fails if it cannot write all


def _write_rgb(path: Path, domain_map: DomainMap) -> None:
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    told = PngInfo()
    told.add_itxt(ORIGIN, _origin(domain_map))
    Image.fromarray(domain_map.rgb).save(path, pnginfo=told)


def _origin(domain_map: DomainMap) -> str:
    """Give the provenance as one line of JSON; its hash names the model wherever it lies, as in a sitting."""
    told = {key: value for key, value in domain_map.provenance.items() if key != "model_path"}
    return json.dumps(told, ensure_ascii=False, allow_nan=False)


def _write_table(path: Path, domain_map: DomainMap) -> None:
    units, told = domain_map.calibration.scan_units, _origin(domain_map)
    buffer = io.StringIO(newline="")
    rows = [_table_row(entry, units) | {ORIGIN: told} for entry in domain_map.statistics]
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(buffer.getvalue(), encoding="utf-8", newline="")


def _table_row(entry: ClassStatistics, units: str) -> dict[str, Any]:
    return {
        "id": entry.id,
        "class": entry.name,
        "colour": entry.colour,
        "count": entry.count,
        "area_fraction": entry.area_fraction,
        "area": entry.area,
        "area_units": f"{units}^2",
        "mean_confidence": "" if entry.mean_confidence is None else entry.mean_confidence,
        "wall_length_px": entry.wall_length_px,
        "wall_length": entry.wall_length,
        "wall_length_units": units,
    }


FILE_WRITERS: dict[str, Callable[[Path, DomainMap], None]] = {
    ".tif": _write_classes,
    ".tiff": _write_classes,
    ".png": _write_rgb,
    ".csv": _write_table,
    ".h5": write_hdf5,
    ".hdf5": write_hdf5,
}
"""What `save_file` writes for each ending: the classes, the colours, the table, or everything."""


def _find_map(folder: Path, stem: str | None) -> Path:
    """Find the JSON file of the map in `folder`."""
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
    except (OSError, ValueError, EOFError, BadZipFile, TokenError, MemoryError) as error:  # a header may say anything
        raise MapError(f"{path} is damaged or no NumPy array; map the scan again.") from error
    if not isinstance(probabilities, np.ndarray) or probabilities.dtype != np.float32:
        raise MapError(f"{path} does not hold float32 probabilities; map the scan again.")
    return probabilities
