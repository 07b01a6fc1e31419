"""Keras weights in HDF5: the ``.h5`` of Keras 1 and 2, and the ``.weights.h5`` of Keras 3.

Which layers there are, and in what order, says the text of attributes. On a damaged one libhdf5 may run
forever or crash, so a process of its own reads them.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import count, takewhile
from pathlib import Path

import h5py
import numpy as np

from zoo.errors import WeightsError

Items = dict[str, h5py.Group | h5py.Dataset]

_PATIENCE = 60.0  # s; thousands of names take less than one
# What h5py raises on bytes that are no HDF5, and what says here that they are not laid out as they claim.
_BROKEN = (OSError, RuntimeError, LookupError, ValueError, TypeError, MemoryError)


def read(path: str | Path) -> dict[str, np.ndarray]:
    """Every floating-point array as ``<layer>/<variable>``, layer by layer in the order of the network.

    The variable is the last part of its name in the file (``kernel``, ``moving_mean``); where a layer is a
    network of its own, so that this says too little, the whole name (``resnet50/conv1_conv/kernel``). Keras 3
    numbers the variables of a layer and keeps the order within each class of layers only. The optimiser's
    state is left out. In an HDF5 file that is not laid out by Keras, an array's name is its path.

    Raises
    ------
    WeightsError
        If the file is no HDF5, is truncated, contradicts itself or points to other files.
    """
    places = _places(path)
    try:
        with h5py.File(path, "r") as file:
            items = _items(file)
            return {name: _array(items[place]) for name, place in places.items() if _is_float(items[place])}
    except _BROKEN as error:
        raise WeightsError(f"{path} is not a complete HDF5 file: {error}.") from error


def _places(path: str | Path) -> dict[str, str]:
    """Where in the file each variable is, by its name."""
    command = [sys.executable, "-P", "-m", "zoo.formats.keras", os.fspath(path)]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE)
    except subprocess.TimeoutExpired as error:
        raise WeightsError(f"{path} is a damaged HDF5 file: its names take forever.") from error
    if run.returncode:
        why = "".join(run.stderr.strip().splitlines()[-1:]) or f"reading it ended with {run.returncode}"
        raise WeightsError(f"{path} is not a complete HDF5 file ({why}).")
    return json.loads(run.stdout)


def _is_float(item: h5py.Dataset) -> bool:
    return item.dtype.kind == "f"


def _array(item: h5py.Dataset) -> np.ndarray:
    if item.external or item.is_virtual:
        raise ValueError(f"{item.name} is kept in another file")
    return item[()]


def _print_places(path: str) -> None:
    places: dict[str, str] = {}
    with h5py.File(path, "r") as file:
        for name, place in _named(_items(file)):
            if name in places:
                raise ValueError(f"{name} is there twice")
            places[name] = place
    print(json.dumps(places))


def _items(file: h5py.File) -> Items:
    """What the file itself holds, by path: links to other places are not followed."""
    items: Items = {"": file}
    file.visititems(items.__setitem__)
    return items


def _named(items: Items) -> Iterator[tuple[str, str]]:
    root = "model_weights" if "model_weights" in items else ""
    if layers := _strings(items[root], "layer_names"):
        return _by_layer(items, root, layers)
    arrays = [path for path, item in items.items() if isinstance(item, h5py.Dataset)]
    modern = [path for path in arrays if re.fullmatch(r"layers/.+/vars/\d+", path)]
    if modern:
        return ((_label(items, path), path) for path in sorted(modern, key=_natural))
    return zip(arrays, arrays, strict=True)


def _by_layer(items: Items, root: str, layers: list[str]) -> Iterator[tuple[str, str]]:
    """Keras 1 and 2: attributes say which layers there are, and which weights each has."""
    for layer in layers:
        place = f"{root}/{layer}".strip("/")
        if not isinstance(items.get(place), h5py.Group):
            raise ValueError(f"there is no layer {layer}")
        weights = _strings(items[place], "weight_names")
        whole = [re.sub(r":\d+$", "", weight) for weight in weights]
        short = [name.rpartition("/")[2] for name in whole]
        names = short if len(set(short)) == len(short) else whole
        for weight, name in zip(weights, names, strict=True):
            if not isinstance(items.get(f"{place}/{weight}"), h5py.Dataset):
                raise ValueError(f"there are no weights {weight}")
            yield f"{layer}/{name}", f"{place}/{weight}"


def _strings(group: h5py.Group, name: str) -> list[str]:
    """A list of names, which Keras splits into attributes ``name0``, ``name1``, ... where it is long."""
    numbered = takewhile(group.attrs.__contains__, (f"{name}{i}" for i in count()))
    values = [group.attrs[key] for key in ([name] if name in group.attrs else numbered)]
    return [_text(item) for value in values for item in np.ravel(value)]


def _label(items: Items, path: str) -> str:
    """``layers/conv2d_1/vars/0`` -> ``conv1_conv/0``: Keras 3 keeps a layer's own name as an attribute."""
    owner, _, variable = path.rpartition("/vars/")
    parts = owner.split("/")
    places = ["/".join(parts[: i + 1]) for i, part in enumerate(parts) if part != "layers"]
    return "/".join([*(_own_name(items, place) for place in places), variable])


def _own_name(items: Items, place: str) -> str:
    variables = items.get(f"{place}/vars")
    named = variables is not None and "name" in variables.attrs
    return _text(variables.attrs["name"]) if named else place.rpartition("/")[2]


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{value!r} is no name")


def _natural(path: str) -> list[list[str | int]]:
    """Sorts ``conv2d``, ``conv2d_2``, ``conv2d_10``."""
    return [
        [int(piece) if i % 2 else piece for i, piece in enumerate(re.split(r"(\d+)", part))]
        for part in path.split("/")
    ]


if __name__ == "__main__":
    _print_places(sys.argv[1])
