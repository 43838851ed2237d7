"""Small valid files of every format, for mutations to begin with."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile
from PIL import Image

from tests.scan.writers import (
    frames_of,
    signal,
    thermo_header,
    write_app5,
    write_blo,
    write_dm,
    write_dm5,
    write_electrons,
    write_empad,
    write_master,
    write_mib,
    write_mrc,
    write_prz,
    write_ser,
    write_tvips,
)
from tests.scan.zarr_stores import NEW, write_zarr

SHAPE = (3, 4, 6, 5)
TABLE = "seeds.json"


@dataclass(frozen=True)
class Seed:
    """A valid scan in a folder of its own: what is opened, how, and which of its files is spoilt."""

    name: str
    opened: str
    spoilt: str
    options: dict[str, Any]


def write_seeds(folder: Path) -> list[Seed]:
    """Write a scan of each format to a folder of its name, and the table of them."""
    seeds = [*_written_by_us(folder), *_arrays(folder), *_hdf5(folder), *_zarr(folder), *_pictures(folder)]
    (folder / TABLE).write_text(json.dumps([asdict(seed) for seed in seeds]))
    return seeds


def read_seeds(folder: Path) -> dict[str, Seed]:
    return {entry["name"]: Seed(**entry) for entry in json.loads((folder / TABLE).read_text())}


def _room(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def _written_by_us(folder: Path) -> list[Seed]:
    rows = {"scan_shape": [3, 4]}
    frames = frames_of(12, (6, 5), "u2")
    square = frames_of(12, (6, 6), "u1")
    stated = {"ScanX": 4, "ScanY": 3}
    write_mib(_room(folder, "mib") / "a.mib", frames, header=stated)
    write_mib(_room(folder, "mib-hdr") / "a.mib", frames, header=stated)
    write_mib(
        _room(folder, "mib-times") / "a.mib", frames, np.cumsum([1_000_000 + 90_000 * (n % 4 == 0) for n in range(12)])
    )
    patterns = np.random.default_rng(0).random((4, 128, 128), dtype=np.float32)
    xml = '<root><pix_x>2</pix_x><pix_y>2</pix_y><raw_file filename="scan.raw"/></root>'
    for name in ("empad", "empad-xml"):
        write_empad(_room(folder, name) / "scan.raw", patterns)
        (folder / name / "a.xml").write_text(xml)
    write_blo(_room(folder, "blo") / "a.blo", square, (3, 4))
    write_ser(_room(folder, "ser") / "a_1.ser", frames, (3, 4))
    write_ser(_room(folder, "emi") / "a_1.ser", frames, (3, 4))
    (folder / "emi" / "a.emi").write_bytes(b"x")
    write_mrc(_room(folder, "mrc") / "a_movie.mrc", frames, 6)
    for name in ("mrc-info", "mrc-big"):
        write_mrc(_room(folder, name) / "a_movie.mrc", frames, 6, ">" if name == "mrc-big" else "<", extended=64)
        (folder / name / "a_info.txt").write_text("Scan - Enable = Enable\nScan - Size X = 4\nScan - Size Y = 3\n")
    content = thermo_header((0, 0, 4, 3), count=12)
    write_mrc(_room(folder, "mrc-velox") / "a.mrc", frames, 6, kind=b"FEI1", content=content)
    write_tvips(_room(folder, "tvips"), frames, np.arange(1, 13), files=2)
    write_dm5(_room(folder, "dm5") / "a.dm5", frames.reshape(SHAPE), tags={"Meta Data": {"Data Order Swapped": True}})
    patterns.tofile(_room(folder, "empad-g2") / "scan_x2_y2.raw")
    write_dm(_room(folder, "dm3") / "a.dm3", frames.reshape(SHAPE).astype("i2"))
    write_dm(_room(folder, "dm4") / "a.dm4", frames.reshape(SHAPE), tags={"Data Order Swapped": True})
    return [
        Seed("mib", "a.mib", "a.mib", {}),
        Seed("mib-hdr", "a.mib", "a.hdr", {}),
        Seed("mib-times", "a.mib", "a.mib", {}),
        Seed("empad", "scan.raw", "scan.raw", {}),
        Seed("empad-xml", "a.xml", "a.xml", {}),
        Seed("blo", "a.blo", "a.blo", {}),
        Seed("ser", "a_1.ser", "a_1.ser", {}),
        Seed("emi", "a.emi", "a_1.ser", {}),
        Seed("mrc", "a_movie.mrc", "a_movie.mrc", rows),
        Seed("mrc-info", "a_movie.mrc", "a_info.txt", {}),
        Seed("mrc-big", "a_movie.mrc", "a_movie.mrc", {}),
        Seed("mrc-velox", "a.mrc", "a.mrc", rows),
        Seed("tvips", "rec_000.tvips", "rec_000.tvips", rows),
        Seed("dm5", "a.dm5", "a.dm5", {}),
        Seed("empad-g2", "scan_x2_y2.raw", "scan_x2_y2.raw", {}),
        Seed("dm3", "a.dm3", "a.dm3", {}),
        Seed("dm4", "a.dm4", "a.dm4", {}),
    ]


def _arrays(folder: Path) -> list[Seed]:
    cube = frames_of(12, SHAPE[2:], "u2").reshape(SHAPE)
    np.save(_room(folder, "npy") / "a.npy", cube)
    np.savez(_room(folder, "npz") / "a.npz", cube=cube, mask=cube[0, 0])
    np.savez_compressed(_room(folder, "npz-packed") / "a.npz", cube=cube, mask=cube[0, 0])
    return [Seed(name, f"a.{name[:3]}", f"a.{name[:3]}", {}) for name in ("npy", "npz", "npz-packed")]


def _hdf5(folder: Path) -> list[Seed]:
    import hdf5plugin
    import rsciio.hspy

    cube = frames_of(12, SHAPE[2:], "u2").reshape(SHAPE)
    ways = {
        "h5": {},
        "h5-gzip": {"compression": "gzip", "shuffle": True},
        "h5-bitshuffle": hdf5plugin.Bitshuffle(),
        "h5-blosc": hdf5plugin.Blosc(),
    }
    for name, way in ways.items():
        with h5py.File(_room(folder, name) / "a.h5", "w") as file:
            group = file.create_group("data/datacubes/dc")
            group.create_dataset("datacube", data=cube, **way)
            for number, length in enumerate(SHAPE, 1):
                group[f"dim{number}"] = np.arange(length) * 0.5
                group[f"dim{number}"].attrs["units"] = b"[n_m]"
    with h5py.File(_room(folder, "h5-new") / "a.h5", "w", libver="latest") as file:
        file.create_dataset("cube", data=cube, chunks=True)
        file["series"] = cube[0]
    write_app5(_room(folder, "app5") / "a.app5", cube)
    write_prz(_room(folder, "prz") / "a.prz", cube, {"content.types": ["CameraX", "CameraY", "ScanX", "ScanY"]})
    rsciio.hspy.file_writer(str(_room(folder, "hspy") / "a.hspy"), signal(cube, 2))
    for name in ("arina", "arina-data"):
        write_master(_room(folder, name), np.array_split(frames_of(16, (6, 5), "u4"), 2), 8352)
    lists = [np.arange(number, 30, number + 1) for number in range(12)]
    write_electrons(_room(folder, "electrons") / "a.h5", lists, SHAPE[:2], SHAPE[2:])
    packed = {"chunks": (5,), "compression": "gzip"}
    write_electrons(_room(folder, "electrons-gzip") / "a.h5", lists, SHAPE[:2], SHAPE[2:], **packed)
    return [
        *(Seed(name, "a.h5", "a.h5", {}) for name in (*ways, "h5-new")),
        *(Seed(name, "a.h5", "a.h5", {}) for name in ("electrons", "electrons-gzip")),
        Seed("app5", "a.app5", "a.app5", {}),
        Seed("prz", "a.prz", "a.prz", {}),
        Seed("hspy", "a.hspy", "a.hspy", {}),
        Seed("arina", "run_master.h5", "run_master.h5", {}),
        Seed("arina-data", "run_master.h5", "run_data_000001.h5", {}),
    ]


def _zarr(folder: Path) -> list[Seed]:
    cube = frames_of(12, SHAPE[2:], "u2").reshape(SHAPE)
    for name in ("zarr", "zarr-chunk"):
        write_zarr(_room(folder, name) / "a.zarr", {"cube": cube})
    write_zarr(_room(folder, "zarr-zip") / "a.zarr.zip", cube)
    newer = [Seed("zarr-3", "a.zarr", "a.zarr/cube/zarr.json", {})] if NEW else []
    for _ in newer:
        write_zarr(_room(folder, "zarr-3") / "a.zarr", {"cube": cube}, 3)
    return [
        *newer,
        Seed("zarr", "a.zarr", "a.zarr/cube/.zarray", {}),
        Seed("zarr-chunk", "a.zarr", "a.zarr/cube/0.0.0.0", {}),
        Seed("zarr-zip", "a.zarr.zip", "a.zarr.zip", {}),
    ]


def _pictures(folder: Path) -> list[Seed]:
    cube = frames_of(12, SHAPE[2:], "u2").reshape(SHAPE)
    for name in ("folder-png", "folder-tif"):
        patterns = _room(_room(folder, name), "patterns")
        for y, x in np.ndindex(SHAPE[:2]):
            if name == "folder-png":
                Image.fromarray(cube[y, x]).save(patterns / f"{x}_{y}.png")
            else:
                tifffile.imwrite(patterns / f"x{x}_y{y}.tif", cube[y, x], compression="zlib")
    tifffile.imwrite(_room(folder, "tiff") / "a.tif", cube.reshape(12, 6, 5), imagej=True, metadata={"unit": "1/nm"})
    tifffile.imwrite(_room(folder, "tiff-pages") / "a.tif", cube.reshape(12, 6, 5), metadata=None, compression="zlib")
    first, *others = [Image.fromarray(pattern) for pattern in cube.reshape(12, 6, 5)]
    first.save(_room(folder, "tiff-lzw") / "a.tif", save_all=True, append_images=others, compression="tiff_lzw")
    tifffile.imwrite(_room(folder, "tiff-ome") / "a.tif", cube, ome=True, metadata={"axes": "TZYX"})
    rows = {"scan_shape": [3, 4]}
    return [
        Seed("folder-png", "patterns", "patterns/3_2.png", {}),
        Seed("folder-tif", "patterns", "patterns/x3_y2.tif", {}),
        Seed("tiff", "a.tif", "a.tif", rows),
        Seed("tiff-pages", "a.tif", "a.tif", rows),
        Seed("tiff-lzw", "a.tif", "a.tif", rows),
        Seed("tiff-ome", "a.tif", "a.tif", {}),
    ]
