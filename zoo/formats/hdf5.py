"""Layout of Keras weights in HDF5; runs in the process of `zoo.formats.keras` only."""

import re
from collections.abc import Iterator
from itertools import count, takewhile
from pathlib import Path

import h5py
import numpy as np

from zoo.core.errors import WeightsError
from zoo.formats import sizes

Items = dict[str, h5py.Group | h5py.Dataset]


def read(path: str) -> dict[str, np.ndarray]:
    """Every floating-point array, see `zoo.formats.keras.read`.

    Raises
    ------
    ValueError
        If the file contradicts itself or points to other files; h5py raises more.
    """
    with h5py.File(path, "r") as file:
        items = _items(file)
        places: dict[str, str] = {}
        for name, place in _decode_names(items):
            if name in places:
                raise ValueError(f"{name} is stored twice")
            places[name] = place
        floats = {name: items[place] for name, place in places.items() if items[place].dtype.kind == "f"}
        sizes.require(path, sum(item.size * item.dtype.itemsize for item in floats.values()))
        return {name: _array(item) for name, item in floats.items()}


def _array(item: h5py.Dataset) -> np.ndarray:
    if item.external or item.is_virtual:
        raise ValueError(f"{item.name} is kept in another file")
    return item[()]


def require_self_contained(path: str | Path, file: h5py.File) -> None:
    """Refuse a file whose parts are links to other places or files, or larger than the file allows.

    Raises
    ------
    WeightsError
    """
    links: dict[str, object] = {}
    file.visititems_links(links.__setitem__)
    if others := [name for name, link in links.items() if not isinstance(link, h5py.HardLink)]:
        raise WeightsError(f"{path} links {others[0]!r} to another place or file, and no link is followed.")
    arrays = [item for item in _items(file).values() if isinstance(item, h5py.Dataset)]
    if outside := [item.name for item in arrays if item.external or item.is_virtual]:
        raise WeightsError(f"{path} keeps {outside[0]!r} in another file, which is not read.")
    sizes.require(path, sum(item.size * item.dtype.itemsize for item in arrays if item.size))


def _items(file: h5py.File) -> Items:
    """Return the items of the file by path; links to other places are not followed."""
    items: Items = {"": file}
    file.visititems(items.__setitem__)
    return items


def _decode_names(items: Items) -> Iterator[tuple[str, str]]:
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
            raise ValueError(f"the layer {layer} is missing")
        weights = _strings(items[place], "weight_names")
        whole = [re.sub(r":\d+$", "", weight) for weight in weights]
        short = [name.rpartition("/")[2] for name in whole]
        names = short if len(set(short)) == len(short) else whole
        for weight, name in zip(weights, names, strict=True):
            if not isinstance(items.get(f"{place}/{weight}"), h5py.Dataset):
                raise ValueError(f"the weights {weight} are missing")
            yield f"{layer}/{name}", f"{place}/{weight}"


def _strings(group: h5py.Group, name: str) -> list[str]:
    """Read a list of names, which Keras splits into attributes ``name0``, ``name1``, ... if it is long."""
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
    if variables is None or "name" not in variables.attrs:
        return place.rpartition("/")[2]
    return _text(variables.attrs["name"])


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, str):
        return str(value)
    raise TypeError(f"{value!r} is not a name")


def _natural(path: str) -> list[list[str | int]]:
    """Sorts ``conv2d``, ``conv2d_2``, ``conv2d_10``."""
    return [
        [int(piece) if i % 2 else piece for i, piece in enumerate(re.split(r"(\d+)", part))]
        for part in path.split("/")
    ]
