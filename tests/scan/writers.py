"""Small files of every format, written byte by byte or by the libraries that own the format."""

import json
from importlib.util import find_spec

import h5py
import numpy as np
import pytest
from PIL import Image

needs_py4dstem = pytest.mark.skipif(find_spec("py4DSTEM") is None, reason="py4DSTEM, an extra, is not installed")
STEPS = [(2.0, "nm"), (2.5, "nm"), (0.05, "1/nm"), (0.04, "1/nm")]


def frames_of(count, detector, dtype, seed=0):
    info = np.iinfo(dtype)
    return np.random.default_rng(seed).integers(0, info.max, (count, *detector), dtype, endpoint=True)


def write_mib(path, frames, times=None, header=None, exposures=None):
    """Write frames as a Merlin does: a header of text before each, big-endian, the lowest row first."""
    code = {1: "U08", 2: "U16", 4: "U32"}[frames.dtype.itemsize]
    height, width = frames.shape[1:]
    with path.open("wb") as file:
        for number, frame in enumerate(frames, 1):
            nanoseconds = 1_000_000 * number if times is None else times[number - 1]
            stamp = f"2021-05-07T16:51:{nanoseconds // 10**9:02d}.{nanoseconds % 10**9:09d}Z"
            exposed = 1_000_000 if exposures is None else exposures[number - 1]
            text = f"MQ1,{number:06d},00384,01,{width:04d},{height:04d},{code},   1x1,01,,0,0,{stamp},{exposed}ns,12,"
            file.write(text.encode().ljust(384, b"\0"))
            file.write(frame[::-1].astype(frame.dtype.newbyteorder(">")).tobytes())
    if header is not None:
        lines = ["HDR,\t", *(f"{key}:\t{value}" for key, value in header.items()), "End\t"]
        path.with_suffix(".hdr").write_text("\n".join(lines))
    return path


def write_empad(path, frames):
    with path.open("wb") as file:
        for frame in frames:
            file.write(frame.tobytes() + b"\xff" * (2 * 128 * 4))
    return path


def write_blo(path, frames, scan_shape, order="<"):
    from rsciio.blockfile._api import get_default_header, get_header_dtype_list

    header = np.zeros(1, np.dtype(get_header_dtype_list(order)))
    offset = 0x1000 + len(frames)
    values = {"ID": b"IMGBLO", "MAGIC": 0x0102, "Data_offset_1": 0x1000, "Data_offset_2": offset, "SDP": 0,
              "DP_SZ": frames.shape[1], "NY": scan_shape[0], "NX": scan_shape[1], "SX": 2.0, "SY": 3.0,
              "Acquisition_time": get_default_header()["Acquisition_time"][0]}  # fmt: skip
    for name, value in values.items():
        header[name] = value
    with path.open("wb") as file:
        file.write(header.tobytes().ljust(offset, b"\0"))
        for number, frame in enumerate(frames):
            file.write(np.array(0x55AA, order + "u2").tobytes() + np.array(number, order + "u4").tobytes())
            file.write(frame.tobytes())
    return path


def thermo_header(size, kind=b"FEI1", pixel=1e8, count=1):
    """Write the description of images as Velox does, as far as it matters; `size` is (left, top, right, bottom)."""
    record = bytearray(768 if kind == b"FEI1" else 888)
    record[:4] = np.array(len(record), "<i4").tobytes()
    record[156:172] = np.array([pixel, pixel], "<f8").tobytes()
    record[587:603] = np.array(size, "<i4").tobytes()
    return bytes(record) * count


def write_mrc(path, frames, mode, order="<", extended=0, kind=b"", content=b""):
    extended = extended or len(content)
    header = np.zeros(256, order + "i4")
    header[:4] = frames.shape[2], frames.shape[1], frames.shape[0], mode
    header[23] = extended
    raw = bytearray(header.tobytes())
    raw[208:216] = b"MAP " + (b"DD" if order == "<" else b"\x11\x11") + b"\0\0"
    stored = frames.astype(frames.dtype.newbyteorder(order))
    raw[104:108] = kind.ljust(4, b"\0")
    path.write_bytes(bytes(raw) + (content or b"x" * extended) + stored.tobytes())
    return path


