"""Zarr stores for tests, in each format that the zarr which is there can write: 2, and with zarr 3 also 3."""

import numpy as np
import zarr

NEW = int(zarr.__version__.split(".")[0]) >= 3
FORMATS = [2, 3] if NEW else [2]


def new_array(group, name, data, **options):
    """Put an array into a group that is open, by the method that the zarr which is there does not warn of."""
    data = np.asarray(data)
    options = {"shape": data.shape, "dtype": data.dtype, "chunks": data.shape, **options}
    array = (group.create_array if NEW else group.create_dataset)(name, **options)
    array[...] = data
    return array


def write_zarr(path, arrays, zarr_format=2, **options):
    """Write an array, or a group of arrays by name, as a folder; as a zip file where the name ends so."""
    store = zarr.storage.ZipStore(str(path), mode="w") if str(path).endswith("zip") else str(path)
    kind = {"zarr_format": zarr_format} if NEW else {}
    group = zarr.open_group(store, mode="w", **kind) if isinstance(arrays, dict) else None
    for name, data in arrays.items() if group is not None else [(None, arrays)]:
        data = np.asarray(data)
        if NEW:  # a chunk of zeros is a chunk too
            options["config"] = {"write_empty_chunks": True}
        if group is not None:
            new_array(group, name, data, **options)
            continue
        more = {"shape": data.shape, "dtype": data.dtype, "chunks": data.shape, **options}
        array = zarr.create_array(store, **more, **kind) if NEW else zarr.open(store, mode="w", **more)
        array[...] = data
    if not isinstance(store, str):
        store.close()
    return path


def write_zspy(path, data, axes):
    """Write a signal as HyperSpy does, whose own writer needs zarr 2; axes as (scale, units), navigation first."""
    write_zarr(path, {"Experiments/a/data": data})
    group = zarr.open_group(str(path), mode="r+")["Experiments/a"]
    for number, (scale, units) in enumerate(axes):
        axis = {"scale": scale, "units": units, "navigate": number < 2, "offset": 0.0, "size": data.shape[number]}
        group.create_group(f"axis-{number}").attrs.update(axis)
    return path
