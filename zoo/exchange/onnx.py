"""A network as a file that other programs run."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path

import torch

from zoo.core.errors import InputError
from zoo.core.extras import optional_libraries
from zoo.hub import weights
from zoo.inference.engines.onnx import check, exported, session_of
from zoo.inference.engines.pytorch import PyTorch
from zoo.inference.load import load
from zoo.inference.network import Network


def export(network: str | os.PathLike[str] | Network, path: str | os.PathLike[str]) -> Path:
    """Write a network as ONNX.

    The graph takes `data`, the preprocessed batch, and gives `outputs`, the scores before the activation,
    and `layer`, the embedding's layer. Its metadata say what comes before and after: the preprocessing in a
    sentence, the activation, the labels in the order of the outputs, and the license.

    Parameters
    ----------
    network : str, path or Network
    path : path
        Ends with ``.onnx``.

    Returns
    -------
    Path
        The file that was written.

    Raises
    ------
    InputError
        If the file is to be something else, or its folder is missing.
    EngineError
        If the network cannot be exported, or does not give the same as a graph.
    UnknownNameError, WeightsError
        As `zoo.load`, of a network by name.
    """
    path = Path(path)
    if path.suffix != ".onnx":
        raise InputError(f"{path.name} is not the name of an .onnx file, the format that is written.")
    if not path.parent.is_dir():
        raise InputError(f"The folder {path.parent} does not exist.")
    graph = to_onnx(network if isinstance(network, Network) else load(network))
    weights.write(path, lambda temporary: temporary.write_bytes(graph))
    return path


def to_onnx(net: Network) -> bytes:
    """Return a network as the content of an ONNX file, see `export`."""
    with optional_libraries():
        import onnx

    eager = PyTorch(copy.deepcopy(net.module).cpu().eval(), torch.device("cpu"), "fp32")
    shape = net.spec.input_shape
    graph = exported(eager, shape, net.spec.embedding_layer)
    check(session_of(graph, torch.get_num_threads()), eager, shape)
    model = onnx.load_model_from_string(graph)
    described = {
        "network": net.name,
        "preprocessing": net.preprocessor.describe(),
        "activation": net.spec.activation,
        "labels": json.dumps([label.label for label in net.labels], ensure_ascii=False),
        "layer": net.spec.embedding_layer,
        "license": net.spec.license,
    }
    onnx.helper.set_model_props(model, described)
    return model.SerializeToString()