def write_tvips(folder, frames, numbers, files=1, extra=4):
    from rsciio.tvips._api import TVIPS_RECORDER_FRAME_HEADER, TVIPS_RECORDER_GENERAL_HEADER

    general = np.zeros(1, np.dtype(TVIPS_RECORDER_GENERAL_HEADER))
    known = np.dtype(TVIPS_RECORDER_FRAME_HEADER).itemsize
    values = {"size": general.itemsize, "version": 2, "dimy": frames.shape[1], "dimx": frames.shape[2],
              "bitsperpixel": frames.dtype.itemsize * 8, "frameheaderbytes": known + extra}  # fmt: skip
    for name, value in values.items():
        general[name] = value
    for index, part in enumerate(np.array_split(np.arange(len(frames)), files)):
        with (folder / f"rec_{index:03d}.tvips").open("wb") as file:
            file.write(general.tobytes() if index == 0 else b"")
            for at in part:
                header = np.zeros(1, np.dtype(TVIPS_RECORDER_FRAME_HEADER))
                header["rotidx"] = numbers[at]
                file.write(header.tobytes() + b"x" * extra + frames[at].tobytes())
    return folder / "rec_000.tvips"


def signal(data, navigation):
    axes = [
        {"name": f"a{n}", "size": size, "scale": scale, "offset": 0.0, "units": units, "navigate": n < navigation,
         "index_in_array": n, "is_binned": False, "_type": "UniformDataAxis"}
        for n, (size, scale, units) in enumerate(
            zip(data.shape, [2.0, 2.5, 0.05, 0.05], ["nm", "nm", "1/nm", "1/nm"], strict=True)
        )
    ]  # fmt: skip
    return {
        "data": data, "axes": axes, "metadata": {"General": {"title": "a"}, "Signal": {"signal_type": ""}},
        "original_metadata": {}, "learning_results": {}, "attributes": {"_lazy": False, "ragged": False},
        "package_info": {"package": "", "package_version": ""}, "models": {}, "tmp_parameters": {},
    }  # fmt: skip


def write_master(folder, parts, saturation, mask=None):
    """Write what a DECTRIS detector writes, as far as it matters: a master file linking to files of patterns."""
    with h5py.File(folder / "run_master.h5", "w") as master:
        master["entry/instrument/detector/saturation_value"] = saturation
        specific = master.create_group("entry/instrument/detector/detectorSpecific")
        specific["nimages"], specific["ntrigger"] = 1, sum(map(len, parts))
        if mask is not None:
            specific["pixel_mask"] = mask
        for number, part in enumerate(parts, 1):
            name = f"run_data_{number:06d}.h5"
            with h5py.File(folder / name, "w") as file:
                file["entry/data/data"] = part
            master[f"entry/data/data_{number:06d}"] = h5py.ExternalLink(name, "/entry/data/data")
    return folder / "run_master.h5"


def write_dm(path, data, axes=STEPS, tags=None, collection=2, datum=2):
    from nion.data import Calibration, DataAndMetadata
    from nionswift_plugin.DM_IO import dm3_image_utils

    xdata = DataAndMetadata.new_data_and_metadata(
        data,
        dimensional_calibrations=[Calibration.Calibration(0.0, step, units) for step, units in axes],
        data_descriptor=DataAndMetadata.DataDescriptor(False, collection, datum),
        metadata={"Meta Data": tags} if tags else {},
    )
    with path.open("wb") as file:
        dm3_image_utils.save_image(xdata, file, int(path.suffix[-1]))
    return path


def write_ser(path, frames, scan_shape):
    """Write patterns as TIA does: a header, a table of places, and a header of 50 bytes before each pattern."""
    dims = [(scan_shape[1], b"x"), (scan_shape[0], b"y")]  # the fastest first
    parts = [np.array([0x4949, 0x0197, 0x0210], "<u2").tobytes()]
    header = 30 + 37 * len(dims)
    size = 50 + frames[0].nbytes
    table = np.arange(len(frames)) * size + header + 8 * len(frames)
    parts.append(np.array([0x4122, 0x4152, len(frames), len(frames), header, len(dims)], "<u4").tobytes())
    for length, name in dims:
        parts.append(np.array([length], "<u4").tobytes() + np.array([0.0, 2e-9], "<f8").tobytes())
        parts.append(np.array([0, 1], "<u4").tobytes() + name + np.array([4], "<u4").tobytes() + b"nm\0\0")
    parts.append(table.astype("<u4").tobytes() + b"\0" * 4 * len(frames))  # where the tags are
    for frame in frames:
        calibration = np.array([0.0, 2e8], "<f8").tobytes()
        parts += [calibration + np.array([length], "<u4").tobytes() for length in frame.shape[::-1]]
        parts.append(np.array([2], "<u2").tobytes() + np.array(frame.shape[::-1], "<u4").tobytes())
        parts.append(frame[::-1].tobytes())
    path.write_bytes(b"".join(parts))
    return path


