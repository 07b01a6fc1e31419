"""Read the archive that `torch.export.save` writes (``.pt2``) as data: a graph in JSON, and raw tensors.

`torch.export.load` is not used: it unpickles sample inputs and some constants, and evaluates the text of
symbolic sizes with sympy. Here neither is read. The fields are those of PyTorch's
``torch/_export/serde/schema.py`` (major version 8).
"""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import msgspec
import torch

from zoo.core.errors import InputError, WeightsError, reason
from zoo.formats import sizes

SCHEMA = 8
MAX_NODES = 50_000
MAX_TEXT = 1 << 26  # bytes of JSON, which take about 20 times as much when they are read
MAX_RANK = 64  # as in PyTorch
# ScalarType of the schema; the numbers are not those of c10.
TYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    12: torch.bool,
    13: torch.bfloat16,
}
_BROKEN = (
    OSError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    OverflowError,
    RecursionError,
    NotImplementedError,
    RuntimeError,
    EOFError,
    MemoryError,
    zipfile.BadZipFile,
    zlib.error,
)


@dataclass
class Archive:
    """The graph of an exported program.

    Attributes
    ----------
    path : Path
    nodes : list of dict
        With target, inputs, outputs, and metadata.
    tensors : dict of str to Tensor
        Parameters, buffers, and constants by their names in the graph.
    inputs : list of str
        Tensors that the user passes.
    outputs : list of str
    shapes : dict of str to tuple
        By tensor; None stands for a size that is not fixed.
    types : dict of str to torch.dtype
    version : str
        Of the PyTorch that wrote it.
    """

    path: Path
    nodes: list[dict[str, Any]]
    tensors: dict[str, torch.Tensor]
    inputs: list[str]
    outputs: list[str]
    shapes: dict[str, tuple[int | None, ...]]
    types: dict[str, torch.dtype]
    version: str


def read_archive(path: Path) -> Archive:
    """Read an exported program without running anything of it.

    Raises
    ------
    InputError
        If it holds several programs, or is of another version of the format.
    WeightsError
        If it is damaged, compressed, or too large, or has pickled tensors.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in archive.infolist()):
                raise WeightsError(f"{path} is compressed; save it with torch.export.save, which does not.")
            sizes.require(path, sum(entry.file_size for entry in archive.infolist()))
            return _read(path, archive)
    except (InputError, WeightsError):
        raise
    except _BROKEN as error:
        raise WeightsError(f"{path} is not a complete exported program (.pt2): {reason(error)}.") from error


def _read(path: Path, archive: zipfile.ZipFile) -> Archive:
    names = archive.namelist()
    models = [name for name in names if name.endswith(".json") and name.split("/")[-2:-1] == ["models"]]
    if len(models) != 1:
        raise InputError(f"{path} holds {len(models)} exported programs; save one with torch.export.save.")
    (name,) = models
    root, key = name[: -len("models/x")].rpartition("models/")[0], name.rpartition("/")[2][: -len(".json")]
    program = _decoded(path, archive, name)
    version = program["schema_version"]["major"]
    if version != SCHEMA:
        raise InputError(
            f"{path} has version {version} of the format of exported programs, and version {SCHEMA} is read; "
            "save it with PyTorch 2.11."
        )
    graph, signature = (program["graph_module"][part] for part in ("graph", "signature"))
    if len(graph["nodes"]) > MAX_NODES:
        raise InputError(f"{path} has more than {MAX_NODES} nodes.")
    stored = _tensors(path, archive, f"{root}data/weights/", f"{key}_weights_config.json")
    stored |= _tensors(path, archive, f"{root}data/constants/", f"{key}_constants_config.json")
    tensors, inputs = _bound(path, signature["input_specs"], stored)
    values = graph["tensor_values"]
    return Archive(
        path=path,
        nodes=graph["nodes"],
        tensors=tensors,
        inputs=inputs,
        outputs=[
            spec["user_output"]["arg"]["as_tensor"]["name"]
            for spec in signature["output_specs"]
            if "user_output" in spec
        ],
        shapes={name: tuple(size.get("as_int") for size in meta["sizes"]) for name, meta in values.items()},
        types={name: TYPES[meta["dtype"]] for name, meta in values.items() if meta["dtype"] in TYPES},
        version=str(program["torch_version"]).partition("+")[0][:20],
    )


def _bound(
    path: Path, specs: list[dict[str, Any]], stored: dict[str, torch.Tensor]
) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Return the tensors by their names in the graph, and the names of the user's inputs."""
    tensors: dict[str, torch.Tensor] = {}
    inputs: list[str] = []
    for spec in specs:
        ((kind, value),) = spec.items()
        if kind == "user_input" and "as_tensor" in value["arg"]:
            inputs.append(value["arg"]["as_tensor"]["name"])
        elif kind in ("parameter", "buffer", "tensor_constant"):
            tensors[value["arg"]["name"]] = stored[value[f"{kind}_name"]]
        else:
            raise InputError(f"{path} has an input other than a tensor ({kind[:40]}); pass tensors only.")
    return tensors, inputs


def _tensors(path: Path, archive: zipfile.ZipFile, folder: str, config: str) -> dict[str, torch.Tensor]:
    """Return the tensors of one folder; those of one file share its memory."""
    tensors: dict[str, torch.Tensor] = {}
    contents: dict[str, bytearray] = {}
    size = 0
    for name, entry in _decoded(path, archive, folder + config)["config"].items():
        if entry["use_pickle"]:
            raise WeightsError(
                f"{path} has the pickled tensor {name[:80]!r}; pickles of strangers are not read."
            )
        file = entry["path_name"]
        if file not in contents:
            contents[file] = bytearray(archive.read(folder + file))
        tensors[name] = _tensor(contents[file], entry["tensor_meta"])
        size += tensors[name].nbytes
        sizes.require(path, size)
    return tensors


def _decoded(path: Path, archive: zipfile.ZipFile, name: str) -> Any:
    if archive.getinfo(name).file_size > MAX_TEXT:
        raise WeightsError(f"{path} has more than {MAX_TEXT >> 20} MB of text in {name[:80]!r}.")
    return msgspec.json.decode(archive.read(name))


def _tensor(content: bytearray, meta: dict[str, Any]) -> torch.Tensor:
    shape, strides = ([size["as_int"] for size in meta[key]] for key in ("sizes", "strides"))
    offset, dtype = meta["storage_offset"]["as_int"], TYPES[meta["dtype"]]
    if len(shape) != len(strides) or len(shape) > MAX_RANK or min([*shape, *strides, offset], default=0) < 0:
        raise ValueError("a tensor has a shape that is none")
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if prod(shape) and prod(shape) * dtype.itemsize > len(content):
        raise ValueError("a tensor is larger than its file")
    if not prod(shape):
        return torch.zeros(shape, dtype=dtype)
    if (last + 1) * dtype.itemsize > len(content):
        raise ValueError("a tensor leads out of its file")
    flat = torch.frombuffer(content, dtype=dtype, count=len(content) // dtype.itemsize)
    return flat.as_strided(shape, strides, offset).contiguous()
