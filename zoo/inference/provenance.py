"""Describe the network that made vectors: see `zoo.results.provenance.Provenance`."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, cast

import msgspec
import numpy as np

from zoo.core import canaries
from zoo.core.batch import Batch
from zoo.core.spec import Task
from zoo.hub import weights
from zoo.inference.engines.onnx import OnnxRuntime
from zoo.inference.preprocessing import AudioFrontend, Preprocessor
from zoo.results.provenance import MAX_NUMBERS, MAX_VECTORS, Canary, Dtype, Provenance

if TYPE_CHECKING:
    import torch

    from zoo.inference.model import Model


def provenance(
    net: Model,
    task: Task = "embed",
    /,
    *,
    layer: str | None = None,
    pool: bool | None = None,
    overlap: float | None = None,
    **options: bool | float | str | None,
) -> Provenance:
    """Describe what a network does in a task, and run it on canaries.

    It is computed once for each set of options, and again when the module has changed.

    Parameters
    ----------
    net : Model
    task : {"classify", "embed", "events", "pitch"}
        The canaries' vectors are embeddings for ``"embed"``, and scores for all others.
    layer, pool, overlap
        As of `Network.embed`; `overlap` also as of the other tasks.
    **options
        More options of the task that change its results.

    Returns
    -------
    Provenance

    Raises
    ------
    InputError
        If the network does not do that.
    UnknownNameError
        If the layer does not exist.
    """
    net.require(task)
    if overlap is not None:
        net = net.with_preprocessor(net.preprocessor.with_overlap(overlap))
    settings = describe_preprocessing(net.preprocessor, net.spec.preprocess)
    all_options = {"overlap": overlap, **options}
    if task == "embed":
        layer_name = net.spec.embedding_layer if layer is None else str(layer)
        pooled = pool if pool is not None else layer is not None or net.spec.pool
        all_options = {"layer": layer_name, "pool": pooled, "mean": False, **all_options}
    key = (task, msgspec.json.encode([settings, all_options], order="sorted"))
    return net.memo.get(key, lambda: _compute(net, task, settings, all_options))


def hash_weights(net: Model) -> str:
    """Return the SHA-256 of a network's tensors, as they are now.

    It covers names, types, shapes and numbers (little-endian, in C order), and nothing else: neither the
    device, nor the file they come from. Of a cached file it is computed once, and kept in the file's record.
    """
    return net.memo.get("weights", lambda: _hash_weights(net))


def hash_tensors(tensors: dict[str, torch.Tensor]) -> str:
    """Return the SHA-256 of named tensors, see `hash_weights`."""
    import torch

    digest = hashlib.sha256()
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        # Of any type, as NumPy has no bfloat16; a tensor without axes has no bytes to view.
        digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def describe_preprocessing(preprocessor: Preprocessor, record: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of preprocessing as JSON-ready values.

    Parameters
    ----------
    preprocessor : Preprocessor
    record : dict
        What the network's record says, for preprocessing that keeps no settings of its own.
    """
    kind = type(preprocessor)
    name = record["type"] if kind.__module__.startswith("zoo.") else f"{kind.__module__}.{kind.__qualname__}"
    if is_dataclass(preprocessor):
        own = asdict(preprocessor)
    elif kind.__module__.startswith("zoo."):
        own = record
    else:
        own = {"description": preprocessor.describe()}
    return msgspec.json.decode(msgspec.json.encode(own | {"type": name}, enc_hook=str))


def _hash_weights(net: Model) -> str:
    file_hash = net.file_hash if net.memo.is_as_loaded else None
    if file_hash and (recorded := weights.tensor_hash(net.spec, file_hash)):
        return recorded
    tensors = hash_tensors(net.module.state_dict())
    if file_hash:
        weights.keep_tensor_hash(net.spec, file_hash, tensors)
    return tensors


def _compute(net: Model, task: Task, settings: dict[str, Any], options: dict[str, Any]) -> Provenance:
    canary = _canary(net, task, options)  # runs the engine, which shows whether there is one
    engine = _engine(net, options)
    versions = {"zoo": version("zoo-pretrained"), "python": platform.python_version()}
    versions |= {"numpy": np.__version__, "torch": version("torch")}
    if engine == "onnxruntime":
        import onnxruntime  # which several distributions bring

        versions["onnxruntime"] = onnxruntime.__version__
    return Provenance(
        task=task,
        network=net.name,
        title=net.spec.title,
        architecture=net.spec.builder,
        weights=hash_weights(net),
        preprocessing=settings,
        options=options,
        engine=engine,
        dtype=cast("Dtype", net.dtype),
        device=net.device.type,
        versions=versions,
        license=net.spec.license,
        date=datetime.now(UTC).isoformat(timespec="seconds"),
        canary=canary,
    )


def _engine(net: Model, options: dict[str, Any]) -> str:
    """Return the engine that computes the results: PyTorch where ONNX Runtime cannot."""
    engine = net.engine
    if isinstance(engine, OnnxRuntime):
        layer = options.get("layer", engine.layer)
        return engine.name if engine.has_session and layer == engine.layer else net.eager.name
    return engine.name


def _canary(net: Model, task: Task, options: dict[str, Any]) -> Canary:
    import torch

    if net.spec.modality == "image":
        recipe, inputs = "pictures", canaries.pictures()
        batches = net.batches(inputs)
    else:
        recipe, inputs = "sound", [canaries.sound(_seconds(net.preprocessor))]
        batches = net.batches(inputs, sample_rate=canaries.SAMPLE_RATE)
    data = torch.cat([row[None] for row in _some_rows(batches)])
    if task == "embed":
        vectors = net.vectors(data, layer=options["layer"], pool=options["pool"])
    else:
        vectors = net.scores(data)
    width = vectors.shape[1]
    if width > MAX_NUMBERS:
        vectors = vectors[:, np.linspace(0, width - 1, MAX_NUMBERS).round().astype(int)]
    return Canary(
        recipe=recipe,
        version=canaries.VERSION,
        sha256=canaries.sha256(inputs),
        width=width,
        vectors=tuple(tuple(_shortest(number) for number in vector) for vector in vectors),
    )


def _seconds(preprocessor: Preprocessor) -> int:
    """Return how many seconds of sound fill a window, `canaries.SECONDS` at the least."""
    if not isinstance(preprocessor, AudioFrontend):
        return canaries.SECONDS
    return max(canaries.SECONDS, -(-preprocessor.framing.window // preprocessor.sample_rate))


def _some_rows(batches: Iterator[Batch]) -> list[torch.Tensor]:
    """Return the first, the middle and the last row of all batches."""
    rows = [row for batch in batches for row in batch.data]
    positions = np.linspace(0, len(rows) - 1, MAX_VECTORS).round().astype(int)
    return [rows[row] for row in np.unique(positions)]


def _shortest(number: np.float32) -> float | None:
    """Return the number in as few digits as float32 needs; None for what JSON does not have."""
    return float(str(number)) if np.isfinite(number) else None
