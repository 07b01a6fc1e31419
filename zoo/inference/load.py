"""A name -> a network with its weights."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import nn

from zoo.core.errors import WeightsError
from zoo.core.initialization import skip_initialization
from zoo.core.spec import Spec
from zoo.core.validation import count
from zoo.hub import weights
from zoo.hub.labels import read as read_labels
from zoo.hub.registry import describe
from zoo.hub.weights import record_of
from zoo.inference.build import build
from zoo.inference.engines import DTYPES, choose
from zoo.inference.engines.onnx import graph_path
from zoo.inference.forks import require_unforked
from zoo.inference.model import DeviceLike, device_of
from zoo.inference.network import Network

PRETRAINED = "pretrained"


def load(
    name: str | os.PathLike[str],
    *,
    weights: str | os.PathLike[str] | None = PRETRAINED,
    num_classes: int | None = None,
    device: DeviceLike = "auto",
    engine: str = "auto",
    dtype: str | torch.dtype = "fp32",
    trust: bool = False,
) -> Network:
    """Build a network of the zoo and give it its weights, which are fetched on first use.

    Parameters
    ----------
    name : str or path
        ``arch`` or ``arch.tag``, see `zoo.networks`; the path of a saved network (``./bees``); ``timm:name``,
        ``hf:owner/repository`` or ``tfhub:owner/module/version``, see `zoo.describe`.
    weights : str, path or None
        ``"pretrained"``, a local file, or None for an untrained network. Only untrained weights and heads
        draw from torch's global random state.
    num_classes : int, optional
        Give the network a fresh, untrained head of that many classes.
    device : str or torch.device
        ``"auto"`` (a GPU where there is one), ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ...
    engine : {"auto", "torch", "onnxruntime", "fft"}
        What runs the network; ``"auto"`` takes the faster one, see `zoo.inference.engines.choose`.
    dtype : {"fp32", "bf16", "fp16"} or torch.dtype
        Precision of the products. Reduced precision changes scores by about 0.01, see ``benchmarks``.
    trust : bool
        As of `zoo.describe`.

    Returns
    -------
    Network

    Raises
    ------
    UnknownNameError
        If the network is unknown.
    TrustError
        If it would run a program whose author you did not say you trust.
    InputError
        If the engine or dtype is unknown, the device is not there, or the engine does not run on it.
    WeightsError
        If the weights cannot be obtained or do not fit.
    EngineError
        In a process that was forked after a network was loaded.

    Examples
    --------
    >>> import zoo
    >>> zoo.load("crepe.tiny", weights=None, device="cpu")
    <Network crepe.tiny on cpu>
    """
    require_unforked()
    spec = describe(name, trust=trust)
    # Options that make no sense are refused before a download.
    dtype = next((name for name, own in DTYPES.items() if own is dtype), str(dtype))
    choose(engine, device_of(device), dtype, spec)
    if num_classes is not None:
        count("num_classes", num_classes)
    pretrained = weights == PRETRAINED
    module = build(spec) if weights is None else _with_weights(spec, None if pretrained else weights)
    classes = read_labels(spec.labels) if spec.labels else ()
    options: dict[str, Any] = {"device": device, "engine": engine, "dtype": dtype}
    if pretrained:
        options |= {"graph": graph_path(spec), "file_hash": record_of(spec).get("sha256")}
    net = Network(spec, module, classes, **options)
    return net if num_classes is None else net.replace_head(num_classes)


def _with_weights(spec: Spec, file: str | os.PathLike[str] | None) -> nn.Module:
    """Build a network for tensors that are loaded already, so a record cannot allocate more than it has."""
    tensors = {key: torch.from_numpy(value) for key, value in weights.load(spec, file).items()}
    origin = file or weights.path_of(spec)
    if spec.origin in ("saved", "hf"):
        with torch.device("meta"):
            _require_shapes(build(spec), tensors, spec, origin)
        _require_numbers(tensors, origin)
    with skip_initialization():
        module = build(spec)
    try:
        module.load_state_dict(tensors)
    except RuntimeError as error:
        first = str(error).strip().splitlines()[-1].strip()
        raise WeightsError(f"The weights in {origin} do not fit {spec.name}: {first}") from error
    return module


def _require_numbers(tensors: dict[str, torch.Tensor], origin: str | os.PathLike[str]) -> None:
    for name, tensor in tensors.items():
        if tensor.isnan().any():
            raise WeightsError(f"The weights in {origin} are damaged: {name} holds what is not a number.")


def _require_shapes(
    module: nn.Module, tensors: dict[str, torch.Tensor], spec: Spec, origin: str | os.PathLike[str]
) -> None:
    for name, tensor in module.state_dict().items():
        expected = tuple(tensor.shape) or (1,)  # as a file keeps a single number
        shape = tuple(tensors[name].shape) or (1,) if name in tensors else "missing"
        if shape != expected:
            raise WeightsError(
                f"The weights in {origin} do not fit {spec.name}: {name} is {shape}, not {expected}."
            )