def write_electrons(path, lists, scan_shape, detector, *, kind="u4", version=1, places=None, **options):
    """Write lists of hit pixels as stempy does; Nx is along a row of the scan, but along a column of the detector."""
    opened = {name: options.pop(name) for name in ("libver", "userblock_size") if name in options}
    with h5py.File(path, "w", **opened) as file:
        if version is not None:
            file.attrs["version"] = version
        frames = file.create_dataset("electron_events/frames", len(lists), h5py.vlen_dtype(kind), **options)
        for number, hits in enumerate(lists):
            frames[number] = hits
        frames.attrs.update(Nx=detector[0], Ny=detector[1])
        positions = file.create_dataset(
            "electron_events/scan_positions", data=np.arange(len(lists)) if places is None else places
        )
        positions.attrs.update(Nx=scan_shape[1], Ny=scan_shape[0])
    return path


def write_dm5(path, data, axes=STEPS, tags=None, **options):
    """Write an image as Gatan's software does in HDF5: a thumbnail first, tags as attributes, axes fastest first."""
    with h5py.File(path, "w") as file:
        file["ImageList/[0]/ImageData/Data"] = np.zeros((4, 4), "u1")
        image = file.create_group("ImageList/[1]")
        image.create_dataset("ImageData/Data", data=data, **options)
        for number, (step, units) in enumerate(reversed(axes)):
            group = image.create_group(f"ImageData/Calibrations/Dimension/[{number}]")
            group.attrs.update(Scale=np.float32(step), Origin=np.float32(0), Units=np.bytes_(units))
        for name, members in (tags or {}).items():
            image.create_group(f"ImageTags/{name}").attrs.update(members)
    return path


def write_app5(path, cube, *, session="", positions=None, kind="vlen", steps=(2e-9, 3e-9), **options):
    """Write a scan as Topspin does: a group for each pattern, with its position in XML, beside an image."""
    guid, image = "a0dba950-15bf-4a74-a81c-9cea8560c2c8", "39a4bbcd-2551-4912-9093-0eaed678dcff"
    axis = "<A><Offset>0</Offset><Scale>{}</Scale><Unit><Name>x</Name><Symbol>mrad</Symbol></Unit></A>"
    text = "<R><C>{}</C><P><Q><N/><V><X>{!r}</X><Y>{!r}</Y></V></Q></P></R>"
    height, width = cube.shape[:2]
    places = [(y * steps[0], x * steps[1]) for y in range(height) for x in range(width)]
    with h5py.File(path, "a") as file:
        top = file.require_group(session) if session else file
        top["Metadata"] = np.bytes_("<M><Value Serializer='x'/></M>")
        top[image] = np.zeros((4, 4))
        for number, (y, x) in enumerate(places if positions is None else positions):
            group = top.create_group(f"{guid}/{number}")
            group.create_dataset("Data", data=cube.reshape(-1, *cube.shape[2:])[number], **options)
            told = text.format(axis.format(0.4) + axis.format(0.5), float(x), float(y)).encode()
            group.create_dataset("Metadata", data=np.bytes_(told) if kind == "fixed" else told, dtype=(
                None if kind == "fixed" else h5py.string_dtype()
            ))  # fmt: skip
    return path


def write_prz(path, data, told, save=np.savez, **members):
    """Write an array as PantaRhei does: beside its description in JSON."""
    with path.open("wb") as file:
        save(file, data=data, **members, **({} if told is None else {"meta_data_json": json.dumps([told])}))
    return path


PATTERNS = frames_of(12, (6, 5), "u2").reshape(3, 4, 6, 5)


def write_png(path, pattern):
    Image.fromarray(pattern).save(path)


def write_positions(folder, form, patterns=PATTERNS, write=write_png):
    """Write a file for each pattern of a scan, its name made of x, y and the number n."""
    folder.mkdir(exist_ok=True)
    for y, x in np.ndindex(patterns.shape[:2]):
        write(folder / form.format(x=x, y=y, n=y * patterns.shape[1] + x), patterns[y, x])
    return folder


def everything(scan):
    """Read a whole scan."""
    return scan.rows(0, scan.shape[0])
